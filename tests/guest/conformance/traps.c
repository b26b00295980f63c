/* SPDX-License-Identifier: Apache-2.0 */
/* A register whose feature the ID registers do not offer is UNDEFINED, one that they offer is there. */
#include "tests/guest/conformance/conformance.h"

/* When `field` of the ID register S3_0_C0_C<crm>_<op2> is below `least` (or 0xf where that means none), it is UNDEFINED. */
struct feature_register {
    const char *section, *name;
    uint32_t sysreg;
    uint8_t id_crm, id_op2, field, least;
    bool none_is_f;
};

/* EL2 has no control that traps these (bits of PSTATE, DISR_EL1, the self-synchronised counters): where it hides them, they stay. */
static bool is_untrappable(uint32_t sysreg)
{
    static const uint32_t registers[] = {
        SYSREG(3, 3, 4, 2, 7),  SYSREG(3, 0, 4, 2, 3),  SYSREG(3, 0, 4, 2, 4),  SYSREG(3, 3, 4, 2, 5),
        SYSREG(3, 0, 12, 1, 1), SYSREG(3, 3, 14, 0, 5), SYSREG(3, 3, 14, 0, 6),
    };
    for (unsigned int i = 0; i < ARRAY_LEN(registers); i++) {
        if (registers[i] == sysreg)
            return true;
    }
    return false;
}

static const struct feature_register features[] = {
    { "DDI0487 ZCR_EL1", "ZCR_EL1 follows ID_AA64PFR0_EL1.SVE", SYSREG(3, 0, 1, 2, 0), 4, 0, 32, 1, false },
    { "DDI0487 SMCR_EL1", "SMCR_EL1 follows ID_AA64PFR1_EL1.SME", SYSREG(3, 0, 1, 2, 6), 4, 1, 24, 1, false },
    { "DDI0487 SMIDR_EL1", "SMIDR_EL1 follows ID_AA64PFR1_EL1.SME", SYSREG(3, 1, 0, 0, 6), 4, 1, 24, 1, false },
    { "DDI0487 TPIDR2_EL0", "TPIDR2_EL0 follows ID_AA64PFR1_EL1.SME", SYSREG(3, 3, 13, 0, 5), 4, 1, 24, 1, false },
    { "DDI0487 SVCR", "SVCR follows ID_AA64PFR1_EL1.SME", SYSREG(3, 3, 4, 2, 2), 4, 1, 24, 1, false },
    { "DDI0487 GCR_EL1", "GCR_EL1 follows ID_AA64PFR1_EL1.MTE", SYSREG(3, 0, 1, 0, 6), 4, 1, 8, 2, false },
    { "DDI0487 RGSR_EL1", "RGSR_EL1 follows ID_AA64PFR1_EL1.MTE", SYSREG(3, 0, 1, 0, 5), 4, 1, 8, 2, false },
    { "DDI0487 TFSR_EL1", "TFSR_EL1 follows ID_AA64PFR1_EL1.MTE", SYSREG(3, 0, 5, 6, 0), 4, 1, 8, 2, false },
    { "DDI0487 TFSRE0_EL1", "TFSRE0_EL1 follows ID_AA64PFR1_EL1.MTE", SYSREG(3, 0, 5, 6, 1), 4, 1, 8, 2, false },
    { "DDI0487 GMID_EL1", "GMID_EL1 follows ID_AA64PFR1_EL1.MTE", SYSREG(3, 1, 0, 0, 4), 4, 1, 8, 2, false },
    { "DDI0487 TCO", "PSTATE.TCO follows ID_AA64PFR1_EL1.MTE", SYSREG(3, 3, 4, 2, 7), 4, 1, 8, 1, false },
    { "DDI0487 LORC_EL1", "LORC_EL1 follows ID_AA64MMFR1_EL1.LO", SYSREG(3, 0, 10, 4, 3), 7, 1, 16, 1, false },
    { "DDI0487 LORSA_EL1", "LORSA_EL1 follows ID_AA64MMFR1_EL1.LO", SYSREG(3, 0, 10, 4, 0), 7, 1, 16, 1, false },
    { "DDI0487 LORID_EL1", "LORID_EL1 follows ID_AA64MMFR1_EL1.LO", SYSREG(3, 0, 10, 4, 7), 7, 1, 16, 1, false },
    { "DDI0487 PAN", "PSTATE.PAN follows ID_AA64MMFR1_EL1.PAN", SYSREG(3, 0, 4, 2, 3), 7, 1, 20, 1, false },
    { "DDI0487 UAO", "PSTATE.UAO follows ID_AA64MMFR2_EL1.UAO", SYSREG(3, 0, 4, 2, 4), 7, 2, 4, 1, false },
    { "DDI0487 DIT", "PSTATE.DIT follows ID_AA64PFR0_EL1.DIT", SYSREG(3, 3, 4, 2, 5), 4, 0, 48, 1, false },
    { "DDI0487 ERRIDR_EL1", "ERRIDR_EL1 follows ID_AA64PFR0_EL1.RAS", SYSREG(3, 0, 5, 3, 0), 4, 0, 28, 1, false },
    { "DDI0487 DISR_EL1", "DISR_EL1 follows ID_AA64PFR0_EL1.RAS", SYSREG(3, 0, 12, 1, 1), 4, 0, 28, 1, false },
    { "DDI0487 PMCR_EL0", "PMCR_EL0 follows ID_AA64DFR0_EL1.PMUVer", SYSREG(3, 3, 9, 12, 0), 5, 0, 8, 1, true },
    { "DDI0487 PMCCNTR_EL0", "PMCCNTR_EL0 follows ID_AA64DFR0_EL1.PMUVer", SYSREG(3, 3, 9, 13, 0), 5, 0, 8, 1, true },
    { "DDI0487 PMUSERENR_EL0", "PMUSERENR_EL0 follows ID_AA64DFR0_EL1.PMUVer", SYSREG(3, 3, 9, 14, 0), 5, 0, 8, 1,
      true },
    { "DDI0487 PMINTENSET_EL1", "PMINTENSET_EL1 follows ID_AA64DFR0_EL1.PMUVer", SYSREG(3, 0, 9, 14, 1), 5, 0, 8, 1,
      true },
    { "DDI0487 PMCEID0_EL0", "PMCEID0_EL0 follows ID_AA64DFR0_EL1.PMUVer", SYSREG(3, 3, 9, 12, 6), 5, 0, 8, 1, true },
    { "DDI0487 PMCCFILTR_EL0", "PMCCFILTR_EL0 follows ID_AA64DFR0_EL1.PMUVer", SYSREG(3, 3, 14, 15, 7), 5, 0, 8, 1,
      true },
    { "DDI0487 PMMIR_EL1", "PMMIR_EL1 follows ID_AA64DFR0_EL1.PMUVer", SYSREG(3, 0, 9, 14, 6), 5, 0, 8, 5, true },
    { "DDI0487 PMSCR_EL1", "PMSCR_EL1 follows ID_AA64DFR0_EL1.PMSVer", SYSREG(3, 0, 9, 9, 0), 5, 0, 32, 1, false },
    { "DDI0487 PMBLIMITR_EL1", "PMBLIMITR_EL1 follows ID_AA64DFR0_EL1.PMSVer", SYSREG(3, 0, 9, 10, 0), 5, 0, 32, 1,
      false },
    { "DDI0487 PMSIDR_EL1", "PMSIDR_EL1 follows ID_AA64DFR0_EL1.PMSVer", SYSREG(3, 0, 9, 9, 7), 5, 0, 32, 1, false },
    { "DDI0487 TRBLIMITR_EL1", "TRBLIMITR_EL1 follows ID_AA64DFR0_EL1.TraceBuffer", SYSREG(3, 0, 9, 11, 0), 5, 0, 44, 1,
      false },
    { "DDI0487 TRFCR_EL1", "TRFCR_EL1 follows ID_AA64DFR0_EL1.TraceFilt", SYSREG(3, 0, 1, 2, 1), 5, 0, 40, 1, false },
    { "DDI0487 TRCPRGCTLR", "TRCPRGCTLR follows ID_AA64DFR0_EL1.TraceVer", SYSREG(2, 1, 0, 1, 0), 5, 0, 4, 1, false },
    { "DDI0487 AMCR_EL0", "AMCR_EL0 follows ID_AA64PFR0_EL1.AMU", SYSREG(3, 3, 13, 2, 0), 4, 0, 44, 1, false },
    { "DDI0487 AMEVCNTR0<n>_EL0", "AMEVCNTR00_EL0 follows ID_AA64PFR0_EL1.AMU", SYSREG(3, 3, 13, 4, 0), 4, 0, 44, 1,
      false },
    { "DDI0487 MPAM1_EL1", "MPAM1_EL1 follows ID_AA64PFR0_EL1.MPAM", SYSREG(3, 0, 10, 5, 0), 4, 0, 40, 1, false },
    { "DDI0487 MPAMIDR_EL1", "MPAMIDR_EL1 follows ID_AA64PFR0_EL1.MPAM", SYSREG(3, 0, 10, 4, 4), 4, 0, 40, 1, false },
    { "DDI0487 SCXTNUM_EL1", "SCXTNUM_EL1 follows ID_AA64PFR0_EL1.CSV2", SYSREG(3, 0, 13, 0, 7), 4, 0, 56, 2, false },
    { "DDI0487 RNDR", "RNDR follows ID_AA64ISAR0_EL1.RNDR", SYSREG(3, 3, 2, 4, 0), 6, 0, 60, 1, false },
    { "DDI0487 TCR2_EL1", "TCR2_EL1 follows ID_AA64MMFR3_EL1.TCRX", SYSREG(3, 0, 2, 0, 3), 7, 3, 0, 1, false },
    { "DDI0487 SCTLR2_EL1", "SCTLR2_EL1 follows ID_AA64MMFR3_EL1.SCTLRX", SYSREG(3, 0, 1, 0, 3), 7, 3, 4, 1, false },
    { "DDI0487 PIR_EL1", "PIR_EL1 follows ID_AA64MMFR3_EL1.S1PIE", SYSREG(3, 0, 10, 2, 3), 7, 3, 8, 1, false },
    { "DDI0487 POR_EL1", "POR_EL1 follows ID_AA64MMFR3_EL1.S1POE", SYSREG(3, 0, 10, 2, 4), 7, 3, 16, 1, false },
    { "DDI0487 GCSCR_EL1", "GCSCR_EL1 follows ID_AA64PFR1_EL1.GCS", SYSREG(3, 0, 2, 5, 0), 4, 1, 44, 1, false },
    { "DDI0487 CNTPCTSS_EL0", "CNTPCTSS_EL0 follows ID_AA64MMFR0_EL1.ECV", SYSREG(3, 3, 14, 0, 5), 7, 0, 60, 1, false },
    { "DDI0487 CNTVCTSS_EL0", "CNTVCTSS_EL0 follows ID_AA64MMFR0_EL1.ECV", SYSREG(3, 3, 14, 0, 6), 7, 0, 60, 1, false },
    { "DDI0487 ACCDATA_EL1", "ACCDATA_EL1 follows ID_AA64ISAR1_EL1.LS64", SYSREG(3, 0, 13, 0, 5), 6, 1, 60, 3, false },
    { "DDI0487 CCSIDR2_EL1", "CCSIDR2_EL1 follows ID_AA64MMFR2_EL1.CCIDX", SYSREG(3, 1, 0, 0, 2), 7, 2, 20, 1, false },
};

static uint64_t id_read(unsigned int crm, unsigned int op2)
{
    return insn_catch(INSN_MRS(SYSREG(3, 0, 0, crm, op2)), 0, 0).result;
}

/*
 * What an undefined MRS X0, <sysreg> reports: EC 0, but in the feature ID space (CRn 0) EC 0x18 with FEAT_IDST.
 */
static uint64_t undefined_esr(uint32_t sysreg)
{
    bool id_space = (sysreg >> 19 & 3) == 3 && (sysreg >> 12 & 0xf) == 0;
    if (!id_space || idreg_field(mrs(id_aa64mmfr2_el1), 36) == 0)
        return ESR_UNDEF;
    uint64_t op0 = sysreg >> 19 & 3, op1 = sysreg >> 16 & 7, crm = sysreg >> 8 & 0xf, op2 = sysreg >> 5 & 7;
    return esr_make(EC_SYSREG, op0 << 20 | op2 << 17 | op1 << 14 | crm << 1 | 1);
}

/*
 * CPACR_EL1 traps SVE and SME accesses of EL1 by classes of their own, before EL2 is asked: so the register is there, or it
 * is hidden by a hypervisor on a core that has it.
 */
static bool is_enable_trap(uint64_t esr)
{
    return field_get(ESR_EC, esr) == EC_SVE || field_get(ESR_EC, esr) == EC_SME;
}

static void features_check(void)
{
    for (unsigned int i = 0; i < ARRAY_LEN(features); i++) {
        const struct feature_register *f = &features[i];
        uint64_t value = idreg_field(id_read(f->id_crm, f->id_op2), f->field);
        bool offered = value >= f->least && !(f->none_is_f && value == 0xf);
        struct exception e = insn_catch(INSN_MRS(f->sysreg), 0, 0);
        if (!offered && !e.taken && tap_under_hypervisor() && is_untrappable(f->sysreg))
            check_skip(f->section, f->name, "hidden, but no trap exists for it");
        else if (!offered && e.taken && is_enable_trap(e.esr))
            check(tap_under_hypervisor(), f->section, f->name);
        else if (!offered)
            check_eq(e.taken ? e.esr : 0, undefined_esr(f->sysreg), f->section, f->name);
        else
            check(!e.taken || is_enable_trap(e.esr), f->section, f->name);
    }
}

/* Registers of higher exception levels. */
static const struct feature_register higher[] = {
    { "DDI0487 HCR_EL2", "HCR_EL2 is UNDEFINED at EL1", SYSREG(3, 4, 1, 1, 0), 0, 0, 0, 0, false },
    { "DDI0487 SCTLR_EL2", "SCTLR_EL2 is UNDEFINED at EL1", SYSREG(3, 4, 1, 0, 0), 0, 0, 0, 0, false },
    { "DDI0487 VBAR_EL2", "VBAR_EL2 is UNDEFINED at EL1", SYSREG(3, 4, 12, 0, 0), 0, 0, 0, 0, false },
    { "DDI0487 ESR_EL2", "ESR_EL2 is UNDEFINED at EL1", SYSREG(3, 4, 5, 2, 0), 0, 0, 0, 0, false },
    { "DDI0487 VTTBR_EL2", "VTTBR_EL2 is UNDEFINED at EL1", SYSREG(3, 4, 2, 1, 0), 0, 0, 0, 0, false },
    { "DDI0487 CPTR_EL2", "CPTR_EL2 is UNDEFINED at EL1", SYSREG(3, 4, 1, 1, 2), 0, 0, 0, 0, false },
    { "DDI0487 MDCR_EL2", "MDCR_EL2 is UNDEFINED at EL1", SYSREG(3, 4, 1, 1, 1), 0, 0, 0, 0, false },
    { "DDI0487 TPIDR_EL2", "TPIDR_EL2 is UNDEFINED at EL1", SYSREG(3, 4, 13, 0, 2), 0, 0, 0, 0, false },
    { "DDI0487 CNTHCTL_EL2", "CNTHCTL_EL2 is UNDEFINED at EL1", SYSREG(3, 4, 14, 1, 0), 0, 0, 0, 0, false },
    { "DDI0487 CNTVOFF_EL2", "CNTVOFF_EL2 is UNDEFINED at EL1", SYSREG(3, 4, 14, 0, 3), 0, 0, 0, 0, false },
    { "DDI0487 CNTHP_CTL_EL2", "CNTHP_CTL_EL2 is UNDEFINED at EL1", SYSREG(3, 4, 14, 2, 1), 0, 0, 0, 0, false },
    { "DDI0487 SP_EL1", "SP_EL1 is UNDEFINED at EL1", SYSREG(3, 4, 4, 1, 0), 0, 0, 0, 0, false },
    { "IHI0069 ICH_HCR_EL2", "ICH_HCR_EL2 is UNDEFINED at EL1", SYSREG(3, 4, 12, 11, 0), 0, 0, 0, 0, false },
    { "IHI0069 ICH_LR<n>_EL2", "ICH_LR0_EL2 is UNDEFINED at EL1", SYSREG(3, 4, 12, 12, 0), 0, 0, 0, 0, false },
    { "IHI0069 ICC_SRE_EL2", "ICC_SRE_EL2 is UNDEFINED at EL1", SYSREG(3, 4, 12, 9, 5), 0, 0, 0, 0, false },
    { "DDI0487 SCR_EL3", "SCR_EL3 is UNDEFINED at EL1", SYSREG(3, 6, 1, 1, 0), 0, 0, 0, 0, false },
    { "DDI0487 VBAR_EL3", "VBAR_EL3 is UNDEFINED at EL1", SYSREG(3, 6, 12, 0, 0), 0, 0, 0, 0, false },
    { "IHI0069 ICC_IGRPEN1_EL3", "ICC_IGRPEN1_EL3 is UNDEFINED at EL1", SYSREG(3, 6, 12, 12, 7), 0, 0, 0, 0, false },
    { "DDI0487 SCTLR_EL12", "SCTLR_EL12 is UNDEFINED at EL1", SYSREG(3, 5, 1, 0, 0), 0, 0, 0, 0, false },
    { "DDI0487 CNTV_CTL_EL02", "CNTV_CTL_EL02 is UNDEFINED at EL1", SYSREG(3, 5, 14, 3, 1), 0, 0, 0, 0, false },
};

static void higher_check(void)
{
    for (unsigned int i = 0; i < ARRAY_LEN(higher); i++) {
        struct exception e = insn_catch(INSN_MRS(higher[i].sysreg), 0, 0);
        check_undef(&e, insn_address(), higher[i].section, higher[i].name);
    }
}

/* Instructions of EL2 and EL3, and of features that may be hidden. */
static void instructions_check(void)
{
    struct exception e = insn_catch(0xd50c871f, 0, 0); /* TLBI ALLE2 */
    check_undef(&e, insn_address(), "DDI0487 TLBI ALLE2", "TLBI ALLE2 is UNDEFINED at EL1");
    e = insn_catch(0xd50c879f, 0, 0); /* TLBI ALLE1 */
    check_undef(&e, insn_address(), "DDI0487 TLBI ALLE1", "TLBI ALLE1 is UNDEFINED at EL1");
    e = insn_catch(0xd50c7800, 0, 0); /* AT S1E2R, X0 */
    check_undef(&e, insn_address(), "DDI0487 AT S1E2R", "AT S1E2R is UNDEFINED at EL1");
    e = insn_catch(0xd50c7880, 0, 0); /* AT S12E1R, X0 */
    check_undef(&e, insn_address(), "DDI0487 AT S12E1R", "AT S12E1R is UNDEFINED at EL1");
    e = insn_catch(0x04bf5020, 0, 0); /* RDVL X0, #1 */
    if (!idreg_field(mrs(id_aa64pfr0_el1), 32) && !is_enable_trap(e.esr))
        check_undef(&e, insn_address(), "DDI0487 RDVL", "RDVL follows ID_AA64PFR0_EL1.SVE");
    else
        check_eq(field_get(ESR_EC, e.esr), EC_SVE, "DDI0487 RDVL", "RDVL follows ID_AA64PFR0_EL1.SVE");
}

static void traps(void)
{
    features_check();
    higher_check();
    instructions_check();
}
SUBJECT(120, "traps", traps);
