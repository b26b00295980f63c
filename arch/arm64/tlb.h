/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * TLB invalidation of the EL1&0 regime, inner shareable, for the VMID that VTTBR_EL2 holds (DDI 0487 D8.13). None of them
 * completes before a DSB; none is ordered after earlier table stores without one.
 */
#include <stdint.h>

/* Stage 2 entries of one IPA, of every level of its walk. */
static inline void tlbi_ipas2e1is(uint64_t ipa)
{
    __asm__ volatile("tlbi ipas2e1is, %0" ::"r"(ipa >> 12) : "memory");
}

/* Stage 1 entries, and those that combine both stages. */
static inline void tlbi_vmalle1is(void)
{
    __asm__ volatile("tlbi vmalle1is" ::: "memory");
}

/* Both stages, everything. */
static inline void tlbi_vmalls12e1is(void)
{
    __asm__ volatile("tlbi vmalls12e1is" ::: "memory");
}
