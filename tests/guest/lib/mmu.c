/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/guest/lib/mmu.h"
#include "tests/guest/lib/regs.h"

#define VA_BITS 36
#define MAIR UINT64_C(0xff440400)
#define DESC_BLOCK 1
#define DESC_AF BIT(10)
#define DESC_SH_INNER (UINT64_C(3) << 8)
#define DESC_AP_EL0 BIT(6)
#define TCR_INNER_WB (UINT64_C(1) << 8 | UINT64_C(1) << 10 | UINT64_C(3) << 12)
#define TCR_EPD1 BIT(23)

extern char _image_start[], _image_end[];

/* One table each, at the level where 36 bits start: blocks of 1 GiB, 32 MiB and 512 MiB. */
static uint64_t table_4k[64] __attribute__((aligned(4096)));
static uint64_t table_16k[2048] __attribute__((aligned(16384)));
static uint64_t table_64k[128] __attribute__((aligned(1024)));

uint64_t mmu_block(uint64_t pa, unsigned int attr_index, bool el0)
{
    return pa | DESC_BLOCK | DESC_AF | DESC_SH_INNER | (el0 ? DESC_AP_EL0 : 0) | (uint64_t)attr_index << 2;
}

static void table_fill(uint64_t *table, uint64_t entries, uint64_t block)
{
    for (uint64_t i = 0; i < entries; i++) {
        uint64_t va = i * block;
        if (va < 2 * EL0_ALIAS)
            table[i] = mmu_block(va % EL0_ALIAS, va % EL0_ALIAS < GIB(1) ? 1 : 3, va >= EL0_ALIAS);
    }
    dcache_clean_invalidate((uint64_t)table, entries * 8);
}

void mmu_tables_make(void)
{
    table_fill(table_4k, ARRAY_LEN(table_4k), GIB(1));
    table_fill(table_16k, ARRAY_LEN(table_16k), MIB(32));
    table_fill(table_64k, ARRAY_LEN(table_64k), MIB(512));
}

bool mmu_has_granule(enum granule granule)
{
    uint64_t mmfr0 = mrs(id_aa64mmfr0_el1);
    switch (granule) {
    case GRANULE_4K: return field_get(FIELD(31, 28), mmfr0) != 0xf;
    case GRANULE_16K: return field_get(FIELD(23, 20), mmfr0) != 0;
    case GRANULE_64K: return field_get(FIELD(27, 24), mmfr0) != 0xf;
    }
    return false;
}

static void tlb_invalidate(void)
{
    dsb(ishst);
    __asm__ volatile("tlbi vmalle1is" ::: "memory");
    dsb(ish);
    isb();
}

static uint64_t tcr_for(enum granule granule)
{
    static const uint64_t tg0[] = { [GRANULE_4K] = 0, [GRANULE_16K] = 2, [GRANULE_64K] = 1 };
    uint64_t pa_range = mrs(id_aa64mmfr0_el1) & 0xf;
    return (64 - VA_BITS) | TCR_INNER_WB | TCR_EPD1 | tg0[granule] << 14 | (pa_range > 5 ? 5 : pa_range) << 32;
}

void mmu_enable(enum granule granule)
{
    static uint64_t *const tables[] = { [GRANULE_4K] = table_4k, [GRANULE_16K] = table_16k, [GRANULE_64K] = table_64k };
    mmu_disable();
    msr(mair_el1, MAIR);
    msr(tcr_el1, tcr_for(granule));
    msr(ttbr0_el1, (uint64_t)tables[granule]);
    isb();
    tlb_invalidate();
    __asm__ volatile("ic iallu" ::: "memory");
    dsb(nsh);
    isb();
    msr(sctlr_el1, mrs(sctlr_el1) | SCTLR_M | SCTLR_C | SCTLR_I);
    isb();
}

void mmu_disable(void)
{
    uint64_t sctlr = mrs(sctlr_el1);
    if (!(sctlr & SCTLR_M))
        return;
    /* What this core holds dirty must be in memory before it reads past its caches. */
    dcache_clean_invalidate((uint64_t)_image_start, (uint64_t)(_image_end - _image_start));
    msr(sctlr_el1, sctlr & ~(SCTLR_M | SCTLR_C));
    isb();
    dcache_clean_invalidate((uint64_t)_image_start, (uint64_t)(_image_end - _image_start));
    tlb_invalidate();
}

uint64_t mmu_entry_set(uint64_t va, uint64_t descriptor)
{
    uint64_t index = va / GIB(1), before = table_4k[index];
    table_4k[index] = 0;
    tlb_invalidate();
    table_4k[index] = descriptor;
    tlb_invalidate();
    return before;
}

uint64_t mmu_slot_set(unsigned int n, uint64_t descriptor)
{
    mmu_entry_set(MMU_SLOTS + n * GIB(1), descriptor);
    return MMU_SLOTS + n * GIB(1);
}
