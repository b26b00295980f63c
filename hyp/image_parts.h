/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What image_place() is made of. */
#include "hyp/image.h"

#define CONFIG_IPA_LIMIT 48 /* address bits of a guest */

/* Load address, size in memory and entry of a kernel; `ram` is where RAM begins. -EINVAL, traced. */
int image_place_kernel(const struct config_vm *vm, const struct image *kernel, uint64_t ram,
                       struct placement *out) __startup __must_check;
