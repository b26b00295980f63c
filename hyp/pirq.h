/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Physical interrupts that EL2 or a vdev owns. */
#include <stdint.h>
#include "hyp/base/phase.h"

/* Routes a shared peripheral interrupt to the calling core and enables it; `fn` runs there with interrupts masked and must not block.
 * -EBUSY names the owner it has already; -EINVAL: no SPI. */
int pirq_register(uint32_t intid, void (*fn)(void *), void *ctx, const char *owner) __startup __must_check;
/* One acknowledged interrupt; false: nobody owns it (it is disabled and logged). */
bool pirq_dispatch(uint32_t intid);
