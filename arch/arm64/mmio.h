/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Device registers of EL2's own drivers. One access a call, of exactly this width, in program order. */
#include <stdint.h>

/* The same for a guest, on hardware that may refuse it: `how` is 0 to 3 for loads of 1, 2, 4, 8 bytes, 4 to 7 for stores; aligned. *value is loaded or stored.
 * 0; 1: an external abort, and *value is as it was. Interrupts masked. */
int mmio_try(volatile void *at, uint64_t *value, unsigned how);

static inline uint32_t mmio_read32(volatile void *base, uint32_t offset)
{
    return *(volatile uint32_t *)((volatile uint8_t *)base + offset);
}

static inline uint64_t mmio_read64(volatile void *base, uint32_t offset)
{
    return *(volatile uint64_t *)((volatile uint8_t *)base + offset);
}

static inline void mmio_write8(volatile void *base, uint32_t offset, uint8_t value)
{
    *((volatile uint8_t *)base + offset) = value;
}

static inline void mmio_write32(volatile void *base, uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)((volatile uint8_t *)base + offset) = value;
}

static inline void mmio_write64(volatile void *base, uint32_t offset, uint64_t value)
{
    *(volatile uint64_t *)((volatile uint8_t *)base + offset) = value;
}
