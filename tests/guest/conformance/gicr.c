/* SPDX-License-Identifier: Apache-2.0 */
/* The redistributors: one each, awake when told, SGIs and PPIs, also from another core. */
#include "tests/guest/conformance/conformance.h"

#define SGI_A 5
#define PPI_A 21 /* no device of these machines has it */
#define PPI_B 20

static uint64_t rd_base(void)
{
    return this_cpu()->redistributor;
}

static uint32_t rd(uint32_t offset)
{
    return read32(rd_base() + offset);
}

static void wr(uint32_t offset, uint32_t value)
{
    write32(rd_base() + offset, value);
    dsb(sy);
}

static void identification(void)
{
    bool affinity = true, last = true, numbers = true, hyp = tap_under_hypervisor();
    uint64_t flags = 0;
    for (unsigned int i = 0; i < cpu_count; i++) {
        uint64_t typer = read64(GICR + i * GICR_STRIDE + GICR_TYPER);
        bool known = false;
        for (unsigned int j = 0; j < cpu_count; j++)
            known |= typer >> 32 == ((cpus[j].mpidr >> 8 & 0xff000000) | (cpus[j].mpidr & 0xffffff));
        affinity &= known;
        last &= (typer >> 4 & 1) == (i == cpu_count - 1);
        numbers &= (typer >> 8 & 0xffff) == i;
        flags |= typer;
    }
    check(affinity, "IHI0069 GICR_TYPER.Affinity_Value", "every redistributor belongs to a core");
    check(last, "IHI0069 GICR_TYPER.Last", "Last is set in the last one only");
    check(numbers, "IHI0069 GICR_TYPER.Processor_Number", "processor numbers count up");
    check_eq_if(hyp, HYP_ONLY, flags & 3, 0, "IHI0069 GICR_TYPER.PLPIS, VLPIS", "no LPIs");
    check_eq_if(hyp, HYP_ONLY, flags & BIT(3), 0, "IHI0069 GICR_TYPER.DirectLPI", "no direct LPIs");
    uint64_t typer = read64(rd_base() + GICR_TYPER);
    check_eq(read32(rd_base() + GICR_TYPER) | (uint64_t)read32(rd_base() + GICR_TYPER + 4) << 32, typer,
             "IHI0069 GICR_TYPER", "GICR_TYPER is readable by halves");
    write64(rd_base() + GICR_TYPER, ~typer);
    check_eq(read64(rd_base() + GICR_TYPER), typer, "IHI0069 GICR_TYPER", "GICR_TYPER is read-only");
    check((rd(GICR_PIDR2) >> 4 & 0xf) >= 3, "IHI0069 GICR_PIDR2.ArchRev", "GICv3 or later");
    check_eq(rd(0xfff0) & 0xff, 0x0d, "IHI0069 Component identification registers", "GICR_CIDR0");
    check_eq(rd(0xfffc) & 0xff, 0xb1, "IHI0069 Component identification registers", "GICR_CIDR3");
}

static void waker(void)
{
    check_eq(rd(GICR_WAKER) & (WAKER_SLEEP | WAKER_ASLEEP), 0, "IHI0069 GICR_WAKER", "awake after ProcessorSleep 0");
    msr(icc_igrpen1_el1, 0);
    msr(icc_igrpen0_el1, 0);
    isb();
    wr(GICR_WAKER, WAKER_SLEEP);
    check(wait_until(rd(GICR_WAKER) & WAKER_ASLEEP, 100), "IHI0069 GICR_WAKER",
          "ChildrenAsleep follows ProcessorSleep");
    check(rd(GICR_WAKER) & WAKER_SLEEP, "IHI0069 GICR_WAKER", "ProcessorSleep reads back");
    wr(GICR_WAKER, 0);
    check(wait_until(!(rd(GICR_WAKER) & WAKER_ASLEEP), 100), "IHI0069 GICR_WAKER", "and it wakes");
    wr(GICR_WAKER, UINT32_C(0x7ffffff8));
    check_eq(rd(GICR_WAKER) & UINT32_C(0x7ffffff8), 0, "IHI0069 GICR_WAKER", "its reserved bits are RES0");
    wr(GICR_WAKER, 0);
    gic_cpu_init();
}

static void registers(void)
{
    check_eq(rd(GICR_ICFGR0), 0xaaaaaaaa, "IHI0069 GICR_ICFGR0", "SGIs are edge-triggered");
    wr(GICR_ICFGR0, 0);
    check_eq(rd(GICR_ICFGR0), 0xaaaaaaaa, "IHI0069 GICR_ICFGR0", "GICR_ICFGR0 is read-only");
    check_eq(rd(GICR_ICFGR1) & 0x55555555, 0, "IHI0069 GICR_ICFGR1", "bit 0 of each field is RES0");
    wr(GICR_ISENABLER0, 0x00200021);
    check_eq(rd(GICR_ISENABLER0), 0x00200021, "IHI0069 GICR_ISENABLER0", "SGIs and PPIs are enabled by ones");
    check_eq(rd(GICR_ICENABLER0), 0x00200021, "IHI0069 GICR_ICENABLER0", "ICENABLER0 reads the same");
    wr(GICR_ISENABLER0, 0);
    check_eq(rd(GICR_ISENABLER0), 0x00200021, "IHI0069 GICR_ISENABLER0", "zeros do nothing");
    wr(GICR_ICENABLER0, 0x00000020);
    check_eq(rd(GICR_ISENABLER0), 0x00200001, "IHI0069 GICR_ICENABLER0", "disabled by ones");
    wr(GICR_ICENABLER0, ~0u);
    wr(GICR_IGROUPR0, 0xa5a5a5a5);
    check_eq(rd(GICR_IGROUPR0), 0xa5a5a5a5, "IHI0069 GICR_IGROUPR0", "groups hold");
    wr(GICR_IGROUPR0, ~0u);
    wr(GICR_IGRPMODR0, ~0u);
    check_eq(rd(GICR_IGRPMODR0), 0, "IHI0069 GICR_IGRPMODR0", "RAZ/WI with DS 1");
    wr(GICR_NSACR, ~0u);
    check_eq(rd(GICR_NSACR), 0, "IHI0069 GICR_NSACR", "RAZ/WI with DS 1");
    wr(GICR_IPRIORITYR + 20, 0x10203040);
    check_eq(rd(GICR_IPRIORITYR + 20), 0x10203040, "IHI0069 GICR_IPRIORITYR<n>", "a word of four priorities");
    write8(rd_base() + GICR_IPRIORITYR + 22, 0xc0);
    check_eq(read8(rd_base() + GICR_IPRIORITYR + 22), 0xc0, "IHI0069 GICR_IPRIORITYR<n>", "byte access");
    check_eq(rd(GICR_IPRIORITYR + 20), 0x10c03040, "IHI0069 GICR_IPRIORITYR<n>", "a byte write changes one");
    wr(GICR_ISACTIVER0, BIT(PPI_A));
    check_eq(rd(GICR_ICACTIVER0), BIT(PPI_A), "IHI0069 GICR_ISACTIVER0", "active set by ones");
    wr(GICR_ICACTIVER0, BIT(PPI_A));
    check_eq(rd(GICR_ISACTIVER0), 0, "IHI0069 GICR_ICACTIVER0", "active cleared by ones");
    bool hyp = tap_under_hypervisor();
    wr(GICR_CTLR, 1);
    check_eq_if(hyp, HYP_ONLY, rd(GICR_CTLR) & 1, 0, "IHI0069 GICR_CTLR.EnableLPIs", "LPIs cannot be enabled");
    wr(GICR_CTLR, 0);
    if (hyp)
        write64(rd_base() + GICR_PROPBASER, ~UINT64_C(0));
    check_eq_if(hyp, HYP_ONLY, hyp ? read64(rd_base() + GICR_PROPBASER) : 0, 0, "IHI0069 GICR_PROPBASER",
                "RES0 without LPIs");
    gic_cpu_init();
}

static void delivery(void)
{
    gic_set_pending(SGI_A);
    check(gic_is_pending(SGI_A), "IHI0069 GICR_ISPENDR0", "an SGI is made pending by a write");
    check_eq(gic_ack1(), INTID_NONE, "IHI0069 GICR_ISENABLER0", "a disabled SGI is silent");
    gic_enable(SGI_A);
    check_eq(gic_poll(10000), SGI_A, "IHI0069 GICR_ISENABLER0", "and arrives once enabled");
    gic_eoi1(SGI_A);
    gic_set_pending(SGI_A);
    gic_clear_pending(SGI_A);
    check_eq(gic_poll(200), INTID_NONE, "IHI0069 GICR_ICPENDR0", "a pending SGI is taken back by ICPENDR0");
    gic_enable(PPI_A);
    gic_set_pending(PPI_A);
    check_eq(gic_poll(10000), PPI_A, "IHI0069 GICR_ISPENDR0", "a PPI made pending arrives");
    check(!gic_is_pending(PPI_A), "IHI0069 Interrupt handling states",
          "a latched PPI is not pending once acknowledged");
    gic_eoi1(PPI_A);
    gic_disable(PPI_A);
}

static uint64_t take_one(uint64_t us)
{
    uint32_t intid = gic_poll(us);
    if (intid < INTID_SPECIAL)
        gic_eoi1(intid);
    return intid;
}

/* What one core writes into another's redistributor happens there. */
static void from_another(void)
{
    if (cpu_count < 2) {
        check_skip("IHI0069 GICR_ISPENDR0", "another core's redistributor", NEEDS_CORES);
        return;
    }
    cores_ready();
    uint64_t there = cpus[1].redistributor;
    write32(there + GICR_ISENABLER0, BIT(PPI_B) | BIT(SGI_A));
    check_eq(read32(there + GICR_ISENABLER0), BIT(PPI_B) | BIT(SGI_A), "IHI0069 GICR_ISENABLER0",
             "another core's enables read back");
    check_eq(rd(GICR_ISENABLER0) & BIT(PPI_B), 0, "IHI0069 GICR_ISENABLER0", "and are not this core's");
    write32(there + GICR_ISPENDR0, BIT(PPI_B));
    check_eq(cpu_call(1, take_one, 100000), PPI_B, "IHI0069 GICR_ISPENDR0",
             "a PPI made pending by another core arrives");
    write32(there + GICR_ISPENDR0, BIT(SGI_A));
    check_eq(cpu_call(1, take_one, 100000), SGI_A, "IHI0069 GICR_ISPENDR0",
             "an SGI made pending by another core arrives");
    cpu_post(1, take_one, 100000);
    delay_us(500);
    write32(there + GICR_ISPENDR0, BIT(PPI_B));
    check(cpu_wait(1, 1000) && cpus[1].job_result == PPI_B, "IHI0069 GICR_ISPENDR0",
          "also while that core waits for it");
    write32(there + GICR_ISPENDR0, BIT(PPI_B));
    write32(there + GICR_ICPENDR0, BIT(PPI_B));
    check_eq(cpu_call(1, take_one, 300), INTID_NONE, "IHI0069 GICR_ICPENDR0", "and is taken back by another core");
    write32(there + GICR_ISACTIVER0, BIT(PPI_B));
    check_eq(read32(there + GICR_ICACTIVER0), BIT(PPI_B), "IHI0069 GICR_ISACTIVER0", "another core's active state");
    write32(there + GICR_ICACTIVER0, BIT(PPI_B));
    write8(there + GICR_IPRIORITYR + PPI_B, 0x40);
    check_eq(read8(there + GICR_IPRIORITYR + PPI_B), 0x40, "IHI0069 GICR_IPRIORITYR<n>", "another core's priorities");
    cpu_call(1, core_gic_init, 0);
}

static void gicr(void)
{
    if (gic_version() != 3) {
        check_skip("IHI0069", "the registers of a GICv3", NOT_A_GICV3);
        return;
    }
    identification();
    waker();
    registers();
    delivery();
    from_another();
}
SUBJECT(410, "gicr", gicr);
