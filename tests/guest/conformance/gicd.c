/* SPDX-License-Identifier: Apache-2.0 */
/* The distributor's registers: set and clear, reserved bits, what is RAZ/WI with affinity routing and one security state. */
#include "tests/guest/conformance/conformance.h"

/* SPIs that no device of these machines drives. */
#define SPI_A 200
#define SPI_B 201
#define BANK (SPI_A / 32)
#define MIN_INTIDS 256

static uint32_t rd(uint32_t offset)
{
    return read32(GICD + offset);
}

static void wr(uint32_t offset, uint32_t value)
{
    write32(GICD + offset, value);
    dsb(sy);
}

static void identification(void)
{
    uint32_t typer = rd(GICD_TYPER), lines = typer & 0x1f;
    bool hyp = tap_under_hypervisor();
    check(lines >= 1, "IHI0069 GICD_TYPER.ITLinesNumber", "there are SPIs");
    check_if(hyp, HYP_ONLY, 32 * (lines + 1) >= MIN_INTIDS, "IHI0069 GICD_TYPER.ITLinesNumber", "at least 224 SPIs");
    check_eq(typer & BIT(10), 0, "IHI0069 GICD_TYPER.SecurityExtn", "one security state");
    check_eq_if(hyp, HYP_ONLY, typer & BIT(17), 0, "IHI0069 GICD_TYPER.LPIS", "no LPIs");
    check((typer >> 19 & 0x1f) >= 9, "IHI0069 GICD_TYPER.IDbits", "10 bits of INTID at least");
    check_eq_if(hyp, HYP_ONLY, typer & BIT(8), 0, "IHI0069 GICD_TYPER.ESPI", "no extended SPIs");
    wr(GICD_TYPER, ~0u);
    check_eq(rd(GICD_TYPER), typer, "IHI0069 GICD_TYPER", "GICD_TYPER is read-only");
    uint32_t pidr2 = rd(GICD_PIDR2);
    check((pidr2 >> 4 & 0xf) == 3 || (pidr2 >> 4 & 0xf) == 4, "IHI0069 GICD_PIDR2.ArchRev", "GICv3 or GICv4");
    check_eq(rd(0xfff0) & 0xff, 0x0d, "IHI0069 Component identification registers", "GICD_CIDR0");
    check_eq(rd(0xfff4) & 0xff, 0xf0, "IHI0069 Component identification registers", "GICD_CIDR1");
    check_eq(rd(0xfff8) & 0xff, 0x05, "IHI0069 Component identification registers", "GICD_CIDR2");
    check_eq(rd(0xfffc) & 0xff, 0xb1, "IHI0069 Component identification registers", "GICD_CIDR3");
    uint32_t iidr = rd(GICD_IIDR);
    wr(GICD_IIDR, ~iidr);
    check_eq(rd(GICD_IIDR), iidr, "IHI0069 GICD_IIDR", "GICD_IIDR is read-only");
}

static void control(void)
{
    check_eq(rd(GICD_CTLR) & GICD_CTLR_DS, GICD_CTLR_DS, "IHI0069 GICD_CTLR.DS", "DS is 1");
    check_eq(rd(GICD_CTLR) & GICD_CTLR_ARE, GICD_CTLR_ARE, "IHI0069 GICD_CTLR.ARE", "affinity routing is on");
    wr(GICD_CTLR, GICD_CTLR_ARE);
    gicd_wait();
    check_eq(rd(GICD_CTLR) & (GICD_CTLR_GRP0 | GICD_CTLR_GRP1), 0, "IHI0069 GICD_CTLR", "both groups can be disabled");
    wr(GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GRP0);
    gicd_wait();
    check_eq(rd(GICD_CTLR) & 3, GICD_CTLR_GRP0, "IHI0069 GICD_CTLR.EnableGrp0", "group 0 alone");
    wr(GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GRP1);
    gicd_wait();
    check_eq(rd(GICD_CTLR) & 3, GICD_CTLR_GRP1, "IHI0069 GICD_CTLR.EnableGrp1", "group 1 alone");
    check_eq(rd(GICD_CTLR) & GICD_CTLR_RWP, 0, "IHI0069 GICD_CTLR.RWP", "writes complete");
    bool hyp = tap_under_hypervisor();
    wr(GICD_CTLR, GICD_CTLR_GRP0 | GICD_CTLR_GRP1);
    check_eq_if(hyp, HYP_ONLY, rd(GICD_CTLR) & GICD_CTLR_ARE, GICD_CTLR_ARE, "IHI0069 GICD_CTLR.ARE", "ARE is RAO/WI");
    wr(GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GRP0 | GICD_CTLR_GRP1 | UINT32_C(0x0fffff00));
    check_eq(rd(GICD_CTLR) & UINT32_C(0x7fffff08), 0, "IHI0069 GICD_CTLR", "reserved bits are RES0");
    wr(GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GRP0 | GICD_CTLR_GRP1);
    gicd_wait();
}

/* A pair of set and clear registers of one bank: write-one semantics, zero without effect. */
static void set_clear(uint32_t set, uint32_t clear, const char *section, const char *names[5])
{
    uint32_t s = set + 4 * BANK, c = clear + 4 * BANK;
    wr(c, ~0u);
    check_eq(rd(s), 0, section, names[0]);
    wr(s, 0x00010100);
    check_eq(rd(s), 0x00010100, section, names[1]);
    check_eq(rd(c), 0x00010100, section, names[2]);
    wr(s, 0);
    wr(c, 0);
    check_eq(rd(s), 0x00010100, section, names[3]);
    wr(c, 0x00000100);
    check_eq(rd(s), 0x00010000, section, names[4]);
    wr(c, ~0u);
}

static void set_clear_pairs(void)
{
    static const char *enable[] = { "all bits clear", "set by ones", "ICENABLER reads the same", "zeros do nothing",
                                    "cleared by ones" };
    static const char *pend[] = { "all bits clear", "set by ones", "ICPENDR reads the same", "zeros do nothing",
                                  "cleared by ones" };
    static const char *active[] = { "all bits clear", "set by ones", "ICACTIVER reads the same", "zeros do nothing",
                                    "cleared by ones" };
    set_clear(GICD_ISENABLER, GICD_ICENABLER, "IHI0069 GICD_ISENABLER<n>, GICD_ICENABLER<n>", enable);
    set_clear(GICD_ISPENDR, GICD_ICPENDR, "IHI0069 GICD_ISPENDR<n>, GICD_ICPENDR<n>", pend);
    set_clear(GICD_ISACTIVER, GICD_ICACTIVER, "IHI0069 GICD_ISACTIVER<n>, GICD_ICACTIVER<n>", active);
}

/* With affinity routing, INTIDs 0-31 live in the redistributors: their place here is RES0. */
static void private_area(void)
{
    static const struct {
        uint32_t offset;
        const char *section, *name;
    } zero[] = {
        { GICD_IGROUPR, "IHI0069 GICD_IGROUPR<n>", "GICD_IGROUPR0 is RAZ/WI" },
        { GICD_ISENABLER, "IHI0069 GICD_ISENABLER<n>", "GICD_ISENABLER0 is RAZ/WI" },
        { GICD_ICENABLER, "IHI0069 GICD_ICENABLER<n>", "GICD_ICENABLER0 is RAZ/WI" },
        { GICD_ISPENDR, "IHI0069 GICD_ISPENDR<n>", "GICD_ISPENDR0 is RAZ/WI" },
        { GICD_ISACTIVER, "IHI0069 GICD_ISACTIVER<n>", "GICD_ISACTIVER0 is RAZ/WI" },
        { GICD_IPRIORITYR, "IHI0069 GICD_IPRIORITYR<n>", "GICD_IPRIORITYR0 is RAZ/WI" },
        { GICD_IPRIORITYR + 28, "IHI0069 GICD_IPRIORITYR<n>", "GICD_IPRIORITYR7 is RAZ/WI" },
        { GICD_ITARGETSR, "IHI0069 GICD_ITARGETSR<n>", "GICD_ITARGETSR0 is RAZ/WI" },
        { GICD_ITARGETSR + SPI_A, "IHI0069 GICD_ITARGETSR<n>", "GICD_ITARGETSR of an SPI is RAZ/WI" },
        { GICD_ICFGR, "IHI0069 GICD_ICFGR<n>", "GICD_ICFGR0 is RAZ/WI" },
        { GICD_ICFGR + 4, "IHI0069 GICD_ICFGR<n>", "GICD_ICFGR1 is RAZ/WI" },
        { GICD_IGRPMODR + 4 * BANK, "IHI0069 GICD_IGRPMODR<n>", "GICD_IGRPMODR is RAZ/WI with DS 1" },
        { GICD_NSACR + SPI_A / 16 * 4, "IHI0069 GICD_NSACR<n>", "GICD_NSACR is RAZ/WI with DS 1" },
        { GICD_SGIR, "IHI0069 GICD_SGIR", "GICD_SGIR does nothing" },
        { GICD_CPENDSGIR, "IHI0069 GICD_CPENDSGIR<n>", "GICD_CPENDSGIR0 is RAZ/WI" },
        { GICD_SPENDSGIR, "IHI0069 GICD_SPENDSGIR<n>", "GICD_SPENDSGIR0 is RAZ/WI" },
    };
    for (unsigned int i = 0; i < ARRAY_LEN(zero); i++) {
        wr(zero[i].offset, zero[i].offset == GICD_SGIR ? 0x02000001 : ~0u);
        check_eq(rd(zero[i].offset), 0, zero[i].section, zero[i].name);
        wr(zero[i].offset, 0);
    }
    check_eq(gic_ack1(), INTID_NONE, "IHI0069 GICD_SGIR", "GICD_SGIR sends nothing");
}

static void beyond(void)
{
    uint32_t lines = (rd(GICD_TYPER) & 0x1f) + 1;
    if (lines >= 32) {
        check_skip("IHI0069 GICD_TYPER.ITLinesNumber", "banks beyond the last INTID are RAZ/WI",
                   "all INTIDs implemented");
        return;
    }
    wr(GICD_ISENABLER + 4 * lines, ~0u);
    wr(GICD_ISPENDR + 4 * lines, ~0u);
    wr(GICD_IPRIORITYR + 32 * lines, ~0u);
    check_eq(rd(GICD_ISENABLER + 4 * lines), 0, "IHI0069 GICD_TYPER.ITLinesNumber",
             "enables beyond the last INTID are RAZ/WI");
    check_eq(rd(GICD_ISPENDR + 4 * lines), 0, "IHI0069 GICD_TYPER.ITLinesNumber",
             "pending beyond the last INTID is RAZ/WI");
    check_eq(rd(GICD_IPRIORITYR + 32 * lines), 0, "IHI0069 GICD_TYPER.ITLinesNumber",
             "priorities beyond the last INTID are RAZ/WI");
}

static void priorities(void)
{
    uint64_t at = GICD + GICD_IPRIORITYR + SPI_A;
    write32(at, ~0u);
    uint32_t mask = read8(at);
    check((mask & 0xf0) == 0xf0 && ((~mask & 0xff) & ((~mask & 0xff) + 1)) == 0, "IHI0069 Interrupt prioritization",
          "16 priorities or more, bits from the top");
    check_eq_if(tap_under_hypervisor(), HYP_ONLY, mask, 0xf8, "IHI0069 ICC_CTLR_EL1.PRIbits", "5 bits of priority");
    write32(at, 0x10203040);
    check_eq(read32(at), 0x10203040, "IHI0069 GICD_IPRIORITYR<n>", "a word of four priorities");
    check_eq(read8(at + 3), 0x10, "IHI0069 GICD_IPRIORITYR<n>", "byte read of the last");
    write8(at + 1, 0x80);
    check_eq(read32(at), 0x10208040, "IHI0069 GICD_IPRIORITYR<n>", "byte write changes one");
    write32(at, 0xa0a0a0a0);
}

static void configuration(void)
{
    uint32_t at = GICD_ICFGR + SPI_A / 16 * 4;
    uint32_t before = rd(at);
    wr(at, ~0u);
    uint32_t ones = rd(at);
    wr(at, 0);
    uint32_t zeros = rd(at);
    check_eq((ones | zeros) & 0x55555555, 0, "IHI0069 GICD_ICFGR<n>", "bit 0 of each field is RES0");
    check_eq_if(tap_under_hypervisor(), HYP_ONLY, ones, 0xaaaaaaaa, "IHI0069 GICD_ICFGR<n>",
                "SPIs can be edge-triggered");
    check_eq_if(tap_under_hypervisor(), HYP_ONLY, zeros, 0, "IHI0069 GICD_ICFGR<n>", "SPIs can be level-sensitive");
    wr(at, before);
    uint32_t group = GICD_IGROUPR + 4 * BANK;
    wr(group, 0x5a5a5a5a);
    check_eq(rd(group), 0x5a5a5a5a, "IHI0069 GICD_IGROUPR<n>", "groups hold");
    wr(group, ~0u);
}

static void routing_register(void)
{
    uint64_t at = GICD + GICD_IROUTER + 8 * SPI_A;
    write64(at, UINT64_C(0xff00ffffff));
    check_eq(read64(at) & ~UINT64_C(0xff00ffffff), 0, "IHI0069 GICD_IROUTER<n>", "reserved bits of a router are RES0");
    write64(at, ~UINT64_C(0));
    check_eq_if(tap_under_hypervisor(), HYP_ONLY, read64(at) & ~(UINT64_C(0xff00ffffff) | IROUTER_IRM), 0,
                "IHI0069 GICD_IROUTER<n>", "reserved bits stay RES0");
    write32(at, 2);
    write32(at + 4, 0);
    check_eq(read64(at), 2, "IHI0069 GICD_IROUTER<n>", "a router is written by halves");
    check_eq(read32(at) | (uint64_t)read32(at + 4) << 32, 2, "IHI0069 GICD_IROUTER<n>", "a router is read by halves");
    write64(at, this_cpu()->mpidr);
    write64(GICD + GICD_IROUTER, ~UINT64_C(0));
    check_eq(read64(GICD + GICD_IROUTER), 0, "IHI0069 GICD_IROUTER<n>", "routers 0-31 are reserved: RAZ/WI");
}

static uint64_t reads_of(uint64_t offset, uint64_t unused)
{
    (void)unused;
    return read32(GICD + offset);
}

static void reserved(void)
{
    static const uint32_t offsets[] = { 0x0010, 0x0014, 0x0044, 0x0064, 0x007c, 0x0bfc,
                                        0x1f00, 0x5ffc, 0x8000, 0xbffc, 0xc800, 0xff00 };
    bool aborted = false, other = false;
    for (unsigned int i = 0; i < ARRAY_LEN(offsets); i++) {
        struct exception e = exception_catch(reads_of, offsets[i], 0);
        aborted |= e.taken;
        other |= e.result != 0;
    }
    check(!aborted, "IHI0069 GIC memory-mapped register access", "reserved offsets do not abort");
    check(!other, "IHI0069 GIC memory-mapped register access", "reserved offsets read as zero");
    if (rd(GICD_TYPER) & BIT(16)) {
        gic_set_edge(SPI_A, true);
        wr(GICD_SETSPI_NSR, SPI_A);
        bool set = gic_is_pending(SPI_A);
        wr(GICD_CLRSPI_NSR, SPI_A);
        check(set && !gic_is_pending(SPI_A), "IHI0069 GICD_SETSPI_NSR", "message-based SPIs");
    } else {
        wr(GICD_SETSPI_NSR, SPI_A);
        check(!gic_is_pending(SPI_A), "IHI0069 GICD_TYPER.MBIS", "GICD_SETSPI_NSR does nothing without MBIS");
    }
    gic_clear_pending(SPI_A);
}

static void states(void)
{
    gic_set_edge(SPI_A, true);
    gic_set_pending(SPI_A);
    check_eq(gic_poll(100), INTID_NONE, "IHI0069 GICD_ISENABLER<n>", "a disabled SPI stays pending and silent");
    check(gic_is_pending(SPI_A), "IHI0069 GICD_ISPENDR<n>", "it is still pending");
    gic_enable(SPI_A);
    check_eq(gic_poll(10000), SPI_A, "IHI0069 GICD_ISENABLER<n>", "enabling delivers it");
    check(!gic_is_pending(SPI_A), "IHI0069 Interrupt handling states",
          "an edge is no longer pending once acknowledged");
    check(gic_is_active(SPI_A), "IHI0069 GICD_ISACTIVER<n>", "it is active");
    gic_set_pending(SPI_A);
    check(gic_is_pending(SPI_A) && gic_is_active(SPI_A), "IHI0069 Interrupt handling states", "active and pending");
    check_eq(gic_ack1(), INTID_NONE, "IHI0069 Interrupt handling states", "not delivered while active");
    gic_eoi1(SPI_A);
    check_eq(gic_poll(10000), SPI_A, "IHI0069 Interrupt handling states", "delivered after EOI");
    gic_clear_active(SPI_A);
    check(!gic_is_active(SPI_A), "IHI0069 GICD_ICACTIVER<n>", "ICACTIVER makes it inactive");
    gic_eoi1(SPI_A);
    gic_set_active(SPI_B);
    gic_enable(SPI_B);
    gic_set_pending(SPI_B);
    check_eq(gic_poll(200), INTID_NONE, "IHI0069 GICD_ISACTIVER<n>", "an SPI made active by hand is not delivered");
    gic_clear_active(SPI_B);
    check_eq(gic_poll(10000), SPI_B, "IHI0069 GICD_ICACTIVER<n>", "and is, once made inactive");
    gic_eoi1(SPI_B);
    wr(GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GRP0);
    gicd_wait();
    gic_set_pending(SPI_A);
    check_eq(gic_poll(200), INTID_NONE, "IHI0069 GICD_CTLR.EnableGrp1", "nothing of group 1 while it is disabled");
    wr(GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GRP0 | GICD_CTLR_GRP1);
    gicd_wait();
    check_eq(gic_poll(10000), SPI_A, "IHI0069 GICD_CTLR.EnableGrp1", "delivered when it is enabled");
    gic_eoi1(SPI_A);
}

static void gicd(void)
{
    if (gic_version() != 3) {
        check_skip("IHI0069", "the registers of a GICv3", NOT_A_GICV3);
        return;
    }
    identification();
    control();
    set_clear_pairs();
    private_area();
    beyond();
    priorities();
    configuration();
    routing_register();
    reserved();
    gic_init();
    states();
}
SUBJECT(400, "gicd", gicd);
