/* SPDX-License-Identifier: Apache-2.0 */
/* Self-hosted debug: breakpoints, watchpoints, single step, the OS lock; kept for each core over exits. */
#include "tests/guest/conformance/conformance.h"

#define MDSCR_SS BIT(0)
#define MDSCR_KDE BIT(13)
#define MDSCR_MDE BIT(15)
#define BCR_E_EL0_ANY_BYTE (BIT(0) | UINT64_C(2) << 1 | UINT64_C(0xf) << 5)
#define BCR_E_EL1_ANY_BYTE (BIT(0) | UINT64_C(1) << 1 | UINT64_C(0xf) << 5)
#define WCR_E_EL1 (BIT(0) | UINT64_C(1) << 1)
#define WCR_LOAD (UINT64_C(1) << 3)
#define WCR_STORE (UINT64_C(2) << 3)
#define WCR_BAS_4 (UINT64_C(0xf) << 5)
#define SPSR_SS BIT(21)
#define FSC_DEBUG 0x22
#define EC_BREAKPOINT_LOWER 0x30
#define ISS_ISV BIT(24)

static volatile uint32_t watched[4] __attribute__((aligned(64)));

static void mdscr(uint64_t value)
{
    msr(mdscr_el1, value);
    isb();
}

static void debug_off(void)
{
    mdscr(0);
    msr(dbgbcr0_el1, 0);
    msr(dbgbcr1_el1, 0);
    msr(dbgwcr0_el1, 0);
    isb();
}

static void os_lock(void)
{
    msr(oslar_el1, 1);
    isb();
    check_eq(mrs(oslsr_el1) & BIT(1), BIT(1), "DDI0487 OSLAR_EL1", "writing 1 locks");
    check_eq(mrs(oslsr_el1) & (BIT(0) | BIT(3)), BIT(3), "DDI0487 OSLSR_EL1.OSLM", "the OS lock is implemented");
    hvc(PSCI_VERSION, 0, 0, 0);
    check_eq(mrs(oslsr_el1) & BIT(1), BIT(1), "DDI0487 OSLSR_EL1", "it stays locked over a call");
    msr(oslar_el1, 0);
    isb();
    check_eq(mrs(oslsr_el1) & BIT(1), 0, "DDI0487 OSLAR_EL1", "writing 0 unlocks");
    hvc(PSCI_VERSION, 0, 0, 0);
    check_eq(mrs(oslsr_el1) & BIT(1), 0, "DDI0487 OSLSR_EL1", "it stays unlocked over a call");
}

static uint64_t registers_kept(uint64_t seed)
{
    uint64_t bad = 0;
    msr(oslar_el1, 0);
    for (uint64_t i = 0; i < 200; i++) {
        uint64_t v = (seed * 64 + i) * 8 & UINT64_C(0xffffffff8);
        msr(dbgbvr0_el1, v);
        msr(dbgbvr1_el1, v + 8);
        msr(dbgwvr0_el1, v + 16);
        msr(dbgwvr1_el1, v + 24);
        msr(dbgbcr0_el1, UINT64_C(0xf) << 5);
        msr(dbgwcr0_el1, UINT64_C(0xf) << 5);
        mdscr(i & 1 ? MDSCR_MDE : 0);
        hvc(PSCI_VERSION, 0, 0, 0);
        read32(GICD + GICD_TYPER);
        bad += mrs(dbgbvr0_el1) != v || mrs(dbgbvr1_el1) != v + 8 || mrs(dbgwvr0_el1) != v + 16 ||
               mrs(dbgwvr1_el1) != v + 24;
        bad += (mrs(dbgbcr0_el1) & 0x1e0) != 0x1e0 || (mrs(dbgwcr0_el1) & 0x1e0) != 0x1e0;
        bad += mrs(mdscr_el1) != (i & 1 ? MDSCR_MDE : 0);
    }
    debug_off();
    return bad;
}

static void kept(void)
{
    check_eq(registers_kept(1), 0, "DDI0487 DBGBVR<n>_EL1, DBGWVR<n>_EL1", "debug registers survive exits");
    if (cpu_count < 2) {
        check_skip("DDI0487 DBGBVR<n>_EL1, DBGWVR<n>_EL1", "each core has its own", NEEDS_CORES);
        return;
    }
    cpus_start_all();
    for (unsigned int i = 1; i < cpu_count; i++)
        cpu_post(i, registers_kept, i + 1);
    uint64_t bad = registers_kept(77);
    for (unsigned int i = 1; i < cpu_count; i++) {
        cpu_wait(i, 30000);
        bad += cpus[i].job_result;
    }
    check_eq(bad, 0, "DDI0487 DBGBVR<n>_EL1, DBGWVR<n>_EL1", "each core has its own");
}

/* Runs the instruction at EL1 with debug exceptions open (PSTATE.D clear). */
static struct exception run_open(uint32_t insn, uint64_t a, uint64_t b)
{
    insn_catch(INSN_NOP, 0, 0);
    uint32_t *code = this_cpu()->code;
    code[0] = insn;
    code[1] = INSN_SVC(0x77);
    icache_sync((uint64_t)code, 8);
    return el0_catch((uint64_t)code, (PSTATE_DAIF & ~BIT(9)) | PSTATE_EL1H, a, b);
}

static void breakpoints(void)
{
    msr(oslar_el1, 0);
    msr(dbgbvr0_el1, insn_address());
    msr(dbgbcr0_el1, BCR_E_EL1_ANY_BYTE);
    mdscr(MDSCR_MDE | MDSCR_KDE);
    struct exception e = run_open(INSN_NOP, 0, 0);
    check_eq(e.esr, esr_make(EC_BREAKPOINT_SAME, FSC_DEBUG), "DDI0487 Breakpoint exceptions",
             "a hardware breakpoint at EL1: EC 0x31");
    check_eq(e.elr, insn_address(), "DDI0487 Breakpoint exceptions", "before the instruction is executed");
    mdscr(MDSCR_MDE);
    e = run_open(INSN_NOP, 0, 0);
    check_eq(field_get(ESR_EC, e.esr), EC_SVC64, "DDI0487 MDSCR_EL1.KDE", "none at EL1 without KDE");
    msr(dbgbvr0_el1, insn_address_el0());
    msr(dbgbcr0_el1, BCR_E_EL0_ANY_BYTE);
    mdscr(MDSCR_MDE);
    e = insn_catch_el0(INSN_NOP, 0, 0);
    check_eq(e.esr, esr_make(EC_BREAKPOINT_LOWER, FSC_DEBUG), "DDI0487 Breakpoint exceptions",
             "a hardware breakpoint at EL0: EC 0x30");
    mdscr(0);
    e = insn_catch_el0(INSN_NOP, 0, 0);
    check(!e.taken, "DDI0487 MDSCR_EL1.MDE", "none without MDE");
    debug_off();
}

static void watchpoints(void)
{
    msr(dbgwvr0_el1, (uint64_t)watched);
    msr(dbgwcr0_el1, WCR_E_EL1 | WCR_LOAD | WCR_STORE | WCR_BAS_4);
    mdscr(MDSCR_MDE | MDSCR_KDE);
    struct exception e = run_open(0xb9400000, (uint64_t)watched, 0);
    check_eq(e.esr & ~ISS_CM, esr_make(EC_WATCHPOINT_SAME, FSC_DEBUG), "DDI0487 Watchpoint exceptions",
             "a watched load: EC 0x35");
    check_eq(e.far, (uint64_t)watched, "DDI0487 Watchpoint exceptions", "FAR is the watched address");
    e = run_open(0xb9000001, (uint64_t)watched, 0x55);
    check_eq(e.esr & ~ISS_CM, esr_make(EC_WATCHPOINT_SAME, FSC_DEBUG | ISS_WNR), "DDI0487 Watchpoint exceptions",
             "a watched store: WnR");
    check_eq(watched[0], 0, "DDI0487 Watchpoint exceptions", "the store was not done");
    e = run_open(0xb9400000, (uint64_t)&watched[1], 0);
    check_eq(field_get(ESR_EC, e.esr), EC_SVC64, "DDI0487 DBGWCR<n>_EL1.BAS", "the next word is not watched");
    msr(dbgwcr0_el1, WCR_E_EL1 | WCR_STORE | WCR_BAS_4);
    isb();
    e = run_open(0xb9400000, (uint64_t)watched, 0);
    check_eq(field_get(ESR_EC, e.esr), EC_SVC64, "DDI0487 DBGWCR<n>_EL1.LSC", "a load where stores are watched");
    debug_off();
}

static void single_step(void)
{
    uint32_t *code = this_cpu()->code;
    insn_catch(INSN_NOP, 0, 0);
    code[0] = 0x91000400; /* ADD X0, X0, #1 */
    code[1] = 0x91000400;
    code[2] = INSN_SVC(0x77);
    icache_sync((uint64_t)code, 12);
    mdscr(MDSCR_SS);
    struct exception e = el0_catch(insn_address_el0(), (PSTATE_DAIF & ~BIT(9)) | SPSR_SS | PSTATE_EL0T, 10, 0);
    check_eq(e.esr, esr_make(EC_STEP_LOWER, ISS_ISV | FSC_DEBUG), "DDI0487 Software Step exceptions",
             "one step at EL0: EC 0x32, ISV");
    check_eq(e.elr, insn_address_el0() + 4, "DDI0487 Software Step exceptions", "after one instruction");
    check_eq(e.x[0], 11, "DDI0487 Software Step exceptions", "which was executed");
    check_eq(e.spsr & SPSR_SS, 0, "DDI0487 SPSR_EL1.SS", "SPSR.SS is clear then");
    code[0] = 0xb9400020; /* LDR W0, [X1]: trapped by the hypervisor */
    icache_sync((uint64_t)code, 12);
    e = el0_catch(insn_address_el0(), (PSTATE_DAIF & ~BIT(9)) | SPSR_SS | PSTATE_EL0T, 10,
                  el0_address(GICD + GICD_TYPER));
    check_eq(field_get(ESR_EC, e.esr), EC_STEP_LOWER, "DDI0487 Software Step exceptions", "a step over a trapped load");
    check_eq(e.elr, insn_address_el0() + 4, "DDI0487 Software Step exceptions", "stops right behind it");
    check_eq(e.x[0], read32(GICD + GICD_TYPER), "DDI0487 Software Step exceptions", "its value is there");
    debug_off();
}

static volatile bool busy_over;

static uint64_t busy(uint64_t arg)
{
    while (!busy_over)
        ;
    return arg;
}

/* Nothing of this vCPU touches a debug register between here and the breakpoint; where it shares its core, others have it meanwhile. */
static void kept_over_a_sleep(void)
{
    msr(dbgbvr0_el1, insn_address());
    msr(dbgbcr0_el1, BCR_E_EL1_ANY_BYTE);
    mdscr(MDSCR_MDE | MDSCR_KDE);
    busy_over = false;
    for (unsigned int i = 1; i < cpu_count; i++)
        cpu_post(i, busy, 0);
    gic_enable(INTID_CNTV);
    for (unsigned int n = 0; n < 10; n++) {
        msr(cntv_cval_el0, timer_count() + timer_ticks(2000));
        msr(cntv_ctl_el0, CTL_ENABLE);
        wfi();
    }
    msr(cntv_ctl_el0, 0);
    gic_disable(INTID_CNTV);
    struct exception e = run_open(INSN_NOP, 0, 0);
    busy_over = true;
    for (unsigned int i = 1; i < cpu_count; i++)
        cpu_wait(i, 5000);
    check_eq(e.esr, esr_make(EC_BREAKPOINT_SAME, FSC_DEBUG), "DDI0487 Breakpoint exceptions",
             "a breakpoint is there after others had the core");
    debug_off();
}

static uint64_t claims_set(uint64_t tags)
{
    msr(dbgclaimset_el1, tags);
    isb();
    return mrs(dbgclaimclr_el1);
}

/* Registers that a core's reset clears, though no guest switches them: what one left is not the next one's. */
static void reset_clears(void)
{
    bool can = tap_under_hypervisor() && cpu_count > 1;
    uint64_t left = 0;
    if (can) {
        cpus_start_all();
        cpu_call(1, claims_set, 0xff);
        cpu_stop(1);
        cpu_start(1);
        left = cpu_call(1, claims_set, 0);
    }
    check_eq_if(can, cpu_count > 1 ? "a core's own tags outlive PSCI on the emulator" : NEEDS_CORES, left, 0,
                "DDI0487 DBGCLAIMCLR_EL1", "claim tags are clear after a reset");
}

static void others(void)
{
    uint64_t before = mrs(dbgclaimclr_el1);
    msr(dbgclaimset_el1, 0x0f);
    isb();
    check_eq(mrs(dbgclaimclr_el1) & 0x0f, 0x0f, "DDI0487 DBGCLAIMSET_EL1", "claim tags are set");
    msr(dbgclaimclr_el1, 0x0a);
    isb();
    check_eq(mrs(dbgclaimclr_el1) & 0x0f, 0x05, "DDI0487 DBGCLAIMCLR_EL1", "and cleared");
    msr(dbgclaimclr_el1, 0xff & ~before);
    check(!insn_catch(INSN_MRS(SYSREG(2, 0, 1, 0, 0)), 0, 0).taken, "DDI0487 MDRAR_EL1", "MDRAR_EL1 is readable");
    check(!insn_catch(INSN_MRS(SYSREG(2, 3, 0, 1, 0)), 0, 0).taken, "DDI0487 MDCCSR_EL0", "MDCCSR_EL0 is readable");
    check(!insn_catch(INSN_MRS(SYSREG(2, 0, 1, 3, 4)), 0, 0).taken, "DDI0487 OSDLR_EL1", "OSDLR_EL1 is readable");
}

static void debug(void)
{
    os_lock();
    kept();
    breakpoints();
    watchpoints();
    single_step();
    others();
    kept_over_a_sleep();
    reset_clears();
}
SUBJECT(180, "debug", debug);
