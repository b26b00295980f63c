/* SPDX-License-Identifier: Apache-2.0 */
/* The counters, their views on all cores, and what EL0 may touch. */
#include "tests/guest/conformance/conformance.h"

#define EL0PCTEN BIT(0)
#define EL0VCTEN BIT(1)
#define EL0VTEN BIT(8)
#define EL0PTEN BIT(9)

static uint64_t frequency(uint64_t unused)
{
    (void)unused;
    return mrs(cntfrq_el0);
}

static uint64_t virtual_count(uint64_t unused)
{
    (void)unused;
    return timer_count();
}

/* CNTPCT - CNTVCT as far as two reads in a row can tell: the smallest of a few. */
static uint64_t offset(uint64_t unused)
{
    uint64_t least = ~UINT64_C(0);
    (void)unused;
    for (unsigned int i = 0; i < 50; i++) {
        isb();
        uint64_t v = mrs(cntvct_el0);
        isb();
        uint64_t difference = mrs(cntpct_el0) - v;
        if (difference < least)
            least = difference;
    }
    return least;
}

static void counters(void)
{
    uint64_t f = mrs(cntfrq_el0), slack = f / 1000;
    check(f >= 1000000 && f <= UINT64_C(1000000000), "DDI0487 CNTFRQ_EL0", "CNTFRQ_EL0 between 1 MHz and 1 GHz");
    bool monotonic = true;
    for (unsigned int i = 0; i < 1000; i++) {
        uint64_t v = timer_count();
        monotonic &= timer_count() >= v;
    }
    check(monotonic, "DDI0487 CNTVCT_EL0", "the virtual count never goes back");
    uint64_t before = timer_count();
    delay_us(10);
    check(timer_count() > before, "DDI0487 CNTVCT_EL0", "the virtual count goes forward");
    uint64_t mine = offset(0);
    delay_us(2000);
    uint64_t later = offset(0);
    check(later - mine + slack < 2 * slack, "DDI0487 CNTVOFF_EL2", "physical minus virtual count does not change");
    bool same = true, ordered = true, offsets = true;
    if (cpu_count > 1)
        cpus_start_all();
    for (unsigned int i = 1; i < cpu_count; i++) {
        same &= cpu_call(i, frequency, 0) == f;
        before = timer_count();
        uint64_t there = cpu_call(i, virtual_count, 0);
        ordered &= there >= before && timer_count() >= there;
        offsets &= cpu_call(i, offset, 0) - mine + slack < 2 * slack;
    }
    check_if(cpu_count > 1, NEEDS_CORES, same, "DDI0487 CNTFRQ_EL0", "CNTFRQ_EL0 is the same on every core");
    check_if(cpu_count > 1, NEEDS_CORES, ordered, "DDI0487 The system counter",
             "the virtual count is one for all cores");
    check_if(cpu_count > 1, NEEDS_CORES, offsets, "DDI0487 CNTVOFF_EL2",
             "the virtual offset is the same on every core");
    struct exception e = insn_catch(INSN_MRS(SYSREG(3, 7, 14, 2, 1)), 0, 0);
    check_undef(&e, insn_address(), "DDI0487 CNTPS_CTL_EL1",
                "the Secure physical timer is UNDEFINED at Non-secure EL1");
    e = insn_catch(INSN_MSR(SYSREG(3, 3, 14, 0, 0)), f, 0);
    if (tap_under_hypervisor())
        check_undef(&e, insn_address(), "DDI0487 CNTFRQ_EL0", "CNTFRQ_EL0 is read-only below the highest EL");
    else
        check_skip("DDI0487 CNTFRQ_EL0", "CNTFRQ_EL0 is read-only below the highest EL", HYP_ONLY);
    e = insn_catch(INSN_MSR(SYSREG(3, 3, 14, 0, 2)), 0, 0);
    check_undef(&e, insn_address(), "DDI0487 CNTVCT_EL0", "the virtual count cannot be written");
}

static uint64_t iss(uint32_t crm, uint32_t op2)
{
    return 3 << 20 | op2 << 17 | 3 << 14 | 14 << 10 | crm << 1 | 1;
}

struct el0_register {
    const char *name_trapped, *name_open;
    uint32_t crm, op2;
    uint64_t enable;
};

static const struct el0_register el0_registers[] = {
    { "EL0 read of CNTVCT_EL0 traps without EL0VCTEN", "EL0 reads CNTVCT_EL0 with EL0VCTEN", 0, 2, EL0VCTEN },
    { "EL0 read of CNTPCT_EL0 traps without EL0PCTEN", "EL0 reads CNTPCT_EL0 with EL0PCTEN", 0, 1, EL0PCTEN },
    { "EL0 read of CNTFRQ_EL0 traps without both", "EL0 reads CNTFRQ_EL0 with EL0VCTEN", 0, 0, EL0VCTEN },
    { "EL0 access to CNTV_CTL_EL0 traps without EL0VTEN", "EL0 reads CNTV_CTL_EL0 with EL0VTEN", 3, 1, EL0VTEN },
    { "EL0 access to CNTV_CVAL_EL0 traps without EL0VTEN", "EL0 reads CNTV_CVAL_EL0 with EL0VTEN", 3, 2, EL0VTEN },
    { "EL0 access to CNTV_TVAL_EL0 traps without EL0VTEN", "EL0 reads CNTV_TVAL_EL0 with EL0VTEN", 3, 0, EL0VTEN },
    { "EL0 access to CNTP_CTL_EL0 traps without EL0PTEN", "EL0 reads CNTP_CTL_EL0 with EL0PTEN", 2, 1, EL0PTEN },
    { "EL0 access to CNTP_CVAL_EL0 traps without EL0PTEN", "EL0 reads CNTP_CVAL_EL0 with EL0PTEN", 2, 2, EL0PTEN },
    { "EL0 access to CNTP_TVAL_EL0 traps without EL0PTEN", "EL0 reads CNTP_TVAL_EL0 with EL0PTEN", 2, 0, EL0PTEN },
};

static void el0_access(void)
{
    uint64_t before = mrs(cntkctl_el1);
    for (unsigned int i = 0; i < ARRAY_LEN(el0_registers); i++) {
        const struct el0_register *r = &el0_registers[i];
        msr(cntkctl_el1, 0);
        isb();
        struct exception e = insn_catch_el0(INSN_MRS(SYSREG(3, 3, 14, r->crm, r->op2)), 0, 0);
        check_eq(e.taken ? e.esr : 0, esr_make(EC_SYSREG, iss(r->crm, r->op2)), "DDI0487 CNTKCTL_EL1", r->name_trapped);
        msr(cntkctl_el1, r->enable);
        isb();
        e = insn_catch_el0(INSN_MRS(SYSREG(3, 3, 14, r->crm, r->op2)), 0, 0);
        check_eq(e.taken ? e.esr : 0, 0, "DDI0487 CNTKCTL_EL1", r->name_open);
    }
    msr(cntkctl_el1, EL0VTEN | EL0PTEN);
    isb();
    struct exception e = insn_catch_el0(INSN_MSR(SYSREG(3, 3, 14, 3, 2)), UINT64_C(0xabcdef0123456789), 0);
    check(!e.taken && mrs(cntv_cval_el0) == UINT64_C(0xabcdef0123456789), "DDI0487 CNTV_CVAL_EL0",
          "EL0 writes the virtual timer");
    e = insn_catch_el0(INSN_MSR(SYSREG(3, 3, 14, 2, 2)), UINT64_C(0xabcdef0123456789), 0);
    check(!e.taken && mrs(cntp_cval_el0) == UINT64_C(0xabcdef0123456789), "DDI0487 CNTP_CVAL_EL0",
          "EL0 writes the physical timer");
    msr(cntkctl_el1, before);
    isb();
}

/* A timer belongs to its core: fires there and nowhere else. */
static uint64_t arm_here(uint64_t unused)
{
    (void)unused;
    gic_cpu_init();
    gic_enable(INTID_CNTV);
    msr(cntv_cval_el0, timer_count() + timer_ticks(1000));
    msr(cntv_ctl_el0, CTL_ENABLE);
    uint32_t intid = gic_poll(5000000);
    msr(cntv_ctl_el0, 0);
    isb();
    gic_eoi1(intid);
    gic_disable(INTID_CNTV);
    return intid;
}

static void per_core(void)
{
    if (cpu_count < 2) {
        check_skip("DDI0487 Generic Timer", "each core has timers of its own", NEEDS_CORES);
        check_skip("DDI0487 Generic Timer", "another core's timer leaves this one alone", NEEDS_CORES);
        return;
    }
    cpus_start_all();
    bool all = true;
    gic_enable(INTID_CNTV);
    msr(cntv_ctl_el0, 0);
    msr(cntv_cval_el0, 0x1234);
    for (unsigned int i = 1; i < cpu_count; i++)
        all &= cpu_call(i, arm_here, 0) == INTID_CNTV;
    check(all, "DDI0487 Generic Timer", "each core has timers of its own");
    check(gic_poll(100) == INTID_NONE && mrs(cntv_cval_el0) == 0x1234 && mrs(cntv_ctl_el0) == 0,
          "DDI0487 Generic Timer", "another core's timer leaves this one alone");
    gic_disable(INTID_CNTV);
}

static void counters_subject(void)
{
    counters();
    el0_access();
    per_core();
}
SUBJECT(310, "counters", counters_subject);
