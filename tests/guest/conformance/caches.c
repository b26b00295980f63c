/* SPDX-License-Identifier: Apache-2.0 */
/* Cache maintenance by address and by set/way, DC ZVA, code that changes itself, reads past the caches, guest granules. */
#include "tests/guest/conformance/conformance.h"

#define AREA 65536

static uint8_t area[AREA] __attribute__((aligned(65536)));

static void fill(uint8_t seed)
{
    for (unsigned int i = 0; i < AREA; i++)
        area[i] = (uint8_t)(i * 7 + seed);
}

static bool holds(uint8_t seed)
{
    for (unsigned int i = 0; i < AREA; i++) {
        if (area[i] != (uint8_t)(i * 7 + seed))
            return false;
    }
    return true;
}

#define by_address(op) \
    do { \
        for (uint64_t a = (uint64_t)area; a < (uint64_t)area + AREA; a += dcache_line()) \
            __asm__ volatile(op ", %0" ::"r"(a) : "memory"); \
        dsb(sy); \
    } while (0)

static void maintenance_by_address(void)
{
    fill(1);
    by_address("dc cvac");
    check(holds(1), "DDI0487 DC CVAC", "clean by address keeps data");
    fill(2);
    by_address("dc cvau");
    check(holds(2), "DDI0487 DC CVAU", "clean to PoU keeps data");
    fill(3);
    by_address("dc civac");
    check(holds(3), "DDI0487 DC CIVAC", "clean and invalidate keeps data");
    by_address("dc ivac");
    check(holds(3), "DDI0487 DC IVAC", "invalidate of clean lines keeps data");
    by_address("ic ivau");
    __asm__ volatile("ic iallu\n dsb nsh\n ic ialluis\n dsb ish\n isb" ::: "memory");
    check(holds(3), "DDI0487 IC IALLU, IC IALLUIS", "instruction cache maintenance keeps data");
}

enum set_way { SET_WAY_CLEAN, SET_WAY_INVALIDATE, SET_WAY_BOTH };

static void set_way_level(unsigned int level, enum set_way what)
{
    msr(csselr_el1, (uint64_t)level << 1);
    isb();
    uint64_t id = mrs(ccsidr_el1);
    bool wide = idreg_field(mrs(id_aa64mmfr2_el1), 20) >= 1;
    uint64_t line = (id & 7) + 4, ways = wide ? (id >> 3 & 0x1fffff) : (id >> 3 & 0x3ff);
    uint64_t sets = wide ? (id >> 32 & 0xffffff) : (id >> 13 & 0x7fff),
             shift = ways ? (unsigned int)__builtin_clz((uint32_t)ways) : 0;
    for (uint64_t way = 0; way <= ways; way++) {
        for (uint64_t set = 0; set <= sets; set++) {
            uint64_t v = way << shift | set << line | level << 1;
            if (what == SET_WAY_CLEAN)
                __asm__ volatile("dc csw, %0" ::"r"(v) : "memory");
            else if (what == SET_WAY_INVALIDATE)
                __asm__ volatile("dc isw, %0" ::"r"(v) : "memory");
            else
                __asm__ volatile("dc cisw, %0" ::"r"(v) : "memory");
        }
    }
}

static void set_way_all(enum set_way what)
{
    uint64_t clidr = mrs(clidr_el1);
    for (unsigned int level = 0; level < (clidr >> 24 & 7); level++) {
        if ((clidr >> 3 * level & 7) >= 2)
            set_way_level(level, what);
    }
    dsb(sy);
    isb();
}

static void maintenance_by_set_way(void)
{
    fill(4);
    uint64_t start = timer_count();
    set_way_all(SET_WAY_BOTH);
    check(holds(4), "DDI0487 DC CISW", "clean and invalidate by set/way of all levels keeps data");
    set_way_all(SET_WAY_CLEAN);
    check(holds(4), "DDI0487 DC CSW", "clean by set/way keeps data");
    /* Cleaned just before; under a hypervisor an invalidate behaves as a clean and invalidate (HCR_EL2.SWIO). */
    set_way_all(SET_WAY_INVALIDATE);
    check(holds(4), "DDI0487 DC ISW", "invalidate by set/way after the clean keeps data");
    check(timer_count() - start < 60 * mrs(cntfrq_el0), "DDI0487 DC CISW", "and comes to an end");
}

static void zeroing(void)
{
    uint64_t dczid = mrs(dczid_el0);
    if (dczid & BIT(4)) {
        check_skip("DDI0487 DC ZVA", "DC ZVA zeroes its block", "prohibited by DCZID_EL0");
        return;
    }
    uint64_t size = UINT64_C(4) << (dczid & 0xf);
    fill(5);
    __asm__ volatile("dc zva, %0\n dsb sy" ::"r"(&area[4 * size + 3]) : "memory");
    bool zero = true, rest = true;
    for (unsigned int i = 0; i < AREA; i++) {
        if (i >= 4 * size && i < 5 * size)
            zero &= area[i] == 0;
        else
            rest &= area[i] == (uint8_t)(i * 7 + 5);
    }
    check(zero, "DDI0487 DC ZVA", "DC ZVA zeroes its block, whatever the address in it");
    check(rest, "DDI0487 DC ZVA", "and nothing else");
    struct exception e = insn_catch(0xd50b7421, 0, NOWHERE_NORMAL);
    check_eq(e.taken ? e.esr & ESR_ABORT_MASK & ~ISS_CM : 0, esr_make(EC_DABT_SAME, FSC_SEA | ISS_WNR),
             "DDI0487 DC ZVA", "where nothing is: a synchronous external abort");
    uint64_t sctlr = mrs(sctlr_el1);
    msr(sctlr_el1, sctlr | SCTLR_DZE);
    isb();
    area[0] = 1;
    e = insn_catch_el0(0xd50b7421, 0, el0_address((uint64_t)area));
    check(!e.taken && area[0] == 0, "DDI0487 SCTLR_EL1.DZE", "DC ZVA at EL0 with DZE");
    msr(sctlr_el1, sctlr & ~SCTLR_DZE);
    isb();
    e = insn_catch_el0(0xd50b7421, 0, el0_address((uint64_t)area));
    check_eq(field_get(ESR_EC, e.esr), EC_SYSREG, "DDI0487 SCTLR_EL1.DZE", "DC ZVA at EL0 traps without DZE");
    msr(sctlr_el1, sctlr);
    isb();
}

static void el0_maintenance(void)
{
    uint64_t sctlr = mrs(sctlr_el1), user = el0_address((uint64_t)area);
    msr(sctlr_el1, sctlr & ~(SCTLR_UCI | SCTLR_UCT));
    isb();
    struct exception e = insn_catch_el0(0xd50b7e21, 0, user);
    check_eq(field_get(ESR_EC, e.esr), EC_SYSREG, "DDI0487 SCTLR_EL1.UCI", "DC CIVAC at EL0 traps without UCI");
    e = insn_catch_el0(INSN_MRS(SYSREG(3, 3, 0, 0, 1)), 0, 0);
    check_eq(field_get(ESR_EC, e.esr), EC_SYSREG, "DDI0487 SCTLR_EL1.UCT", "CTR_EL0 at EL0 traps without UCT");
    msr(sctlr_el1, sctlr | SCTLR_UCI | SCTLR_UCT);
    isb();
    e = insn_catch_el0(0xd50b7e21, 0, user);
    check(!e.taken, "DDI0487 SCTLR_EL1.UCI", "DC CIVAC at EL0 with UCI");
    e = insn_catch_el0(INSN_MRS(SYSREG(3, 3, 0, 0, 1)), 0, 0);
    check(!e.taken && e.result == mrs(ctr_el0), "DDI0487 SCTLR_EL1.UCT", "CTR_EL0 at EL0 with UCT is EL1's");
    msr(sctlr_el1, sctlr);
    isb();
}

static uint64_t run_area(uint64_t unused)
{
    isb();
    return ((uint64_t(*)(uint64_t))(uint64_t)area)(unused);
}

static void self_modifying(void)
{
    uint32_t *code = (uint32_t *)area;
    bool here = true, there = true;
    if (cpu_count > 1)
        cpus_start_all();
    for (uint32_t i = 0; i < 200; i++) {
        code[0] = 0xd2800000 | i << 5; /* MOV X0, #i */
        code[1] = INSN_RET;
        icache_sync((uint64_t)code, 8);
        here &= run_area(0) == i;
        if (cpu_count > 1 && i % 8 == 0)
            there &= cpu_call(1 + i / 8 % (cpu_count - 1), run_area, 0) == i;
    }
    check(here, "DDI0487 Synchronization of data and instruction caches", "code written and run, 200 times");
    check_if(cpu_count > 1, NEEDS_CORES, there, "DDI0487 Synchronization of data and instruction caches",
             "and run on another core");
}

/* Without the caches, what was cleaned is read; with them again, what was written past them is. */
static void past_the_caches(void)
{
    fill(6);
    mmu_disable();
    bool without = holds(6);
    for (unsigned int i = 0; i < AREA; i++)
        area[i] = (uint8_t)(i * 7 + 7);
    mmu_enable(GRANULE_4K);
    dcache_clean_invalidate((uint64_t)area, AREA);
    check(without, "DDI0487 Behavior of caches with SCTLR_EL1.C 0", "cleaned data is seen with the MMU off");
    check(holds(7), "DDI0487 Behavior of caches with SCTLR_EL1.C 0",
          "data written with the MMU off is seen with it on");
}

static void granule(enum granule g, const char *const names[4], uint64_t level)
{
    if (!mmu_has_granule(g)) {
        for (unsigned int i = 0; i < 4; i++)
            check_skip("DDI0487 ID_AA64MMFR0_EL1.TGran", names[i], "granule not offered");
        return;
    }
    fill(8);
    mmu_enable(g);
    bool reads = holds(8);
    fill(9);
    bool writes = holds(9);
    struct exception e = insn_catch(0xf9400000, MMU_SLOTS + GIB(15), 0);
    struct exception n = insn_catch(0xf9400000, NOWHERE, 0);
    struct exception u = insn_catch_el0(0xf9400000, el0_address((uint64_t)area), 0);
    uint64_t data = read64((uint64_t)area);
    mmu_enable(GRANULE_4K);
    check(reads && writes && holds(9), "DDI0487 TCR_EL1.TG0", names[0]);
    check_eq(e.esr, esr_make(EC_DABT_SAME, FSC_TRANSLATION(level)), "DDI0487 MMU fault types", names[1]);
    check_eq(n.esr & ESR_ABORT_MASK, esr_make(EC_DABT_SAME, FSC_SEA), "DDI0487 MMU fault types", names[2]);
    check(!u.taken && u.result == data, "DDI0487 TCR_EL1.TG0", names[3]);
}

static void granules(void)
{
    static const char *const k4[] = { "4 KiB granule: RAM", "4 KiB granule: a translation fault",
                                      "4 KiB granule: an external abort", "4 KiB granule: EL0" };
    static const char *const k16[] = { "16 KiB granule: RAM", "16 KiB granule: a translation fault",
                                       "16 KiB granule: an external abort", "16 KiB granule: EL0" };
    static const char *const k64[] = { "64 KiB granule: RAM", "64 KiB granule: a translation fault",
                                       "64 KiB granule: an external abort", "64 KiB granule: EL0" };
    granule(GRANULE_4K, k4, 1);
    granule(GRANULE_16K, k16, 2);
    granule(GRANULE_64K, k64, 2);
}

static void caches(void)
{
    maintenance_by_address();
    maintenance_by_set_way();
    zeroing();
    el0_maintenance();
    self_modifying();
    past_the_caches();
    granules();
}
SUBJECT(510, "caches", caches);
