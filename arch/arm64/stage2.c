/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/stage2.h"
#include "arch/arm64/sysreg.h"
#include "arch/arm64/tlb.h"

#include <errno.h>

/* VTCR_EL2. TG0 0 is 4 KiB; HA and HD stay 0: nothing is updated by hardware. */
#define VTCR_T0SZ FIELD(5, 0)
#define VTCR_SL0 FIELD(7, 6)
#define VTCR_IRGN0_WBWA BIT(8)
#define VTCR_ORGN0_WBWA BIT(10)
#define VTCR_SH0_INNER (UINT64_C(3) << 12)
#define VTCR_PS FIELD(18, 16)
#define VTCR_RES1 BIT(31)

#define MMFR0_PARANGE FIELD(3, 0)
#define MMFR0_TGRAN4 FIELD(31, 28)
#define MMFR0_TGRAN4_2 FIELD(43, 40)
#define PARANGE_48 5

#define TCR_EPD0 BIT(7)
#define TCR_EPD1 BIT(23)
#define SCTLR_M BIT(0)

unsigned stage2_pa_bits(unsigned parange)
{
    static const uint8_t bits[] = { 32, 36, 40, 42, 44, 48 };
    return bits[parange < PARANGE_48 ? parange : PARANGE_48];
}

unsigned stage2_parange(void)
{
    return (unsigned)field_get(MMFR0_PARANGE, read_sysreg(id_aa64mmfr0_el1));
}

bool stage2_granule_ok(uint64_t mmfr0)
{
    uint64_t stage2 = field_get(MMFR0_TGRAN4_2, mmfr0);
    if (stage2) /* 1: not supported, 2 and above: supported, 0: as TGran4 says for stage 1 */
        return stage2 >= 2;
    return field_get(MMFR0_TGRAN4, mmfr0) != 0xf;
}

/*
 * A table of level 2 resolves 30 bits, of level 1 39; up to 16 of them side by side (concatenated) save a level of every walk.
 * From 31 bits on the walk starts at level 1, so that 1 GiB blocks can be used. Level 0 is for cores with 44 bits and more.
 */
static void start_choose(unsigned ipa_bits, struct stage2_config *c)
{
    unsigned resolved = 48;
    c->start_level = 0;
    if (ipa_bits <= 30) {
        c->start_level = 2;
        resolved = 30;
    } else if (ipa_bits <= 43) {
        c->start_level = 1;
        resolved = 39;
    }
    c->root_pages = (uint8_t)(ipa_bits > resolved ? 1u << (ipa_bits - resolved) : 1);
}

int stage2_config(unsigned ipa_bits, unsigned parange, struct stage2_config *out)
{
    if (ipa_bits < 25)
        return -EINVAL;
    if (ipa_bits > stage2_pa_bits(parange))
        return -ERANGE;
    out->ipa_bits = (uint8_t)ipa_bits;
    start_choose(ipa_bits, out);
    out->vtcr = VTCR_RES1 | field_make(VTCR_PS, parange < PARANGE_48 ? parange : PARANGE_48) | VTCR_SH0_INNER |
                VTCR_ORGN0_WBWA | VTCR_IRGN0_WBWA | field_make(VTCR_SL0, 2 - out->start_level) |
                field_make(VTCR_T0SZ, 64 - ipa_bits);
    return 0;
}

uint64_t stage2_vttbr(pa_t root, uint16_t vmid)
{
    return (uint64_t)vmid << VTTBR_VMID_SHIFT | root.raw;
}

void stage2_store(struct pt *pt, uint64_t *entry, uint64_t value)
{
    (void)pt;
    __atomic_store_n(entry, value, __ATOMIC_RELAXED);
}

/* Pairs with the table walkers of all cores: they see the stores before it, or none that come after it. */
void stage2_publish(struct pt *pt)
{
    (void)pt;
    dsb_ishst();
}

static void range_invalidate(uint64_t ia, uint64_t size)
{
    if (size > STAGE2_TLBI_PAGES * PAGE_SIZE) {
        tlbi_vmalls12e1is();
        dsb_ish();
        return;
    }
    for (uint64_t at = ia; at < ia + size; at += PAGE_SIZE)
        tlbi_ipas2e1is(at);
    /* Only once the stage 2 entries are gone can no new combined entry be made of them. */
    dsb_ish();
    tlbi_vmalle1is();
    dsb_ish();
}

/*
 * TLB maintenance goes by the VMID in VTTBR_EL2, so another VM's is put there for as long as it takes. Meanwhile the registers of
 * stage 1 are still the first VM's: with EPD0, EPD1 and M set no core can begin a walk that would mix the two, speculatively
 * (Cortex-A72 erratum 1319367, A76 1165522) or not.
 */
static void foreign_invalidate(uint64_t vttbr, uint64_t loaded, uint64_t ia, uint64_t size)
{
    uint64_t tcr = read_sysreg(tcr_el1), sctlr = read_sysreg(sctlr_el1);
    write_sysreg(tcr_el1, tcr | TCR_EPD0 | TCR_EPD1);
    isb();
    write_sysreg(sctlr_el1, sctlr | SCTLR_M);
    isb();
    write_sysreg(vttbr_el2, vttbr);
    isb();
    range_invalidate(ia, size);
    write_sysreg(vttbr_el2, loaded);
    isb();
    write_sysreg(sctlr_el1, sctlr);
    isb();
    write_sysreg(tcr_el1, tcr);
    isb();
}

void stage2_invalidate(struct pt *pt, uint64_t ia, uint64_t size)
{
    uint64_t vttbr = stage2_vttbr(pt->ops->table_pa(pt, pt->root), pt->vmid);
    uint64_t loaded = read_sysreg(vttbr_el2);
    if (vttbr == loaded)
        range_invalidate(ia, size);
    else
        foreign_invalidate(vttbr, loaded, ia, size);
}
