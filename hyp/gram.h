/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Guest RAM that vdevs keep for themselves. */
#include <stddef.h>
#include <stdint.h>
#include "hyp/base/phase.h"

struct gram {
    uint64_t base, size;
    const char *owner; /* the vdev's path */
};

struct guest_system;
/* Adds a memory reservation to the guest's tree in `buf` for each. 0; -ENOSPC, -EINVAL: traced. */
int gram_describe(const struct guest_system *vm, void *buf, size_t size, size_t *used) __startup __must_check;
