/* SPDX-License-Identifier: Apache-2.0 */
/* Where nothing is: synchronous external aborts, exactly as a core reports them. */
#include "tests/guest/conformance/conformance.h"

#define LDR_W 0xb9400000u /* LDR W0, [X0] */
#define STR_W 0xb9000001u /* STR W1, [X0] */
#define LDR_X 0xf9400000u
#define BLR_X0 0xd61f0000u /* BR X0 */

#define SEC_DABT "DDI0487 ESR_EL1, ISS encoding for an exception from a Data Abort"
#define SEC_IABT "DDI0487 ESR_EL1, ISS encoding for an exception from an Instruction Abort"
#define SEC_VECTOR "DDI0487 Exception vectors"

/* One abort: ESR without the implementation's own bits, FAR, ELR, vector, and M of SPSR. */
struct expected {
    uint64_t esr, far, elr, vector, mode;
};

static void check_abort(const struct exception *e, struct expected want, const char *section, const char *name)
{
    bool good = e->taken && (e->esr & ESR_ABORT_MASK) == want.esr && e->far == want.far && e->elr == want.elr &&
                e->vector == want.vector && (e->spsr & 0x1f) == want.mode;
    tap_check(good, section, name);
    if (!good)
        print(
            "# taken %u ESR 0x%lx want 0x%lx FAR 0x%lx want 0x%lx ELR 0x%lx want 0x%lx vector %u want %lu SPSR 0x%lx\n",
            e->taken, e->esr, want.esr, e->far, want.far, e->elr, want.elr, e->vector, want.vector, e->spsr);
}

static struct expected from_el1h(uint64_t ec, uint64_t iss, uint64_t far)
{
    return (struct expected){ esr_make(ec, iss), far, insn_address(), VECTOR_FROM_EL1H, PSTATE_EL1H };
}

static struct expected from_el1t(uint64_t ec, uint64_t iss, uint64_t far)
{
    return (struct expected){ esr_make(ec, iss), far, insn_address(), VECTOR_FROM_EL1T, PSTATE_EL1T };
}

static struct expected from_el0(uint64_t ec, uint64_t iss, uint64_t far)
{
    return (struct expected){ esr_make(ec, iss), far, insn_address_el0(), VECTOR_FROM_EL0, PSTATE_EL0T };
}

static void data(void)
{
    struct exception e = insn_catch(LDR_W, NOWHERE, 0);
    check_abort(&e, from_el1h(EC_DABT_SAME, FSC_SEA, NOWHERE), SEC_DABT, "read of nothing from EL1h");
    check_eq(e.x[0], NOWHERE, SEC_DABT, "an aborted load leaves its register");
    e = insn_catch(STR_W, NOWHERE, 0x1234);
    check_abort(&e, from_el1h(EC_DABT_SAME, FSC_SEA | ISS_WNR, NOWHERE), SEC_DABT, "write to nothing from EL1h");
    e = insn_catch(LDR_W, NOWHERE + 0xffc, 0);
    check_abort(&e, from_el1h(EC_DABT_SAME, FSC_SEA, NOWHERE + 0xffc), SEC_DABT, "FAR has the low bits of the address");
    e = insn_catch(0x39400000, NOWHERE + 0x123, 0); /* LDRB W0, [X0] */
    check_abort(&e, from_el1h(EC_DABT_SAME, FSC_SEA, NOWHERE + 0x123), SEC_DABT, "FAR of a byte access is exact");
    e = insn_catch_el1t(LDR_W, NOWHERE, 0);
    check_abort(&e, from_el1t(EC_DABT_SAME, FSC_SEA, NOWHERE), SEC_VECTOR,
                "read of nothing from EL1t uses the SP_EL0 vectors");
    e = insn_catch_el1t(STR_W, NOWHERE, 0);
    check_abort(&e, from_el1t(EC_DABT_SAME, FSC_SEA | ISS_WNR, NOWHERE), SEC_VECTOR, "write to nothing from EL1t");
    uint64_t user = el0_address(NOWHERE);
    e = insn_catch_el0(LDR_W, user, 0);
    check_abort(&e, from_el0(EC_DABT_LOWER, FSC_SEA, user), SEC_VECTOR,
                "read of nothing from EL0: FAR is its virtual address");
    e = insn_catch_el0(STR_W, user + 0x40, 0);
    check_abort(&e, from_el0(EC_DABT_LOWER, FSC_SEA | ISS_WNR, user + 0x40), SEC_VECTOR, "write to nothing from EL0");
    e = insn_catch(LDR_X, NOWHERE_NORMAL, 0);
    check_abort(&e, from_el1h(EC_DABT_SAME, FSC_SEA, NOWHERE_NORMAL), SEC_DABT, "read of nothing mapped Normal");
    e = insn_catch_el0(LDR_X, el0_address(NOWHERE_NORMAL), 0);
    check_abort(&e, from_el0(EC_DABT_LOWER, FSC_SEA, el0_address(NOWHERE_NORMAL)), SEC_DABT,
                "read of nothing mapped Normal, EL0");
}

/* DAIF and the flags at the fault are what SPSR has: each tried both ways. */
static void saved_state(void)
{
    static const uint64_t nzcv = UINT64_C(0xa0000000);
    insn_catch(INSN_NOP, 0, 0);
    this_cpu()->code[0] = LDR_W;
    icache_sync((uint64_t)this_cpu()->code, 4);
    struct exception e = el0_catch(insn_address_el0(), nzcv | PSTATE_EL0T, el0_address(NOWHERE), 0);
    check_eq(e.spsr & UINT64_C(0xf00003df), nzcv | PSTATE_EL0T, "DDI0487 SPSR_EL1",
             "SPSR has flags, DAIF clear, mode EL0t");
    e = el0_catch(insn_address_el0(), PSTATE_DAIF | PSTATE_EL0T, el0_address(NOWHERE), 0);
    check_eq(e.spsr & UINT64_C(0xf00003df), PSTATE_DAIF | PSTATE_EL0T, "DDI0487 SPSR_EL1",
             "SPSR has DAIF set as it was");
    check_eq(e.spsr & BIT(20), 0, "DDI0487 SPSR_EL1.IL", "SPSR.IL is clear after an abort");
    check_eq(e.spsr & BIT(21), 0, "DDI0487 SPSR_EL1.SS", "SPSR.SS is clear after an abort");
    e = insn_catch(LDR_W, NOWHERE, 0);
    check_eq(e.spsr & PSTATE_DAIF, PSTATE_DAIF, "DDI0487 SPSR_EL1", "SPSR of an abort at EL1 has DAIF as it was");
}

/* PSTATE in the handler: all of DAIF masked, SP_ELx. Read by a vector of our own. */
static void handler_state(void)
{
    extern char abort_probe_vectors[];
    uint64_t before = mrs(vbar_el1), daif, spsel;
    msr(vbar_el1, (uint64_t)abort_probe_vectors);
    isb();
    __asm__ volatile("mov x9, %2\n msr daifclr, #0xf\n ldr w10, [x9]\n mov %0, x11\n mov %1, x12\n msr daifset, #0xf\n"
                     : "=r"(daif), "=r"(spsel)
                     : "r"(NOWHERE)
                     : "x9", "x10", "x11", "x12", "memory");
    msr(vbar_el1, before);
    isb();
    check_eq(daif, PSTATE_DAIF, "DDI0487 Exception entry", "an abort masks D, A, I and F");
    check_eq(spsel, 1, "DDI0487 Exception entry", "an abort selects SP_ELx");
}

static void instruction(void)
{
    struct exception e = insn_catch(BLR_X0, NOWHERE, 0);
    struct expected want = from_el1h(EC_IABT_SAME, FSC_SEA, NOWHERE);
    want.elr = NOWHERE;
    /* The device mapping lets EL1 execute; nothing answers there. */
    check_abort(&e, want, SEC_IABT, "fetch from nothing at EL1h: FAR = ELR = target");
    e = insn_catch(BLR_X0, NOWHERE_NORMAL, 0);
    want.far = want.elr = NOWHERE_NORMAL;
    check_abort(&e, want, SEC_IABT, "fetch from nothing mapped Normal");
    e = insn_catch_el0(BLR_X0, el0_address(NOWHERE_NORMAL), 0);
    want = from_el0(EC_IABT_LOWER, FSC_SEA, el0_address(NOWHERE_NORMAL));
    want.elr = want.far;
    check_abort(&e, want, SEC_IABT, "fetch from nothing at EL0");
    e = insn_catch_el1t(BLR_X0, NOWHERE_NORMAL, 0);
    want = from_el1t(EC_IABT_SAME, FSC_SEA, NOWHERE_NORMAL);
    want.elr = NOWHERE_NORMAL;
    check_abort(&e, want, SEC_IABT, "fetch from nothing at EL1t");
}

/* Where EL0 may execute and not read, and stage 2 executes nothing: with a GICv2 this is its interface, which is mapped, with a GICv3 nothing is there. */
static void execute_only(void)
{
    static const char name[] = "fetch by EL0 from an execute-only page of the interface of a GICv2, or nothing";
    if (!tap_under_hypervisor()) {
        check_skip(SEC_IABT, name, "the emulator's devices can be fetched from");
        return;
    }
    uint64_t va = mmu_slot_set(0, mmu_block(0, 2, false)) + GICC;
    struct exception e = insn_catch_el0(BLR_X0, va, 0);
    struct expected want = from_el0(EC_IABT_LOWER, FSC_SEA, va);
    want.elr = va;
    check_abort(&e, want, SEC_IABT, name);
    mmu_slot_set(0, 0);
}

/* Stage 1 tables where nothing is: the abort names the level of the walk. Slot 0 is an entry of level 1. */
static void walks(void)
{
    uint64_t va = mmu_slot_set(0, NOWHERE_NORMAL | 3) + 0x1238;
    struct exception e = insn_catch(LDR_X, va, 0);
    check_abort(&e, from_el1h(EC_DABT_SAME, FSC_SEA_WALK(2), va), SEC_DABT, "read, level 2 table where nothing is");
    e = insn_catch(STR_W, va, 0);
    check_abort(&e, from_el1h(EC_DABT_SAME, FSC_SEA_WALK(2) | ISS_WNR, va), SEC_DABT,
                "write, level 2 table where nothing is");
    e = insn_catch_el1t(LDR_X, va, 0);
    check_abort(&e, from_el1t(EC_DABT_SAME, FSC_SEA_WALK(2), va), SEC_DABT,
                "read from EL1t, level 2 table where nothing is");
    e = insn_catch_el0(LDR_X, va, 0);
    check_abort(&e, from_el0(EC_DABT_LOWER, FSC_SEA_WALK(2), va), SEC_DABT,
                "read from EL0, level 2 table where nothing is");
    e = insn_catch(BLR_X0, va & ~UINT64_C(0xf), 0);
    struct expected want = from_el1h(EC_IABT_SAME, FSC_SEA_WALK(2), va & ~UINT64_C(0xf));
    want.elr = want.far;
    check_abort(&e, want, SEC_IABT, "fetch, level 2 table where nothing is");

    static uint64_t level2[512] __attribute__((aligned(4096)));
    level2[0] = NOWHERE_NORMAL | 3;
    dcache_clean_invalidate((uint64_t)level2, sizeof(level2));
    va = mmu_slot_set(0, (uint64_t)level2 | 3) + 0x3008;
    e = insn_catch(LDR_X, va, 0);
    check_abort(&e, from_el1h(EC_DABT_SAME, FSC_SEA_WALK(3), va), SEC_DABT, "read, level 3 table where nothing is");
    e = insn_catch_el0(BLR_X0, va & ~UINT64_C(0xf), 0);
    want = from_el0(EC_IABT_LOWER, FSC_SEA_WALK(3), va & ~UINT64_C(0xf));
    want.elr = want.far;
    check_abort(&e, want, SEC_IABT, "fetch from EL0, level 3 table where nothing is");
    mmu_slot_set(0, 0);
    va = mmu_slot_set(0, 0);
    e = insn_catch(LDR_X, va, 0);
    check_abort(&e, from_el1h(EC_DABT_SAME, FSC_TRANSLATION(1), va), SEC_DABT,
                "the guest's own translation fault, level 1");
}

static uint64_t read_with_mmu_off(uint64_t address, uint64_t unused)
{
    (void)unused;
    return read32(address);
}

static void mmu_off(void)
{
    mmu_disable();
    struct exception e = exception_catch(read_with_mmu_off, NOWHERE, 0);
    mmu_enable(GRANULE_4K);
    check_eq(e.taken ? e.esr & ESR_ABORT_MASK : 0, esr_make(EC_DABT_SAME, FSC_SEA), SEC_DABT,
             "read of nothing with the MMU off");
    check_eq(e.far, NOWHERE, "DDI0487 FAR_EL1", "its FAR");
}

/* AT does not fault: PAR_EL1 tells what the walk met. */
static void address_translation(void)
{
    __asm__ volatile("at s1e1r, %0\n isb" ::"r"(NOWHERE));
    uint64_t par = mrs(par_el1);
    check_eq(par & (FIELD(47, 12) | 1), NOWHERE, "DDI0487 AT S1E1R",
             "AT S1E1R on an address with nothing behind succeeds");
    __asm__ volatile("at s1e1r, %0\n isb" ::"r"((uint64_t)&cpus[0]));
    par = mrs(par_el1);
    check_eq(par & (FIELD(47, 12) | 1), align_down((uint64_t)&cpus[0], 4096), "DDI0487 PAR_EL1",
             "AT S1E1R gives the address in PAR_EL1");
    __asm__ volatile("at s1e0w, %0\n isb" ::"r"((uint64_t)&cpus[0]));
    par = mrs(par_el1);
    check_eq(par & 0x7f, 1 | 0x0d << 1, "DDI0487 PAR_EL1",
             "AT S1E0W on an EL1 page: permission fault level 1 in PAR_EL1");
}

static void aborts(void)
{
    data();
    saved_state();
    handler_state();
    instruction();
    execute_only();
    walks();
    mmu_off();
    address_translation();
}
SUBJECT(140, "aborts", aborts);
