/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting: WFI sleeps until something is there and never past it; WFE and SEV; EL0's traps. */
#include "tests/guest/conformance/conformance.h"

#define INSN_WFI 0xd503207f
#define INSN_WFE 0xd503205f
#define SGI_A 4

/* Ticks that WFI took with the virtual timer `us` ahead, interrupts masked or not. */
static uint64_t sleep_for(uint64_t us, bool masked)
{
    gic_enable(INTID_CNTV);
    uint64_t start = timer_count();
    msr(cntv_cval_el0, start + timer_ticks(us));
    msr(cntv_ctl_el0, CTL_ENABLE);
    isb();
    if (!masked)
        irq_enable();
    /* An interrupt that came before the WFI is not there to end it: on a loaded machine the deadline may pass that soon. */
    do {
        if (masked || !this_cpu()->irq_count)
            wfi();
    } while (timer_count() < start + timer_ticks(us));
    irq_disable();
    return timer_count() - start;
}

static void timer_off(void)
{
    msr(cntv_ctl_el0, 0);
    isb();
    uint32_t intid = gic_poll(100);
    if (intid < INTID_SPECIAL)
        gic_eoi1(intid);
}

static void mask_timer(uint32_t intid)
{
    (void)intid;
    msr(cntv_ctl_el0, CTL_ENABLE | CTL_IMASK);
    isb();
}

static void wait_for_interrupt(void)
{
    uint64_t slept = sleep_for(2000, true);
    check(slept >= timer_ticks(2000), "DDI0487 WFI", "WFI with PSTATE.I set sleeps until the timer");
    check_eq(gic_poll(1000), INTID_CNTV, "DDI0487 WFI wake-up events", "the masked interrupt is still to be taken");
    timer_off(); /* before the deactivation: a line still high would be pending again, and stay so for a moment after it falls */
    gic_eoi1(INTID_CNTV);
    this_cpu()->irq_count = 0;
    this_cpu()->irq_hook = mask_timer;
    slept = sleep_for(20000, false);
    this_cpu()->irq_hook = NULL;
    check(slept >= timer_ticks(20000), "DDI0487 WFI", "WFI with PSTATE.I clear sleeps until the timer");
    check_eq(this_cpu()->irq_count, 1, "DDI0487 WFI wake-up events", "its interrupt was taken once");
    timer_off();
    gic_enable(SGI_A);
    gic_send_sgi1(gic_sgi_to(this_cpu()->mpidr, SGI_A));
    uint64_t start = timer_count();
    wfi();
    wfi();
    check(timer_count() - start < mrs(cntfrq_el0), "DDI0487 WFI", "WFI with an interrupt pending does not sleep");
    check_eq(gic_poll(1000), SGI_A, "DDI0487 WFI", "that interrupt is still there");
    gic_eoi1(SGI_A);
    bool all = true;
    for (unsigned int i = 0; i < 50; i++) {
        start = timer_count();
        msr(cntv_cval_el0, start + timer_ticks(20) + i * 7);
        msr(cntv_ctl_el0, CTL_ENABLE);
        isb();
        wfi();
        uint32_t intid = gic_poll(1000000);
        all &= intid == INTID_CNTV;
        msr(cntv_ctl_el0, 0);
        isb();
        if (intid < INTID_SPECIAL)
            gic_eoi1(intid);
    }
    check(all, "DDI0487 WFI", "50 short sleeps, the deadline near the WFI: none missed");
    msr(cntp_cval_el0, mrs(cntpct_el0) + timer_ticks(2000));
    msr(cntp_ctl_el0, CTL_ENABLE);
    gic_enable(INTID_CNTP);
    wfi();
    check_eq(gic_poll(1000000), INTID_CNTP, "DDI0487 WFI wake-up events", "the physical timer wakes too");
    msr(cntp_ctl_el0, 0);
    isb();
    gic_eoi1(INTID_CNTP);
    gic_disable(INTID_CNTP);
}

static volatile bool seen;

static uint64_t wait_event(uint64_t unused)
{
    while (!seen)
        wfe();
    return unused;
}

static void wait_for_event(void)
{
    sev();
    uint64_t start = timer_count();
    wfe();
    check(timer_count() - start < mrs(cntfrq_el0), "DDI0487 WFE", "WFE after SEV does not sleep");
    __asm__ volatile("sevl\n wfe" ::: "memory");
    check(timer_count() - start < mrs(cntfrq_el0), "DDI0487 SEVL", "WFE after SEVL does not sleep");
    uint64_t before = mrs(cntkctl_el1);
    msr(cntkctl_el1, before | BIT(2) | 3 << 4); /* EVNTEN, every 16th count */
    isb();
    start = timer_count();
    for (unsigned int i = 0; i < 100; i++)
        wfe();
    check(timer_count() - start < 10 * mrs(cntfrq_el0), "DDI0487 Event streams", "the event stream ends each WFE");
    msr(cntkctl_el1, before);
    isb();
    if (cpu_count < 2) {
        check_skip("DDI0487 SEV", "SEV reaches another core in WFE", NEEDS_CORES);
        return;
    }
    cpus_start_all();
    seen = false;
    cpu_post(1, wait_event, 0);
    delay_us(2000);
    seen = true;
    dsb(ish);
    sev();
    check(cpu_wait(1, 1000), "DDI0487 SEV", "SEV reaches another core in WFE");
}

static void from_el0(void)
{
    uint64_t sctlr = mrs(sctlr_el1);
    msr(sctlr_el1, sctlr & ~(SCTLR_NTWI | SCTLR_NTWE));
    isb();
    struct exception e = insn_catch_el0(INSN_WFI, 0, 0);
    check_eq(e.esr & ~UINT64_C(0x3fffffc), esr_make(EC_WFX, 1 << 24 | 0xe << 20) & ~UINT64_C(0x3fffffc),
             "DDI0487 SCTLR_EL1.nTWI", "WFI at EL0 traps with nTWI 0: EC 1, TI WFI");
    check_eq(e.esr & ESR_IL, ESR_IL, "DDI0487 ISS encoding for an exception from a WF* instruction", "its IL is 1");
    check_eq(e.elr, insn_address_el0(), "DDI0487 SCTLR_EL1.nTWI", "ELR is the WFI");
    msr(sctlr_el1, sctlr | SCTLR_NTWI | SCTLR_NTWE);
    isb();
    gic_enable(SGI_A);
    gic_send_sgi1(gic_sgi_to(this_cpu()->mpidr, SGI_A));
    e = insn_catch_el0(INSN_WFI, 0x55, 0);
    check(!e.taken && e.result == 0x55, "DDI0487 SCTLR_EL1.nTWI", "WFI at EL0 is executed with nTWI 1");
    sev();
    e = insn_catch_el0(INSN_WFE, 0x66, 0);
    check(!e.taken && e.result == 0x66, "DDI0487 SCTLR_EL1.nTWE", "WFE at EL0 is executed with nTWE 1");
    msr(sctlr_el1, sctlr);
    isb();
    gic_eoi1(gic_poll(1000));
    gic_disable(SGI_A);
}

static void wfx(void)
{
    wait_for_interrupt();
    wait_for_event();
    from_el0();
    gic_cpu_init();
}
SUBJECT(220, "wfx", wfx);
