/* SPDX-License-Identifier: Apache-2.0 */
/* GICv2's software generated interrupts: filters, the sender in GICC_IAR, pending by sender; and GICC's ways of groups. */
#include "tests/guest/conformance/conformance.h"

#define SGI_A 4
#define SGI_B 11
#define SPI_A 200
#define IAR_CPU(iar) ((iar) >> 10 & 7)
#define IAR_INTID(iar) ((iar)&0x3ff)
#define FILTER_OTHERS BIT(24)
#define FILTER_SELF BIT(25)
#define ROUNDS 50

static void wr(uint32_t offset, uint32_t value)
{
    write32(GICD + offset, value);
    dsb(sy);
}

static void sgir(uint64_t value)
{
    wr(GICD_SGIR, (uint32_t)value);
}

/* The raw GICC_IAR of the next one, ended as read. */
static uint64_t take(uint64_t us)
{
    uint64_t end = timer_count() + timer_ticks(us);
    uint32_t iar;
    do {
        yield();
        iar = read32(GICC + GICC_IAR);
    } while (IAR_INTID(iar) >= INTID_SPECIAL && timer_count() < end);
    if (IAR_INTID(iar) < INTID_SPECIAL)
        write32(GICC + GICC_EOIR, iar);
    dsb(sy);
    return iar;
}

static uint64_t own_bit(uint64_t unused)
{
    uint32_t bit = read32(GICD + GICD_ITARGETSR) & 0xff;
    return (bit ? bit : 1) + unused;
}

static uint64_t send(uint64_t value)
{
    sgir(value);
    return 0;
}

static unsigned int taken_by(uint32_t sgi)
{
    unsigned int who = 0;
    for (unsigned int i = 0; i < cpu_count; i++)
        who |= (unsigned int)(IAR_INTID(cpu_call(i, take, 500)) == sgi) << i;
    return who;
}

static void filters(void)
{
    unsigned int all = (1u << cpu_count) - 1;
    sgir(FILTER_SELF | SGI_A);
    check_eq(taken_by(SGI_A), 1, "IHI0048 4.3.15 GICD_SGIR.TargetListFilter", "2: to the sender alone");
    sgir(FILTER_SELF | 0xff0000 | SGI_A);
    check_eq(taken_by(SGI_A), 1, "IHI0048 4.3.15 GICD_SGIR.TargetListFilter", "2: whatever the list says");
    sgir(FILTER_OTHERS | SGI_A);
    check_eq(taken_by(SGI_A), all & ~1u, "IHI0048 4.3.15 GICD_SGIR.TargetListFilter", "1: to all others");
    sgir(FILTER_OTHERS | FILTER_SELF | 0xff0000 | SGI_A);
    check_eq_if(tap_under_hypervisor(), HYP_ONLY, taken_by(SGI_A), 0, "IHI0048 4.3.15 GICD_SGIR.TargetListFilter",
                "3 is reserved: to nobody");
    sgir(0xff0000 | SGI_A);
    check_eq(taken_by(SGI_A), all, "IHI0048 4.3.15 GICD_SGIR.CPUTargetList", "0: to every core of the list");
    sgir(SGI_A);
    check_eq(taken_by(SGI_A), 0, "IHI0048 4.3.15 GICD_SGIR.CPUTargetList", "0: an empty list is nobody");
    bool each = true;
    for (unsigned int i = 0; i < cpu_count; i++) {
        sgir(cpu_call(i, own_bit, 0) << 16 | SGI_B);
        each &= taken_by(SGI_B) == 1u << i;
    }
    check(each, "IHI0048 4.3.15 GICD_SGIR.CPUTargetList", "0: the bit that a core reads in GICD_ITARGETSR0 reaches it");
    check_eq(read32(GICD + GICD_SGIR), 0, "IHI0048 4.3.15 GICD_SGIR", "GICD_SGIR is write-only");
}

/* Bit n of a sender's number is what GICC_IAR.CPUID says as n. */
static void senders(void)
{
    uint64_t me = own_bit(0);
    bool right = true;
    for (unsigned int i = 0; i < cpu_count; i++) {
        uint64_t bit = cpu_call(i, own_bit, 0);
        cpu_call(i, send, me << 16 | SGI_A);
        uint64_t iar = take(5000);
        right &= IAR_INTID(iar) == SGI_A && 1u << IAR_CPU(iar) == bit;
    }
    check(right, "IHI0048 4.4.4 GICC_IAR.CPUID", "says who sent the SGI");
}

/* By GICD_SPENDSGIR as if others had sent it. */
static void pending_registers(void)
{
    uint32_t all = (1u << cpu_count) - 1, at = SGI_A & 3;
    uint64_t set = GICD + GICD_SPENDSGIR + SGI_A, clear = GICD + GICD_CPENDSGIR + SGI_A;
    gic_set_mask(0);
    write8(set, all);
    check_eq(read8(set), all, "IHI0048 4.3.17 GICD_SPENDSGIR<n>", "pending from every core");
    check_eq(read32(GICD + GICD_CPENDSGIR + (SGI_A & ~3)), all << 8 * at, "IHI0048 4.3.16 GICD_CPENDSGIR<n>",
             "GICD_CPENDSGIR reads the same, by word");
    check_eq(read32(GICD + GICD_ISPENDR) & 0xffff, BIT(SGI_A), "IHI0048 4.3.7 GICD_ISPENDR0", "and it is pending");
    wr(GICD_ICPENDR, BIT(SGI_A));
    check_eq(read8(set), all, "IHI0048 4.3.8 GICD_ICPENDR0", "which GICD_ICPENDR0 does not change");
    write8(clear, 1);
    check_eq(read8(set), all & ~1u, "IHI0048 4.3.16 GICD_CPENDSGIR<n>", "a byte write takes one sender's away");
    write32(GICD + GICD_CPENDSGIR + (SGI_A & ~3), all << 8 * at);
    check_eq(read8(set), 0, "IHI0048 4.3.16 GICD_CPENDSGIR<n>", "a word write the others'");
    gic_set_mask(0xf0);
    check_eq(IAR_INTID(take(300)), INTID_NONE, "IHI0048 4.3.16 GICD_CPENDSGIR<n>", "nothing is left");
    write32(GICD + GICD_SPENDSGIR + (SGI_A & ~3), 1u << 8 * at);
    check_eq(take(5000), SGI_A, "IHI0048 4.3.17 GICD_SPENDSGIR<n>", "what was set by word arrives, from core 0");
    check_eq(IAR_INTID(take(300)), INTID_NONE, "IHI0048 4.3.17 GICD_SPENDSGIR<n>", "once");
}

/* All cores send the same SGI before the first is taken: each arrives, once, and no one's is another's. */
static void several_senders(void)
{
    uint64_t me = own_bit(0), expected = 0;
    bool all = true, once = true;
    for (unsigned int i = 0; i < cpu_count; i++)
        expected |= cpu_call(i, own_bit, 0);
    for (unsigned int round = 0; round < ROUNDS; round++) {
        uint64_t got = 0;
        for (unsigned int i = 0; i < cpu_count; i++)
            cpu_call(i, send, me << 16 | SGI_A);
        for (unsigned int i = 0; i < cpu_count; i++) {
            uint64_t iar = take(5000);
            once &= !(got & 1u << IAR_CPU(iar));
            got |= IAR_INTID(iar) == SGI_A ? 1u << IAR_CPU(iar) : 0;
        }
        all &= got == expected;
        once &= IAR_INTID(take(20)) == INTID_NONE;
    }
    check(all, "IHI0048 4.3.15 GICD_SGIR", "one SGI from all cores at once: each sender's arrives");
    check(once, "IHI0048 4.3.15 GICD_SGIR", "and no sender's twice");
}

/* Sent again by others while it is being served: they wait for the end, and come then. */
static void while_active(void)
{
    uint64_t me = own_bit(0);
    unsigned int other = cpu_count - 1;
    cpu_call(other, send, me << 16 | SGI_A);
    wait_until(read32(GICC + GICC_HPPIR) != INTID_NONE, 100);
    uint32_t first = read32(GICC + GICC_IAR);
    cpu_call(other, send, me << 16 | SGI_A);
    sgir(me << 16 | SGI_A);
    uint32_t senders = read8(GICD + GICD_SPENDSGIR + SGI_A), both = (uint32_t)(me | cpu_call(other, own_bit, 0));
    check_eq(senders, both, "IHI0048 4.3.17 GICD_SPENDSGIR<n>", "sent while active: pending by sender");
    check_eq(read32(GICC + GICC_IAR) & 0x3ff, INTID_NONE, "IHI0048 3.2.4 Interrupt handling states",
             "not taken meanwhile");
    write32(GICC + GICC_EOIR, first);
    dsb(sy);
    uint64_t a = take(5000), b = take(5000);
    check_eq((1u << IAR_CPU(a)) | (1u << IAR_CPU(b)), both, "IHI0048 3.2.4 Interrupt handling states",
             "after its end both come");
    check_eq(IAR_INTID(take(300)), INTID_NONE, "IHI0048 3.2.4 Interrupt handling states", "and no more");
}

static void spi_now(unsigned int group)
{
    gic_set_edge(SPI_A, true);
    gic_set_group(SPI_A, group);
    gic_route(SPI_A, this_cpu()->mpidr);
    gic_enable(SPI_A);
    gic_set_pending(SPI_A);
    wait_until(gic_highest_pending0() == SPI_A || gic_highest_pending1() == SPI_A, 100);
}

static uint32_t irq_pending(void)
{
    return (uint32_t)(mrs(isr_el1) >> 6 & 3); /* bit 0: FIQ, bit 1: IRQ */
}

/* As Linux has it: everything in group 0, signalled as IRQ. */
static void interface_groups(void)
{
    write32(GICC + GICC_CTLR, GICC_CTLR_GRP0);
    dsb(sy);
    spi_now(0);
    wait_until(irq_pending(), 100);
    check_eq(irq_pending(), 2, "IHI0048 4.4.1 GICC_CTLR.FIQEn", "0: group 0 is signalled as IRQ");
    check_eq(read32(GICC + GICC_IAR), SPI_A, "IHI0048 4.4.4 GICC_IAR", "which GICC_IAR takes");
    write32(GICC + GICC_EOIR, SPI_A);
    check(wait_until(!gic_is_active(SPI_A), 100), "IHI0048 4.4.5 GICC_EOIR", "and GICC_EOIR ends");
    write32(GICC + GICC_CTLR, GICC_CTLR_GRP0 | GICC_CTLR_GRP1 | GICC_CTLR_FIQ);
    dsb(sy);
    spi_now(0);
    wait_until(irq_pending(), 100);
    check_eq(irq_pending(), 1, "IHI0048 4.4.1 GICC_CTLR.FIQEn", "1: group 0 is signalled as FIQ");
    gic_clear_pending(SPI_A);
    wait_until(!irq_pending(), 100);
    spi_now(1);
    check_eq(read32(GICC + GICC_IAR) & 0x3ff, INTID_OTHER_GROUP, "IHI0048 4.4.4 GICC_IAR",
             "AckCtl 0: 1022 for what is of group 1");
    write32(GICC + GICC_CTLR, GICC_CTLR_GRP0 | GICC_CTLR_GRP1 | GICC_CTLR_FIQ | GICC_CTLR_ACK);
    dsb(sy);
    check_eq(read32(GICC + GICC_IAR) & 0x3ff, SPI_A, "IHI0048 4.4.1 GICC_CTLR.AckCtl", "1: GICC_IAR takes group 1 too");
    write32(GICC + GICC_EOIR, SPI_A);
    check(wait_until(!gic_is_active(SPI_A), 100), "IHI0048 4.4.1 GICC_CTLR.AckCtl", "1: GICC_EOIR ends it");
    gic_disable(SPI_A);
    gic_interface_init();
}

static void interface_registers(void)
{
    bool hyp = tap_under_hypervisor();
    check_eq(read32(GICC + GICC_IIDR) >> 16 & 0xf, 2, "IHI0048 4.4.14 GICC_IIDR", "GICv2");
    gic_set_mask(0xff);
    check_eq_if(hyp, HYP_ONLY, gic_mask(), 0xf8, "IHI0048 4.4.2 GICC_PMR", "it implements 5 priority bits");
    gic_set_mask(0);
    check_eq(gic_mask(), 0, "IHI0048 4.4.2 GICC_PMR", "it can be 0");
    gic_set_mask(0xf0);
    gic_set_eoimode(true);
    check(read32(GICC + GICC_CTLR) & GICC_CTLR_EOIMODE, "IHI0048 4.4.1 GICC_CTLR.EOImode", "EOImode can be set");
    gic_set_eoimode(false);
    check(!(read32(GICC + GICC_CTLR) & GICC_CTLR_EOIMODE), "IHI0048 4.4.1 GICC_CTLR.EOImode", "and cleared");
}

static void sgiv2(void)
{
    if (gic_version() != 2) {
        check_skip("IHI0048", "SGIs of a GICv2", NOT_A_GICV2);
        return;
    }
    if (cpu_count > 1)
        cores_ready();
    filters();
    senders();
    /* The emulator's own GICv2 ends itself by an assertion there. */
    if (tap_under_hypervisor())
        pending_registers();
    several_senders();
    while_active();
    interface_registers();
    interface_groups();
}
SUBJECT(422, "sgiv2", sgiv2);
