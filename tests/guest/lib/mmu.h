/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Stage 1 of the guest: 36 bits of VA. Below 16 GiB VA = PA (GiB 0 Device-nGnRE, the rest Normal write-back), EL1 only.
 * From 16 GiB the same again for EL0. From 48 GiB single slots of 1 GiB for tests (4 KiB granule only).
 */
#include "hyp/base/bits.h"

#define EL0_ALIAS GIB(16)
#define MMU_SLOTS GIB(48)

enum granule { GRANULE_4K, GRANULE_16K, GRANULE_64K };

static inline uint64_t el0_address(uint64_t address)
{
    return address + EL0_ALIAS;
}

/* Does ID_AA64MMFR0_EL1 offer it? */
bool mmu_has_granule(enum granule granule);
/* Both run on identity-mapped code and may be called at any time on any core, for that core. */
void mmu_enable(enum granule granule);
void mmu_disable(void);
/* Puts a raw descriptor into slot n (0-15) and invalidates; gives the slot's address. */
uint64_t mmu_slot_set(unsigned int n, uint64_t descriptor);
/* The same for the GiB at any va; gives the descriptor that was there, for putting it back. */
uint64_t mmu_entry_set(uint64_t va, uint64_t descriptor);
void mmu_tables_make(void);
/* The attributes of a 1 GiB block: AttrIndx 0 Device-nGnRnE, 1 Device-nGnRE, 2 Normal non-cacheable, 3 Normal write-back. */
uint64_t mmu_block(uint64_t pa, unsigned int attr_index, bool el0);
