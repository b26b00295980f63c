/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Physical interrupts that EL2 or a vdev owns. */
#include <stdint.h>
#include "hyp/base/phase.h"

/* Routes a shared peripheral interrupt to the calling core and enables it; `fn` runs there with interrupts masked and must not block.
 * -EBUSY names the owner it has already; -EINVAL: no SPI; -ENOSPC. */
int pirq_register(uint32_t intid, void (*fn)(void *), void *ctx, const char *owner) __startup __must_check;
/* Vdevs' interrupts go to their VMs' cores: once those are up. Where a GICv2 sends an interrupt for a core it learns from the core itself. */
void pirqs_route(void) __startup;
/* How many there are, and back to so many: those of a VM that was refused are nobody's again. */
unsigned pirq_registered(void) __startup;
void pirq_forget(unsigned before) __startup;
/* One acknowledged interrupt. Is it done with, so that it may be deactivated? What nobody owns is disabled and logged. */
bool pirq_dispatch(uint32_t intid);
