/* SPDX-License-Identifier: Apache-2.0 */
/* Both EL1 timers to the manual: compare and timer views, their extremes, the condition, the mask, the level line. */
#include "tests/guest/conformance/conformance.h"

#define US_LATE_AT_MOST 200000
/* Far enough for a machine that is slow. */
#define AHEAD 100000000

/* One timer by its encodings: CTL op2 1, CVAL op2 2, TVAL op2 0 in S3_3_C14_C<crm>. */
struct timer {
    const char *name;
    uint32_t crm, counter_op2;
    uint32_t intid;
};

static const struct timer virtual_timer = { "virtual", 3, 2, INTID_CNTV },
                          physical_timer = { "physical", 2, 1, INTID_CNTP };
static const struct timer *timer;

static uint64_t reg_read(uint32_t op2)
{
    return insn_catch(INSN_MRS(SYSREG(3, 3, 14, timer->crm, op2)), 0, 0).result;
}

static void reg_write(uint32_t op2, uint64_t value)
{
    insn_catch(INSN_MSR(SYSREG(3, 3, 14, timer->crm, op2)), value, 0);
    isb();
}

static uint64_t ctl_read(void)
{
    return timer->crm == 3 ? mrs(cntv_ctl_el0) : mrs(cntp_ctl_el0);
}

static void ctl_write(uint64_t value)
{
    if (timer->crm == 3)
        msr(cntv_ctl_el0, value);
    else
        msr(cntp_ctl_el0, value);
    isb();
}

static void cval_write(uint64_t value)
{
    if (timer->crm == 3)
        msr(cntv_cval_el0, value);
    else
        msr(cntp_cval_el0, value);
    isb();
}

static uint64_t cval_read(void)
{
    return timer->crm == 3 ? mrs(cntv_cval_el0) : mrs(cntp_cval_el0);
}

static uint64_t count(void)
{
    isb();
    return timer->crm == 3 ? mrs(cntvct_el0) : mrs(cntpct_el0);
}

static void tval_write(uint64_t value)
{
    reg_write(0, value);
}

static void stop(void)
{
    ctl_write(0);
    cval_write(~UINT64_C(0));
}

/* Names carry which timer: built once a check, printed at once. */
static const char *named(const char *text)
{
    static char line[128];
    size_t n = 0;
    for (const char *p = timer->name; *p; p++)
        line[n++] = *p;
    line[n++] = ':';
    line[n++] = ' ';
    for (const char *p = text; *p && n < sizeof(line) - 1; p++)
        line[n++] = *p;
    line[n] = '\0';
    return line;
}

static bool condition(uint64_t cval)
{
    cval_write(cval);
    return ctl_read() & CTL_ISTATUS;
}

static void compare_value(void)
{
    static const uint64_t patterns[] = {
        0, 1, UINT64_C(0x7fffffffffffffff), UINT64_C(0x8000000000000000), ~UINT64_C(0), UINT64_C(0x123456789abcdef0)
    };
    bool same = true;
    ctl_write(0);
    for (unsigned int i = 0; i < ARRAY_LEN(patterns); i++) {
        cval_write(patterns[i]);
        same &= cval_read() == patterns[i];
    }
    check(same, "DDI0487 CNTV_CVAL_EL0, CNTP_CVAL_EL0", named("CVAL holds 64 bits"));
    ctl_write(~UINT64_C(0));
    check_eq(ctl_read() & ~CTL_ISTATUS, CTL_ENABLE | CTL_IMASK, "DDI0487 CNTV_CTL_EL0, CNTP_CTL_EL0",
             named("CTL: reserved bits are RES0"));
    ctl_write(CTL_ENABLE | CTL_IMASK | CTL_ISTATUS);
    check(!condition(~UINT64_C(0)), "DDI0487 CNTV_CTL_EL0.ISTATUS", named("ISTATUS cannot be written"));
    check(condition(0), "DDI0487 Operation of the CompareValue views of the timers", named("CVAL 0: condition met"));
    check(!condition(~UINT64_C(0)), "DDI0487 Operation of the CompareValue views of the timers",
          named("CVAL all ones: the comparison is unsigned"));
    check(!condition(UINT64_C(0x8000000000000000)), "DDI0487 Operation of the CompareValue views of the timers",
          named("CVAL 2^63: not met"));
    check(condition(count()), "DDI0487 Operation of the CompareValue views of the timers",
          named("CVAL = count: condition met"));
    check(condition(count() - 1), "DDI0487 Operation of the CompareValue views of the timers",
          named("CVAL one in the past"));
    check(!condition(count() + mrs(cntfrq_el0)), "DDI0487 Operation of the CompareValue views of the timers",
          named("CVAL a second ahead: not met"));
    cval_write(0);
    check(ctl_read() & CTL_ISTATUS, "DDI0487 CNTV_CTL_EL0.ISTATUS", named("ISTATUS does not depend on IMASK"));
    stop();
}

static void timer_value(void)
{
    ctl_write(CTL_ENABLE | CTL_IMASK);
    uint64_t before = count();
    tval_write(AHEAD);
    uint64_t cval = cval_read();
    check(cval >= before + AHEAD && cval <= count() + AHEAD, "DDI0487 Operation of the TimerValue views of the timers",
          named("TVAL n sets CVAL to count + n"));
    int64_t most = (int64_t)(cval - count()), value = (int32_t)reg_read(0), least = (int64_t)(cval - count());
    check(value <= most && value >= least, "DDI0487 CNTV_TVAL_EL0, CNTP_TVAL_EL0", named("TVAL reads what is left"));
    check((int32_t)reg_read(0) <= value, "DDI0487 CNTV_TVAL_EL0, CNTP_TVAL_EL0", named("TVAL counts down"));
    before = count();
    tval_write(0x7fffffff);
    cval = cval_read();
    check(cval >= before + 0x7fffffff && cval <= count() + 0x7fffffff,
          "DDI0487 Operation of the TimerValue views of the timers", named("TVAL 0x7fffffff is the farthest ahead"));
    check(!(ctl_read() & CTL_ISTATUS), "DDI0487 Operation of the TimerValue views of the timers",
          named("TVAL 0x7fffffff: not met"));
    before = count();
    tval_write(0x80000000);
    cval = cval_read();
    check(cval >= before - 0x80000000 && cval <= count() - 0x80000000,
          "DDI0487 Operation of the TimerValue views of the timers", named("TVAL 0x80000000 is negative"));
    tval_write(0xffffffff);
    cval = cval_read();
    check(cval < count(), "DDI0487 Operation of the TimerValue views of the timers", named("TVAL -1 lies in the past"));
    check_eq(reg_read(0) >> 32, 0, "DDI0487 CNTV_TVAL_EL0, CNTP_TVAL_EL0", named("TVAL reads bits 63:32 as zero"));
    check_eq(reg_read(0) >> 31, 1, "DDI0487 CNTV_TVAL_EL0, CNTP_TVAL_EL0", named("TVAL goes on below zero"));
    before = count();
    tval_write(UINT64_C(0xdeadbeef00000100));
    cval = cval_read();
    check(cval >= before + 0x100 && cval <= count() + 0x100, "DDI0487 CNTV_TVAL_EL0, CNTP_TVAL_EL0",
          named("TVAL ignores bits 63:32"));
    cval_write(count() + (UINT64_C(5) << 32) + 1000);
    check(reg_read(0) <= 1000 || reg_read(0) >= 0xf0000000, "DDI0487 CNTV_TVAL_EL0, CNTP_TVAL_EL0",
          named("TVAL is the low 32 bits of the difference"));
    stop();
}

static bool pending(void)
{
    return gic_is_pending(timer->intid);
}

static void level_line(void)
{
    gic_disable(timer->intid);
    cval_write(0);
    ctl_write(CTL_ENABLE | CTL_IMASK);
    check(!pending(), "DDI0487 CNTV_CTL_EL0.IMASK", named("IMASK keeps the line low"));
    ctl_write(CTL_ENABLE);
    check(wait_until(pending(), 10), "IHI0069 GICR_ISPENDR0", named("the asserted line is seen in ISPENDR0"));
    gic_clear_pending(timer->intid);
    check(wait_until(pending(), 10), "IHI0069 GICR_ICPENDR0", named("ICPENDR0 does not clear an asserted level"));
    ctl_write(CTL_ENABLE | CTL_IMASK);
    check(wait_until(!pending(), 10), "IHI0069 GICR_ISPENDR0", named("IMASK takes the line away"));
    ctl_write(CTL_ENABLE);
    wait_until(pending(), 10);
    cval_write(~UINT64_C(0));
    check(wait_until(!pending(), 10), "IHI0069 GICR_ISPENDR0", named("a CVAL ahead takes the line away"));
    cval_write(0);
    wait_until(pending(), 10);
    ctl_write(0);
    check(wait_until(!pending(), 10), "IHI0069 GICR_ISPENDR0", named("ENABLE 0 takes the line away"));
}

static void delivery(void)
{
    stop();
    gic_enable(timer->intid);
    check_eq(gic_poll(100), INTID_NONE, "DDI0487 Generic Timer", named("nothing while it is off"));
    uint64_t deadline = count() + timer_ticks(2000);
    cval_write(deadline);
    ctl_write(CTL_ENABLE);
    uint32_t intid = gic_poll(US_LATE_AT_MOST);
    check_eq(intid, timer->intid, "DDI0487 Interrupts from the timers", named("its PPI arrives"));
    check(count() >= deadline, "DDI0487 Generic Timer", named("not before the deadline"));
    check(gic_is_active(timer->intid), "IHI0069 GICR_ISACTIVER0", named("active after the acknowledge"));
    check(wait_until(pending(), 10), "IHI0069 Interrupt handling states",
          named("active and pending while the line is high"));
    check_eq(gic_ack1(), INTID_NONE, "IHI0069 ICC_IAR1_EL1", named("not taken again while active"));
    gic_eoi1(intid);
    check_eq(gic_poll(10000), intid, "IHI0069 Level-sensitive interrupts", named("taken again while the line is high"));
    ctl_write(CTL_ENABLE | CTL_IMASK);
    gic_eoi1(intid);
    check(!gic_is_active(timer->intid), "IHI0069 GICR_ISACTIVER0", named("inactive after EOI"));
    check_eq(gic_poll(100), INTID_NONE, "IHI0069 Level-sensitive interrupts", named("not again once masked"));
    gic_disable(timer->intid);
    ctl_write(CTL_ENABLE);
    check_eq(gic_poll(200), INTID_NONE, "IHI0069 GICR_ICENABLER0", named("not while its PPI is disabled"));
    gic_enable(timer->intid);
    check_eq(gic_poll(10000), timer->intid, "IHI0069 GICR_ISENABLER0", named("enabling it while asserted delivers"));
    stop();
    gic_eoi1(timer->intid);
}

static void active_state(void)
{
    stop();
    gic_set_active(timer->intid);
    check(gic_is_active(timer->intid), "IHI0069 GICR_ISACTIVER0", named("ISACTIVER0 makes it active"));
    cval_write(0);
    ctl_write(CTL_ENABLE);
    check_eq(gic_poll(300), INTID_NONE, "IHI0069 GICR_ISACTIVER0", named("an active interrupt is not taken"));
    gic_clear_active(timer->intid);
    check_eq(gic_poll(10000), timer->intid, "IHI0069 GICR_ICACTIVER0", named("ICACTIVER0 lets it through"));
    stop();
    gic_eoi1(timer->intid);
    gic_set_pending(timer->intid);
    check_eq(gic_poll(10000), timer->intid, "IHI0069 GICR_ISPENDR0", named("ISPENDR0 without the line delivers once"));
    gic_eoi1(timer->intid);
    check_eq(gic_poll(100), INTID_NONE, "IHI0069 GICR_ISPENDR0", named("and once only"));
    gic_disable(timer->intid);
}

static void mask_line(uint32_t intid)
{
    (void)intid;
    ctl_write(CTL_ENABLE | CTL_IMASK);
}

static void by_exception(void)
{
    this_cpu()->irq_hook = mask_line;
    this_cpu()->irq_count = 0;
    gic_enable(timer->intid);
    uint64_t deadline = count() + timer_ticks(1000);
    cval_write(deadline);
    ctl_write(CTL_ENABLE);
    while (!(mrs(isr_el1) & BIT(7)) && count() < deadline + timer_ticks(US_LATE_AT_MOST))
        ;
    check(mrs(isr_el1) & BIT(7), "DDI0487 ISR_EL1.I", named("ISR_EL1 shows it while masked"));
    check(this_cpu()->irq_count == 0, "DDI0487 PSTATE.I", named("masked by PSTATE.I"));
    irq_enable();
    wait_until(this_cpu()->irq_count != 0, 100);
    irq_disable();
    this_cpu()->irq_hook = NULL;
    check(this_cpu()->irq_count == 1 && this_cpu()->irq_last == timer->intid, "DDI0487 Exception vectors",
          named("taken as IRQ, once"));
    stop();
    gic_disable(timer->intid);
}

static void one_timer(const struct timer *t)
{
    timer = t;
    compare_value();
    timer_value();
    level_line();
    delivery();
    active_state();
    by_exception();
    gic_cpu_init();
}

static void timers(void)
{
    one_timer(&virtual_timer);
    one_timer(&physical_timer);
}
SUBJECT(300, "timers", timers);
