/* SPDX-License-Identifier: Apache-2.0 */
/* Software generated interrupts through the system registers: targets, groups, states. */
#include "tests/guest/conformance/conformance.h"

#define SGI_A 3
#define SGI_B 9
#define ROUNDS 200

/* The SGIs that core n took, as bits, until nothing came for a while. */
static uint64_t collect(uint64_t us)
{
    uint64_t taken = 0;
    for (;;) {
        uint32_t intid = gic_poll(us);
        if (intid >= INTID_SPECIAL)
            return taken;
        taken |= BIT(intid);
        gic_eoi1(intid);
    }
}

static uint64_t enable_all(uint64_t unused)
{
    core_gic_init(0);
    write32(gic_bit_register(GICD_ISENABLER, 0), 0xffff);
    return unused;
}

static uint64_t group0_fiq(uint64_t us)
{
    uint64_t end = timer_count() + timer_ticks(us);
    uint32_t intid;
    do {
        intid = gic_ack0();
    } while (intid >= INTID_SPECIAL && timer_count() < end);
    if (intid < INTID_SPECIAL)
        gic_eoi0(intid);
    return intid;
}

/* A GICv2's SGIs are always enabled. */
static void disabled(void)
{
    gic_disable(SGI_A);
    gic_send_sgi1(gic_sgi_to(this_cpu()->mpidr, SGI_A));
    check(gic_poll(200) == INTID_NONE && gic_is_pending(SGI_A), "IHI0069 GICR_ISENABLER0",
          "a disabled SGI stays pending");
    gic_enable(SGI_A);
    check_eq(gic_poll(10000), SGI_A, "IHI0069 GICR_ISENABLER0", "until it is enabled");
    gic_eoi1(SGI_A);
}

static void to_self(void)
{
    uint64_t me = this_cpu()->mpidr;
    bool all = true;
    for (uint32_t i = 0; i < 16; i++) {
        gic_send_sgi1(gic_sgi_to(me, i));
        all &= gic_poll(10000) == i;
        gic_eoi1(i);
    }
    check(all, "IHI0069 ICC_SGI1R_EL1.INTID", "all 16 SGIs to the sender itself");
    gic_send_sgi1(gic_sgi_to(me, SGI_A));
    gic_send_sgi1(gic_sgi_to(me, SGI_A));
    check_eq(gic_poll(10000), SGI_A, "IHI0069 Software Generated Interrupts", "sent twice before the acknowledge");
    check(!gic_is_pending(SGI_A), "IHI0069 Software Generated Interrupts", "it was one");
    gic_send_sgi1(gic_sgi_to(me, SGI_A));
    check(gic_is_pending(SGI_A) && gic_is_active(SGI_A), "IHI0069 Interrupt handling states",
          "sent while active: active and pending");
    gic_eoi1(SGI_A);
    check_eq(gic_poll(10000), SGI_A, "IHI0069 Interrupt handling states", "it comes after EOI");
    gic_eoi1(SGI_A);
    check_eq(gic_poll(200), INTID_NONE, "IHI0069 Interrupt handling states", "and once");
    if (gic_version() == 3)
        disabled();
    gic_send_sgi1(gic_sgi_to(me, SGI_A));
    gic_send_sgi1(gic_sgi_to(me, SGI_B));
    gic_set_priority(SGI_B, 0x40);
    check_eq(gic_poll(10000), SGI_B, "IHI0069 Interrupt prioritization", "the higher priority comes first");
    gic_eoi1(SGI_B);
    check_eq(gic_poll(10000), SGI_A, "IHI0069 Interrupt prioritization", "then the other");
    gic_eoi1(SGI_A);
}

static void to_nobody(void)
{
    gic_send_sgi1((uint64_t)SGI_A << 24);
    gic_send_sgi1((uint64_t)SGI_A << 24 | UINT64_C(0x77) << 32 | 0xffff);
    if (mrs(icc_ctlr_el1) & BIT(18)) /* RSS: ranges beyond 16 exist, so that 15 names cores that do not */
        gic_send_sgi1((uint64_t)SGI_A << 24 | UINT64_C(0xf) << 44 | 0xffff);
    check_eq(collect(300), 0, "IHI0069 ICC_SGI1R_EL1",
             "empty list, unknown affinity, unknown range: nothing and no harm");
    struct exception e = insn_catch(INSN_MRS(SYSREG(3, 0, 12, 11, 5)), 0, 0);
    check_undef(&e, insn_address(), "IHI0069 ICC_SGI1R_EL1", "ICC_SGI1R_EL1 is write-only");
}

static void groups(void)
{
    uint64_t me = this_cpu()->mpidr;
    gic_set_group(SGI_A, 0);
    msr(icc_sgi0r_el1, gic_sgi_to(me, SGI_A));
    isb();
    check_eq(group0_fiq(10000), SGI_A, "IHI0069 ICC_SGI0R_EL1", "an SGI of group 0 by SGI0R");
    msr(icc_asgi1r_el1, gic_sgi_to(me, SGI_A));
    isb();
    check_eq(group0_fiq(10000), SGI_A, "IHI0069 ICC_ASGI1R_EL1", "an SGI of group 0 by ASGI1R, DS 1");
    msr(icc_sgi0r_el1, gic_sgi_to(me, SGI_B));
    isb();
    check_eq(collect(300), 0, "IHI0069 ICC_SGI0R_EL1", "SGI0R does not reach group 1");
    msr(icc_asgi1r_el1, gic_sgi_to(me, SGI_B));
    isb();
    check_eq(collect(300), 0, "IHI0069 ICC_ASGI1R_EL1", "ASGI1R does not reach group 1, DS 1");
    this_cpu()->fiq_count = this_cpu()->irq_count = 0;
    msr(icc_sgi0r_el1, gic_sgi_to(me, SGI_A));
    isb();
    wait_until(mrs(isr_el1) & BIT(6), 100);
    check_eq(mrs(isr_el1) & (BIT(6) | BIT(7)), BIT(6), "DDI0487 ISR_EL1.F", "group 0 is signalled as FIQ");
    irq_enable();
    delay_us(10);
    check_eq(this_cpu()->fiq_count, 0, "DDI0487 PSTATE.F", "masked by PSTATE.F alone");
    fiq_enable();
    wait_until(this_cpu()->fiq_count, 100);
    fiq_disable();
    irq_disable();
    check(this_cpu()->fiq_count == 1 && this_cpu()->irq_count == 0, "DDI0487 Exception vectors",
          "taken through the FIQ vector");
    gic_set_group(SGI_A, 1);
}

static void to_one(void)
{
    bool others = true, only = true, back = true;
    for (unsigned int i = 1; i < cpu_count; i++) {
        gic_send_sgi1(gic_sgi_to(cpus[i].mpidr, SGI_A));
        for (unsigned int j = 1; j < cpu_count; j++) {
            uint64_t got = cpu_call(j, collect, j == i ? 5000 : 300);
            others &= j != i || got == BIT(SGI_A);
            only &= j == i || got == 0;
        }
        only &= collect(100) == 0;
        back &= cpu_call(i, enable_all, 0) == 0;
    }
    check(others, "IHI0069 ICC_SGI1R_EL1.TargetList", "an SGI reaches the core it names");
    check(only && back, "IHI0069 ICC_SGI1R_EL1.TargetList", "and no other");
}

static void to_many(void)
{
    uint64_t list = 0;
    for (unsigned int i = 1; i < cpu_count; i++)
        list |= BIT(cpus[i].mpidr & 0xf);
    gic_send_sgi1(gic_sgi_to_list(list, SGI_B));
    bool all = true;
    for (unsigned int i = 1; i < cpu_count; i++)
        all &= cpu_call(i, collect, 5000) == BIT(SGI_B);
    check(all, "IHI0069 ICC_SGI1R_EL1.TargetList", "a list of targets");
    gic_send_sgi1(gic_sgi_to_others(SGI_A));
    all = true;
    for (unsigned int i = 1; i < cpu_count; i++)
        all &= cpu_call(i, collect, 5000) == BIT(SGI_A);
    check(all, "IHI0069 ICC_SGI1R_EL1.IRM", "IRM reaches all others");
    check_eq(collect(300), 0, "IHI0069 ICC_SGI1R_EL1.IRM", "but not the sender");
}

static volatile uint64_t answered;

static uint64_t answer(uint64_t rounds)
{
    uint64_t good = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        uint32_t intid = gic_poll(2000000);
        good += intid == SGI_A;
        gic_eoi1(intid);
        answered = i + 1;
        dsb(ish);
    }
    return good;
}

static void ping(void)
{
    answered = 0;
    cpu_post(1, answer, ROUNDS);
    bool each = true;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        gic_send_sgi1(gic_sgi_to(cpus[1].mpidr, SGI_A));
        each &= wait_until(answered == i + 1, 2000);
    }
    cpu_wait(1, 1000);
    check(each, "IHI0069 Software Generated Interrupts", "200 SGIs one by one: each is answered");
    check_eq(cpus[1].job_result, ROUNDS, "IHI0069 Software Generated Interrupts", "none lost, none too many");
}

/* A target asleep in WFI with interrupts open. */
static uint64_t sleep_until_irq(uint64_t unused)
{
    struct cpu *cpu = this_cpu();
    cpu->irq_count = 0;
    while (!cpu->irq_count) {
        irq_disable();
        if (!(mrs(isr_el1) & BIT(7)))
            wfi();
        irq_enable();
        isb();
    }
    irq_disable();
    return cpu->irq_last + unused;
}

static uint64_t sgis_pending(uint64_t unused)
{
    return (read32(gic_bit_register(GICD_ISPENDR, 0)) & 0xffff) + unused;
}

static void to_sleeper(void)
{
    cpu_post(1, sleep_until_irq, 0);
    delay_us(3000);
    gic_send_sgi1(gic_sgi_to(cpus[1].mpidr, SGI_B));
    check(cpu_wait(1, 2000) && cpus[1].job_result == SGI_B, "DDI0487 WFI wake-up events", "an SGI wakes a core in WFI");
    uint64_t left = cpu_call(cpu_count - 1, sgis_pending, 0);
    check_eq(left, 0, "IHI0069 GICR_ISPENDR0", "no SGI left pending anywhere");
}

static void sgi(void)
{
    if (cpu_count > 1)
        cores_ready();
    for (unsigned int i = 0; i < cpu_count; i++)
        cpu_call(i, enable_all, 0);
    to_self();
    if (gic_version() == 3) {
        to_nobody();
        groups();
    }
    gic_cpu_init();
    enable_all(0);
    if (cpu_count < 2) {
        check_skip("IHI0069 ICC_SGI1R_EL1", "SGIs between cores", NEEDS_CORES);
        return;
    }
    to_one();
    to_many();
    ping();
    to_sleeper();
}
SUBJECT(420, "sgi", sgi);
