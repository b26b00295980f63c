/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU interface: priority order, masks, preemption, both EOI modes, more interrupts than there are list registers. */
#include "tests/guest/conformance/conformance.h"
#include "tests/guest/lib/fdt.h"

#define FIRST_SPI 160
#define MANY 32
#define NESTED 15
#define ROUNDS 200
#define AT_ONCE 16
#define EOIMODE BIT(1)
#define CBPR BIT(0)
#define ISR_I BIT(7)

static void spi_ready(uint32_t intid, uint32_t priority)
{
    gic_set_edge(intid, true);
    gic_set_group(intid, 1);
    gic_set_priority(intid, priority);
    gic_route(intid, this_cpu()->mpidr);
    gic_enable(intid);
}

/* What only the system registers have; GICC's are another subject. */
static void system_registers(void)
{
    check_eq(mrs(icc_sre_el1) & 1, 1, "IHI0069 ICC_SRE_EL1.SRE", "system registers are on");
    bool hyp = tap_under_hypervisor();
    uint64_t ctlr = mrs(icc_ctlr_el1), bits = (ctlr >> 8 & 7) + 1;
    check(bits >= 4, "IHI0069 ICC_CTLR_EL1.PRIbits", "4 priority bits or more");
    check_eq_if(hyp, HYP_ONLY, bits, 5, "IHI0069 ICC_CTLR_EL1.PRIbits", "5 priority bits");
    gic_set_mask(0xff);
    check_eq(gic_mask(), 0xff & ~(0xff >> bits), "IHI0069 ICC_PMR_EL1", "it implements the priority bits");
    gic_set_mask(0);
    check_eq(gic_mask(), 0, "IHI0069 ICC_PMR_EL1", "it can be 0");
    gic_set_mask(0xf0);
    msr(icc_ctlr_el1, ctlr | EOIMODE | CBPR);
    isb();
    check_eq(mrs(icc_ctlr_el1) & (EOIMODE | CBPR), EOIMODE | CBPR, "IHI0069 ICC_CTLR_EL1",
             "EOImode and CBPR can be set");
    msr(icc_ctlr_el1, ctlr & ~(EOIMODE | CBPR));
    isb();
    check_eq(mrs(icc_ctlr_el1) & (EOIMODE | CBPR), 0, "IHI0069 ICC_CTLR_EL1", "and cleared");
    check_eq(mrs(icc_ctlr_el1) >> 20, ctlr >> 20 & 0xfff, "IHI0069 ICC_CTLR_EL1", "its reserved bits do not change");
}

static void registers(void)
{
    gic_set_binary_point1(7);
    check_eq(gic_binary_point1(), 7, "IHI0069 ICC_BPR1_EL1", "the binary point holds 7");
    gic_set_binary_point1(0);
    check(gic_binary_point1() <= 3, "IHI0069 ICC_BPR1_EL1", "its least value is written for smaller ones");
    check_eq(gic_running_priority(), 0xff, "IHI0069 ICC_RPR_EL1", "idle priority 0xff");
    check_eq(gic_highest_pending1(), INTID_NONE, "IHI0069 ICC_HPPIR1_EL1", "nothing pending: 1023");
    check_eq(gic_ack1(), INTID_NONE, "IHI0069 ICC_IAR1_EL1", "nothing pending: 1023");
    check_eq(gic_ack0(), INTID_NONE, "IHI0069 ICC_IAR0_EL1", "nothing pending: 1023");
    gic_eoi1(INTID_NONE);
    check_eq(gic_running_priority(), 0xff, "IHI0069 ICC_EOIR1_EL1", "EOI of 1023 does nothing");
}

static void in_order(void)
{
    gic_set_mask(0);
    for (uint32_t i = 0; i < MANY; i++) {
        spi_ready(FIRST_SPI + i, 8 * ((i * 11 + 5) % 28));
        gic_set_pending(FIRST_SPI + i);
    }
    check_eq(gic_poll(500), INTID_NONE, "IHI0069 ICC_PMR_EL1", "PMR 0 masks all");
    gic_set_mask(0xf0);
    uint32_t before = 0, taken = 0;
    bool ordered = true;
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t intid = gic_poll(20000);
        if (intid >= INTID_SPECIAL)
            break;
        uint32_t priority = gic_priority(intid);
        ordered &= priority >= before;
        before = priority;
        taken++;
        gic_eoi1(intid);
    }
    check_eq(taken, MANY, "IHI0069 Interrupt prioritization", "32 pending at once: none lost");
    check(ordered, "IHI0069 Interrupt prioritization", "in the order of priority");
    check_eq(gic_poll(200), INTID_NONE, "IHI0069 Interrupt prioritization", "and none twice");
}

static void masking(void)
{
    spi_ready(FIRST_SPI, 0x80);
    gic_set_mask(0x80);
    gic_set_pending(FIRST_SPI);
    check_eq(gic_poll(300), INTID_NONE, "IHI0069 ICC_PMR_EL1", "a priority equal to PMR is masked");
    gic_set_mask(0x88);
    check_eq(gic_poll(10000), FIRST_SPI, "IHI0069 ICC_PMR_EL1", "a higher priority than PMR is signalled");
    check_eq(gic_running_priority(), 0x80, "IHI0069 ICC_RPR_EL1", "the running priority is the active one's");
    gic_eoi1(FIRST_SPI);
    gic_set_mask(0xf0);
    gic_set_group_enable(1, false);
    gic_set_pending(FIRST_SPI);
    delay_us(300);
    check_eq(mrs(isr_el1) & ISR_I, 0, "IHI0069 ICC_IGRPEN1_EL1", "group 1 off: nothing is signalled");
    check_eq_if(gic_version() == 3, EMULATOR_GICV2, gic_version() == 3 ? gic_ack1() : 0, INTID_NONE,
                "IHI0069 ICC_IGRPEN1_EL1", "group 1 off: nothing is acknowledged");
    check(gic_is_pending(FIRST_SPI), "IHI0069 ICC_IGRPEN1_EL1", "it stays pending");
    gic_set_group_enable(1, true);
    check_eq(gic_poll(10000), FIRST_SPI, "IHI0069 ICC_IGRPEN1_EL1", "and comes when the group is on");
    gic_eoi1(FIRST_SPI);
    gic_set_pending(FIRST_SPI);
    wait_until(gic_highest_pending1() == FIRST_SPI, 100);
    check_eq(gic_highest_pending1(), FIRST_SPI, "IHI0069 ICC_HPPIR1_EL1",
             "the pending one is shown before the acknowledge");
    gic_clear_pending(FIRST_SPI);
    check(wait_until(gic_highest_pending1() == INTID_NONE, 100), "IHI0069 GICD_ICPENDR<n>", "and withdrawn");
    gic_set_pending(FIRST_SPI);
    wait_until(gic_highest_pending1() == FIRST_SPI, 100);
    gic_disable(FIRST_SPI);
    check(wait_until(gic_highest_pending1() == INTID_NONE, 100), "IHI0069 GICD_ICENABLER<n>",
          "a disabled one is withdrawn too");
    gic_clear_pending(FIRST_SPI);
}

static void preemption(void)
{
    spi_ready(FIRST_SPI, 0xa0);
    spi_ready(FIRST_SPI + 1, 0x40);
    spi_ready(FIRST_SPI + 2, 0xa0);
    gic_set_binary_point1(0);
    gic_set_pending(FIRST_SPI);
    check_eq(gic_poll(10000), FIRST_SPI, "IHI0069 Preemption", "the low one is active");
    gic_set_pending(FIRST_SPI + 2);
    check_eq(gic_poll(300), INTID_NONE, "IHI0069 Preemption", "the same priority does not preempt");
    gic_set_pending(FIRST_SPI + 1);
    check_eq(gic_poll(10000), FIRST_SPI + 1, "IHI0069 Preemption", "a higher priority does");
    check_eq(gic_running_priority(), 0x40, "IHI0069 ICC_RPR_EL1", "running priority of the nested one");
    gic_eoi1(FIRST_SPI + 1);
    check_eq(gic_running_priority(), 0xa0, "IHI0069 Priority drop", "EOI returns to the preempted one's");
    gic_eoi1(FIRST_SPI);
    check_eq(gic_running_priority(), 0xff, "IHI0069 Priority drop", "and to idle");
    check_eq(gic_poll(10000), FIRST_SPI + 2, "IHI0069 Preemption", "the waiting one comes then");
    gic_eoi1(FIRST_SPI + 2);
    /* By either view of the table (IHI 0069, ICC_BPR1_EL1), 7 groups 0x80 and 0xa0 together. */
    gic_set_binary_point1(7);
    gic_set_priority(FIRST_SPI + 1, 0x80);
    gic_set_pending(FIRST_SPI);
    gic_poll(10000);
    gic_set_pending(FIRST_SPI + 1);
    check_eq(gic_poll(300), INTID_NONE, "IHI0069 ICC_BPR1_EL1", "a binary point of 7: 0x80 does not preempt 0xa0");
    gic_eoi1(FIRST_SPI);
    check_eq(gic_poll(10000), FIRST_SPI + 1, "IHI0069 ICC_BPR1_EL1", "it comes after EOI");
    gic_eoi1(FIRST_SPI + 1);
    gic_set_binary_point1(0);
}

static void split_eoi(void)
{
    gic_set_eoimode(true);
    spi_ready(FIRST_SPI, 0xa0);
    gic_set_pending(FIRST_SPI);
    gic_poll(10000);
    gic_eoi1(FIRST_SPI);
    check_eq(gic_running_priority(), 0xff, "IHI0069 ICC_EOIR1_EL1", "EOImode 1: EOIR drops the priority");
    check(gic_is_active(FIRST_SPI), "IHI0069 ICC_CTLR_EL1.EOImode", "EOImode 1: EOIR leaves it active");
    gic_set_pending(FIRST_SPI);
    check_eq(gic_poll(300), INTID_NONE, "IHI0069 Interrupt handling states", "EOImode 1: not delivered while active");
    gic_deactivate(FIRST_SPI);
    check_eq(gic_poll(10000), FIRST_SPI, "IHI0069 ICC_DIR_EL1", "EOImode 1: DIR deactivates, the next comes");
    gic_eoi1(FIRST_SPI);
    gic_deactivate(FIRST_SPI);
    check(!gic_is_active(FIRST_SPI), "IHI0069 ICC_DIR_EL1", "EOImode 1: inactive after DIR");

    /* All active at once, far more than list registers: deactivated in another order. */
    uint32_t taken = 0, active = 0;
    for (uint32_t i = 0; i < MANY; i++)
        spi_ready(FIRST_SPI + i, 0xa0);
    for (uint32_t i = 0; i < MANY; i++) {
        gic_set_pending(FIRST_SPI + i);
        taken += gic_poll(20000) == FIRST_SPI + i;
        gic_eoi1(FIRST_SPI + i);
    }
    for (uint32_t i = 0; i < MANY; i++)
        active += gic_is_active(FIRST_SPI + i);
    check_eq(taken, MANY, "IHI0069 ICC_CTLR_EL1.EOImode", "EOImode 1: 32 taken one after the other, none deactivated");
    check_eq(active, MANY, "IHI0069 GICD_ISACTIVER<n>", "EOImode 1: all 32 are active");
    for (uint32_t i = 0; i < MANY; i++)
        gic_deactivate(FIRST_SPI + (i * 13 + 7) % MANY);
    active = 0;
    for (uint32_t i = 0; i < MANY; i++)
        active += gic_is_active(FIRST_SPI + i);
    check_eq(active, 0, "IHI0069 ICC_DIR_EL1", "EOImode 1: all 32 inactive after DIR in another order");
    taken = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        gic_set_pending(FIRST_SPI + i);
        taken += gic_poll(20000) == FIRST_SPI + i;
        gic_eoi1(FIRST_SPI + i);
        gic_deactivate(FIRST_SPI + i);
    }
    check_eq(taken, MANY, "IHI0069 ICC_DIR_EL1", "EOImode 1: all 32 come again");
    gic_set_eoimode(false);
}

/* As many nested as there are preemption levels. */
static void nested(void)
{
    uint32_t depth = 0;
    bool ordered = true;
    for (uint32_t i = 0; i < NESTED; i++) {
        spi_ready(FIRST_SPI + i, 0xe0 - 16 * i);
        gic_set_pending(FIRST_SPI + i);
        depth += gic_poll(20000) == FIRST_SPI + i;
    }
    check_eq(depth, NESTED, "IHI0069 Preemption", "15 interrupts nested");
    for (uint32_t i = NESTED; i-- > 0;) {
        ordered &= gic_running_priority() == 0xe0 - 16 * i;
        gic_eoi1(FIRST_SPI + i);
    }
    check(ordered, "IHI0069 ICC_RPR_EL1", "the running priority follows every EOI");
    check_eq(gic_running_priority(), 0xff, "IHI0069 ICC_RPR_EL1", "idle after the last");
    check_eq(gic_active_priorities(), 0, "IHI0069 ICC_AP1R0_EL1", "no active priority left");
}

static void group0(void)
{
    spi_ready(FIRST_SPI, 0xa0);
    spi_ready(FIRST_SPI + 1, 0x60);
    gic_set_group(FIRST_SPI + 1, 0);
    gic_set_pending(FIRST_SPI + 1);
    wait_until(gic_highest_pending0() == FIRST_SPI + 1, 100);
    check_eq(gic_highest_pending0(), FIRST_SPI + 1, "IHI0069 ICC_HPPIR0_EL1", "a group 0 SPI is shown for group 0");
    check_eq(gic_ack1(), INTID_NONE, "IHI0069 ICC_IAR1_EL1", "IAR1 does not take group 0");
    check_eq(gic_ack0(), FIRST_SPI + 1, "IHI0069 ICC_IAR0_EL1", "IAR0 does");
    gic_eoi0(FIRST_SPI + 1);
    check(!gic_is_active(FIRST_SPI + 1), "IHI0069 ICC_EOIR0_EL1", "EOIR0 deactivates");
    gic_set_group_enable(0, false);
    gic_set_pending(FIRST_SPI + 1);
    gic_set_pending(FIRST_SPI);
    bool hyp3 = tap_under_hypervisor() && gic_version() == 3;
    uint32_t intid = gic_poll(hyp3 ? 10000 : 0);
    check_eq_if(hyp3, "the emulator's physical interface, and any of its GICv2, holds it back", intid, FIRST_SPI,
                "IHI0069 ICC_IGRPEN0_EL1", "group 0 off does not hold back group 1");
    gic_eoi1(intid);
    gic_clear_pending(FIRST_SPI);
    gic_clear_pending(FIRST_SPI + 1);
    gic_set_group(FIRST_SPI + 1, 1);
    gic_set_group_enable(0, true);
}

/* More than there are list registers, of group 0, while group 1 is off. */
static void group0_alone(void)
{
    uint32_t taken = 0;
    gic_set_group_enable(1, false);
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        spi_ready(FIRST_SPI + i, 8 * i);
        gic_set_group(FIRST_SPI + i, 0);
        gic_set_pending(FIRST_SPI + i);
    }
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        wait_until(gic_highest_pending0() == FIRST_SPI + i, 100);
        taken += gic_ack0() == FIRST_SPI + i;
        gic_eoi0(FIRST_SPI + i);
    }
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        gic_clear_pending(FIRST_SPI + i);
        gic_set_group(FIRST_SPI + i, 1);
    }
    gic_set_group_enable(1, true);
    check_eq(taken, AT_ONCE, "IHI0069 ICC_IAR0_EL1", "sixteen of group 0 with group 1 off: each in its turn");
}

/*
 * Sixteen at once, of distinct priorities that change with each round: on four list registers they come in the order of priority, and none is lost.
 * rounds=<n> (200).
 */
static void at_once(void)
{
    uint64_t rounds = bootarg_number("rounds", ROUNDS), lost = 0, disordered = 0;
    for (uint32_t i = 0; i < AT_ONCE; i++)
        spi_ready(FIRST_SPI + i, 0);
    for (uint64_t round = 0; round < rounds; round++) {
        uint32_t offset = (uint32_t)(round * 7 % AT_ONCE), step = (uint32_t)(round % 8 * 2 + 1);
        gic_set_mask(0);
        for (uint32_t i = 0; i < AT_ONCE; i++)
            gic_set_priority(FIRST_SPI + i, (i * step + offset) % AT_ONCE * 8);
        write32(GICD + GICD_ISPENDR + 4 * (FIRST_SPI / 32), 0xffff);
        dsb(sy);
        gic_set_mask(0xf0);
        for (uint32_t n = 0; n < AT_ONCE; n++) {
            uint32_t intid = gic_poll(20000);
            lost += intid >= INTID_SPECIAL;
            disordered += intid < INTID_SPECIAL && gic_running_priority() != n * 8;
            gic_eoi1(intid);
        }
        lost += gic_ack1() != INTID_NONE;
    }
    check_eq(lost, 0, "IHI0069 Interrupt prioritization", "sixteen at once, round after round: none lost, none twice");
    check_eq(disordered, 0, "IHI0069 Interrupt prioritization", "sixteen at once: each time in the order of priority");
}

static void priorities(void)
{
    if (gic_version() == 3)
        system_registers();
    registers();
    at_once();
    in_order();
    masking();
    preemption();
    split_eoi();
    nested();
    group0();
    group0_alone();
}
SUBJECT(430, "priorities", priorities);
