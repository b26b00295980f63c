/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/idregs.h"

/* A register's row: fields passed on from the core, and fields set. What is in neither reads as zero: hidden, or not allocated. */
struct idreg {
    uint8_t crm, op2;
    uint64_t keep, set;
};

#define PFR0_CSV2 FIELD(59, 56)
#define MMFR1_HAFDBS FIELD(3, 0)
#define MMFR2_VARANGE FIELD(19, 16)
#define F(hi, lo) FIELD(hi, lo)
#define ALL FIELD(63, 0)

/*
 * Hidden: SVE, SME, MTE, PMU, SPE, trace, AMU, MPAM, RAS, pointer authentication, nested virtualisation, transactional memory, everything that needs
 * HCRX_EL2 or a fine-grained control, and EL3 and AArch32 EL1, which a guest does not have. That there is an EL2 above it is shown: HVC works, and
 * CNTFRQ_EL0, writable at the highest level alone, is not. Zephyr's reset writes it unless a higher level is told of.
 */
static const struct idreg idregs[] = {
    /* AArch32, as EL0 sees it. ID_PFR0, ID_PFR1 (no Security, Virtualization, GenTimer kept), ID_DFR0 (no trace, no PMU) */
    { 1, 0, F(15, 0) | F(27, 24), 0 },
    { 1, 1, F(3, 0) | F(11, 8) | F(19, 16), 0 },
    { 1, 2, F(11, 0), 0 },
    { 1, 4, F(31, 0), 0 },
    { 1, 5, F(31, 0), 0 },
    { 1, 6, F(31, 0), 0 },
    { 1, 7, F(31, 0), 0 },
    { 2, 0, F(31, 0), 0 },
    { 2, 1, F(31, 0), 0 },
    { 2, 2, F(31, 0), 0 },
    { 2, 3, F(31, 0), 0 },
    { 2, 4, F(31, 0), 0 },
    { 2, 5, F(31, 0), 0 },
    { 2, 6, F(31, 0), 0 },
    { 2, 7, F(31, 0), 0 },
    /* MVFR0-2, ID_PFR2 (CSV3, SSBS), ID_DFR1, ID_MMFR5 */
    { 3, 0, F(31, 0), 0 },
    { 3, 1, F(31, 0), 0 },
    { 3, 2, F(31, 0), 0 },
    { 3, 4, F(7, 0), 0 },
    { 3, 6, F(3, 0), 0 },
    /* ID_AA64PFR0: EL0, EL1 and EL2 AArch64 only, FP, AdvSIMD, GIC system registers, DIT, CSV2, CSV3 */
    { 4, 0, F(3, 0) | F(23, 16) | F(27, 24) | F(51, 48) | F(63, 56), F(4, 4) | F(8, 8) },
    /* ID_AA64PFR1: BT, SSBS */
    { 4, 1, F(7, 0), 0 },
    /* ID_AA64DFR0: DebugVer, BRPs, WRPs, CTX_CMPs, DoubleLock */
    { 5, 0, F(3, 0) | F(15, 12) | F(23, 20) | F(31, 28) | F(39, 36), 0 },
    /* ID_AA64ISAR0: all but TME */
    { 6, 0, ALL & ~F(27, 24), 0 },
    /* ID_AA64ISAR1: not APA, API, GPA, GPI, XS, LS64 */
    { 6, 1, F(3, 0) | F(23, 12) | F(55, 32), 0 },
    /* ID_AA64ISAR2: WFxT, RPRES, CLRBHB */
    { 6, 2, F(7, 0) | F(31, 28), 0 },
    /* ID_AA64MMFR0: PARange set below, ASIDBits, BigEnd, SNSMem, BigEndEL0, TGran16, TGran64, TGran4, ExS */
    { 7, 0, F(11, 4) | F(31, 16) | F(47, 44), 0 },
    /* ID_AA64MMFR1: HAFDBS, HPDS, PAN, SpecSEI, XNX, ETS, AFP */
    { 7, 1, F(3, 0) | F(15, 12) | F(31, 20) | F(39, 36) | F(47, 44), 0 },
    /* ID_AA64MMFR2: CnP, UAO, LSM, VARange, CCIDX, ST, AT, IDS, TTL, BBM, E0PD */
    { 7, 2, F(11, 0) | F(23, 16) | F(31, 28) | F(39, 32) | F(55, 48) | F(63, 60), 0 },
};

/* ID_AA64MMFR0_EL1.PARange of an IPA size. */
static uint64_t parange_of(unsigned ipa_bits)
{
    static const uint8_t bits[] = { 32, 36, 40, 42, 44, 48 };
    uint64_t n = 0;
    while (n + 1 < ARRAY_LEN(bits) && bits[n + 1] <= ipa_bits)
        n++;
    return n;
}

uint64_t idreg_with_pmu(unsigned crm, unsigned op2, uint64_t value, uint64_t version)
{
    if (crm == 5 && op2 == 0)
        return field_set(FIELD(11, 8), value, version);
    if (crm == 1 && op2 == 2) /* PerfMon has the same numbers, but for PMUv3 itself */
        return field_set(FIELD(27, 24), value, version == 1 ? 3 : version);
    return value;
}

uint64_t idreg_guest(unsigned crm, unsigned op2, uint64_t host, unsigned ipa_bits)
{
    for (unsigned i = 0; i < ARRAY_LEN(idregs); i++) {
        const struct idreg *r = &idregs[i];
        if (r->crm != crm || r->op2 != op2)
            continue;
        uint64_t v = (host & r->keep) | r->set;
        /* CSV2 from 2 on promises SCXTNUM_ELx, which is not switched. */
        if (crm == 4 && op2 == 0 && field_get(PFR0_CSV2, v) > 1)
            v = field_set(PFR0_CSV2, v, 1);
        /* HAFDBS 3 and 4 want TCR2_EL1, VARange 2 tables of 128-bit entries: neither is there. */
        if (crm == 7 && op2 == 1 && field_get(MMFR1_HAFDBS, v) > 2)
            v = field_set(MMFR1_HAFDBS, v, 2);
        if (crm == 7 && op2 == 2 && field_get(MMFR2_VARANGE, v) > 1)
            v = field_set(MMFR2_VARANGE, v, 1);
        if (crm == 7 && op2 == 0) {
            uint64_t own = field_get(FIELD(3, 0), host), ipa = parange_of(ipa_bits);
            v |= own < ipa ? own : ipa;
        }
        return v;
    }
    return 0;
}
