/* SPDX-License-Identifier: Apache-2.0 */
/* GICv2's distributor: identification, banked registers, targets, what is fixed. Without the Security Extensions. */
#include "tests/guest/conformance/conformance.h"

#define SPI_A 200
#define BANK (SPI_A / 32)
#define PPI_A 21 /* no device of these machines has it */
#define SGIS 0xffffu
#define BYTES 0x01010101u

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
    check(lines >= 1, "IHI0048 4.3.2 GICD_TYPER.ITLinesNumber", "there are SPIs");
    check_eq(typer >> 5 & 7, cpu_count - 1, "IHI0048 4.3.2 GICD_TYPER.CPUNumber", "one CPU interface a core");
    check_eq(typer & BIT(10), 0, "IHI0048 4.3.2 GICD_TYPER.SecurityExtn", "no Security Extensions");
    check_eq_if(tap_under_hypervisor(), HYP_ONLY, typer & ~0xffu, 0, "IHI0048 4.3.2 GICD_TYPER",
                "no lockable SPIs, RES0");
    wr(GICD_TYPER, ~0u);
    check_eq(rd(GICD_TYPER), typer, "IHI0048 4.3.2 GICD_TYPER", "GICD_TYPER is read-only");
    uint32_t iidr = rd(GICD_IIDR);
    wr(GICD_IIDR, ~iidr);
    check_eq(rd(GICD_IIDR), iidr, "IHI0048 4.3.3 GICD_IIDR", "GICD_IIDR is read-only");
    check_eq(rd(GICD_V2_PIDR2) >> 4 & 0xf, 2, "IHI0048 4.3.18 ICPIDR2.ArchRev", "GICv2");
    check_eq(rd(0xff0) & 0xff, 0x0d, "IHI0048 4.3.18 Identification registers", "ICCIDR0");
    check_eq(rd(0xff4) & 0xff, 0xf0, "IHI0048 4.3.18 Identification registers", "ICCIDR1");
    check_eq(rd(0xff8) & 0xff, 0x05, "IHI0048 4.3.18 Identification registers", "ICCIDR2");
    check_eq(rd(0xffc) & 0xff, 0xb1, "IHI0048 4.3.18 Identification registers", "ICCIDR3");
}

static void control(void)
{
    static const uint32_t groups[] = { 0, GICD_CTLR_GRP0, GICD_CTLR_GRP1, GICD_CTLR_GRP0 | GICD_CTLR_GRP1 };
    static const char *const names[] = { "both groups off", "group 0 alone", "group 1 alone", "both groups on" };
    for (unsigned int i = 0; i < ARRAY_LEN(groups); i++) {
        wr(GICD_CTLR, groups[i]);
        check_eq(rd(GICD_CTLR) & 3, groups[i], "IHI0048 4.3.1 GICD_CTLR", names[i]);
    }
    wr(GICD_CTLR, ~0u);
    check_eq_if(tap_under_hypervisor(), HYP_ONLY, rd(GICD_CTLR), 3, "IHI0048 4.3.1 GICD_CTLR",
                "the other bits are RES0");
    wr(GICD_CTLR, 3);
}

/* A pair of set and clear registers: write-one semantics, zero without effect. */
static void set_clear(uint32_t set, uint32_t clear, const char *section)
{
    uint32_t s = set + 4 * BANK, c = clear + 4 * BANK;
    wr(c, ~0u);
    check_eq(rd(s), 0, section, "all bits clear");
    wr(s, 0x00010100);
    check(rd(s) == 0x00010100 && rd(c) == 0x00010100, section, "set by ones, both read the same");
    wr(s, 0);
    wr(c, 0);
    check_eq(rd(s), 0x00010100, section, "zeros do nothing");
    wr(c, 0x00000100);
    check_eq(rd(s), 0x00010000, section, "cleared by ones");
    wr(c, ~0u);
    check_eq(rd(s), 0, section, "and all of them");
}

static uint64_t private_enables(uint64_t enable)
{
    wr(GICD_ISENABLER, (uint32_t)enable);
    return rd(GICD_ISENABLER) & BIT(PPI_A);
}

/* Interrupts 0 to 31: each core has its own. */
static void banked(void)
{
    check_eq(rd(GICD_ISENABLER) & SGIS, SGIS, "IHI0048 4.3.5 GICD_ISENABLER0", "SGIs are enabled");
    wr(GICD_ICENABLER, ~0u);
    check_eq(rd(GICD_ISENABLER), SGIS, "IHI0048 4.3.6 GICD_ICENABLER0", "SGIs cannot be disabled, PPIs can");
    wr(GICD_ISENABLER, BIT(PPI_A));
    check_eq(rd(GICD_ICENABLER), SGIS | BIT(PPI_A), "IHI0048 4.3.5 GICD_ISENABLER0", "a PPI is enabled");
    wr(GICD_ISPENDR, 0x8);
    check_eq(rd(GICD_ISPENDR) & SGIS, 0, "IHI0048 4.3.7 GICD_ISPENDR0", "an SGI is not made pending there");
    check_eq(rd(GICD_ICFGR), 0xaaaaaaaa, "IHI0048 4.3.13 GICD_ICFGR0", "SGIs are edge-triggered");
    wr(GICD_ICFGR, 0);
    check_eq(rd(GICD_ICFGR), 0xaaaaaaaa, "IHI0048 4.3.13 GICD_ICFGR0", "and stay so");
    write8(GICD + GICD_IPRIORITYR + PPI_A, 0x40);
    check_eq(read8(GICD + GICD_IPRIORITYR + PPI_A), 0x40, "IHI0048 4.3.11 GICD_IPRIORITYR<n>", "a PPI's priority");
    bool apart = true;
    for (unsigned int i = 1; i < cpu_count; i++) {
        apart &= cpu_call(i, private_enables, 0) == 0;
        apart &= cpu_call(i, private_enables, BIT(PPI_A)) != 0;
    }
    check_if(cpu_count > 1, NEEDS_CORES, apart, "IHI0048 4.3.5 GICD_ISENABLER0", "the other cores have their own");
    wr(GICD_ICENABLER, ~0u);
}

static uint64_t own_targets(uint64_t word)
{
    return read32(GICD + GICD_ITARGETSR + 4 * word);
}

/* Those of SGIs and PPIs say who reads them. */
static void own_target(void)
{
    uint32_t seen = 0;
    bool one = true, same = true;
    for (unsigned int i = 0; i < cpu_count; i++) {
        uint64_t first = cpu_call(i, own_targets, 0), bit = first & 0xff;
        one &= bit && !(bit & (bit - 1)) && !(seen & bit);
        seen |= (uint32_t)bit;
        for (uint64_t word = 0; word < 4; word++)
            same &= cpu_call(i, own_targets, word) == bit * BYTES;
    }
    check(one, "IHI0048 4.3.12 GICD_ITARGETSR0", "each core reads one bit, its own");
    check(same, "IHI0048 4.3.12 GICD_ITARGETSR0-3", "the same in every byte");
    uint32_t before = rd(GICD_ITARGETSR);
    wr(GICD_ITARGETSR, ~before);
    check_eq(rd(GICD_ITARGETSR), before, "IHI0048 4.3.12 GICD_ITARGETSR0-7", "they are read-only");
}

static void spi_targets(void)
{
    uint64_t at = GICD + GICD_ITARGETSR + SPI_A;
    uint32_t all = (1u << cpu_count) - 1;
    write32(at, 0xffffffff);
    check_eq_if(tap_under_hypervisor(), HYP_ONLY, read32(at), all * BYTES, "IHI0048 4.3.12 GICD_ITARGETSR<n>",
                "an SPI has a bit for each core that is");
    write32(at, 0);
    write8(at + 2, 2);
    check_eq(read32(at), 0x00020000, "IHI0048 4.3.12 GICD_ITARGETSR<n>", "a byte write changes one");
    check_eq(read8(at + 2), 2, "IHI0048 4.3.12 GICD_ITARGETSR<n>", "a byte read");
    write32(at, 0x01020201);
    check_eq(read32(at), 0x01020201, "IHI0048 4.3.12 GICD_ITARGETSR<n>", "a word of four targets");
}

static void targets(void)
{
    if (cpu_count > 1) {
        own_target();
        spi_targets();
        return;
    }
    wr(GICD_ITARGETSR + SPI_A, ~0u);
    check_eq(rd(GICD_ITARGETSR) | rd(GICD_ITARGETSR + SPI_A), 0, "IHI0048 4.3.12 GICD_ITARGETSR<n>",
             "RAZ/WI with one core");
}

static void fields(void)
{
    uint64_t at = GICD + GICD_IPRIORITYR + SPI_A;
    bool hyp = tap_under_hypervisor();
    write32(at, ~0u);
    check_eq_if(hyp, HYP_ONLY, read32(at), 0xf8f8f8f8, "IHI0048 4.3.11 GICD_IPRIORITYR<n>", "5 bits of priority");
    write32(at, 0x10203040);
    write8(at + 1, 0x80);
    check(read32(at) == 0x10208040 && read8(at + 3) == 0x10, "IHI0048 4.3.11 GICD_IPRIORITYR<n>", "by words and bytes");
    wr(GICD_ICFGR + SPI_A / 16 * 4, ~0u);
    check_eq(rd(GICD_ICFGR + SPI_A / 16 * 4) & 0xaaaaaaaa, 0xaaaaaaaa, "IHI0048 4.3.13 GICD_ICFGR<n>",
             "SPIs can be edge-triggered");
    check_eq_if(hyp, HYP_ONLY, rd(GICD_ICFGR + SPI_A / 16 * 4) & 0x55555555, 0, "IHI0048 4.3.13 GICD_ICFGR<n>",
                "bit 0 of each field is RES0");
    wr(GICD_ICFGR + SPI_A / 16 * 4, 0);
    check_eq(rd(GICD_ICFGR + SPI_A / 16 * 4) & 0xaaaaaaaa, 0, "IHI0048 4.3.13 GICD_ICFGR<n>",
             "SPIs can be level-sensitive");
    wr(GICD_IGROUPR + 4 * BANK, 0x5a5a5a5a);
    check_eq(rd(GICD_IGROUPR + 4 * BANK), 0x5a5a5a5a, "IHI0048 4.3.4 GICD_IGROUPR<n>", "groups hold");
}

static uint64_t reads_of(uint64_t offset, uint64_t unused)
{
    (void)unused;
    return read32(GICD + offset);
}

static void reserved(void)
{
    static const uint32_t offsets[] = { 0x00c, 0x020, 0x07c, 0x7fc, 0xbfc, 0xe00, 0xf04, 0xf30 };
    uint32_t lines = (rd(GICD_TYPER) & 0x1f) + 1;
    bool clean = true;
    for (unsigned int i = 0; i < ARRAY_LEN(offsets); i++) {
        struct exception e = exception_catch(reads_of, offsets[i], 0);
        clean &= !e.taken && e.result == 0;
    }
    check_if(tap_under_hypervisor(), HYP_ONLY, clean, "IHI0048 4.1.2 Distributor register map",
             "what is reserved reads as zero");
    wr(GICD_ISENABLER + 4 * lines, ~0u);
    wr(GICD_IPRIORITYR + 32 * lines, ~0u);
    check_eq(rd(GICD_ISENABLER + 4 * lines) | rd(GICD_IPRIORITYR + 32 * lines), 0,
             "IHI0048 4.3.2 GICD_TYPER.ITLinesNumber", "what is beyond the last interrupt is RAZ/WI");
}

static void gicv2(void)
{
    if (gic_version() != 2) {
        check_skip("IHI0048", "the registers of a GICv2", NOT_A_GICV2);
        return;
    }
    if (cpu_count > 1)
        cores_ready();
    identification();
    control();
    set_clear(GICD_ISENABLER, GICD_ICENABLER, "IHI0048 4.3.5 GICD_ISENABLER<n>, GICD_ICENABLER<n>");
    set_clear(GICD_ISPENDR, GICD_ICPENDR, "IHI0048 4.3.7 GICD_ISPENDR<n>, GICD_ICPENDR<n>");
    set_clear(GICD_ISACTIVER, GICD_ICACTIVER, "IHI0048 4.3.9 GICD_ISACTIVER<n>, GICD_ICACTIVER<n>");
    banked();
    targets();
    fields();
    reserved();
    for (unsigned int i = 0; i < cpu_count; i++)
        cpu_call(i, core_gic_init, 0);
}
SUBJECT(402, "gicv2", gicv2);
