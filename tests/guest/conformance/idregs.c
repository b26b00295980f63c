/* SPDX-License-Identifier: Apache-2.0 */
/* The identification registers: readable, the same on every core, consistent with each other and with what is offered. */
#include "tests/guest/conformance/conformance.h"
#include "tests/guest/lib/fdt.h"

#define ID_FIRST_CRM 1
#define ID_LAST_CRM 7
#define ID_COUNT (7 * 8)

static uint64_t id_values[CPUS_MAX][ID_COUNT];

static uint32_t id_insn(unsigned int n)
{
    return INSN_MRS(SYSREG(3, 0, 0, ID_FIRST_CRM + n / 8, n % 8));
}

/* All of S3_0_C0_C1_0 to S3_0_C0_C7_7 on this core; the number of reads that trapped, by CRm in a bit mask. */
static uint64_t ids_read(uint64_t unused)
{
    uint64_t trapped = unused;
    for (unsigned int n = 0; n < ID_COUNT; n++) {
        struct exception e = insn_catch(id_insn(n), 0, 0);
        if (e.taken)
            trapped |= BIT(ID_FIRST_CRM + n / 8);
        id_values[this_cpu()->index][n] = e.result;
    }
    return trapped;
}

static void readable(void)
{
    uint64_t trapped = ids_read(0);
    static const char *const names[] = {
        "ID_PFR0_EL1 to ID_MMFR3_EL1 are readable",  "ID_ISAR0_EL1 to ID_ISAR6_EL1 are readable",
        "MVFR0_EL1 to ID_MMFR5_EL1 are readable",    "ID_AA64PFR0_EL1 and its row are readable",
        "ID_AA64DFR0_EL1 and its row are readable",  "ID_AA64ISAR0_EL1 and its row are readable",
        "ID_AA64MMFR0_EL1 and its row are readable",
    };
    for (unsigned int crm = ID_FIRST_CRM; crm <= ID_LAST_CRM; crm++)
        check_eq(trapped >> crm & 1, 0, "DDI0487 System instruction class encoding, identification registers",
                 names[crm - 1]);
}

static void same_everywhere(void)
{
    if (cpu_count < 2) {
        check_skip("DDI0487 identification registers", "the same ID registers on every core", NEEDS_CORES);
        return;
    }
    cpus_start_all();
    unsigned int different = 0;
    for (unsigned int i = 1; i < cpu_count; i++) {
        cpu_call(i, ids_read, 0);
        for (unsigned int n = 0; n < ID_COUNT; n++)
            different += id_values[i][n] != id_values[0][n];
    }
    check_eq(different, 0, "DDI0487 identification registers", "the same ID registers on every core");
}

static uint64_t mpidr_of(uint64_t unused)
{
    (void)unused;
    return mrs(mpidr_el1);
}

static uint64_t midr_of(uint64_t unused)
{
    (void)unused;
    return mrs(midr_el1);
}

static void identities(void)
{
    bool unique = true, res1 = true, up = false, same = true, known = true;
    for (unsigned int i = 0; i < cpu_count; i++) {
        uint64_t mpidr = cpu_call(i, mpidr_of, 0);
        res1 &= mpidr >> 31 & 1;
        up |= mpidr >> 30 & 1;
        known &= (mpidr & UINT64_C(0xff00ffffff)) == cpus[i].mpidr;
        same &= cpu_call(i, midr_of, 0) == mrs(midr_el1);
        for (unsigned int j = 0; j < i; j++)
            unique &= cpus[j].mpidr != cpus[i].mpidr;
    }
    check(res1, "DDI0487 MPIDR_EL1", "MPIDR_EL1 bit 31 is RES1");
    check(!up || cpu_count == 1, "DDI0487 MPIDR_EL1", "MPIDR_EL1.U says multiprocessor");
    check(unique, "DDI0487 MPIDR_EL1", "affinities are unique");
    check(known, "Devicetree cpus/cpu@n/reg", "MPIDR_EL1 is the tree's reg and PSCI's target");
    check(same, "DDI0487 MIDR_EL1", "MIDR_EL1 is the same on every core");
    check_eq(mrs(midr_el1) >> 16 & 0xf, 0xf, "DDI0487 MIDR_EL1", "MIDR_EL1.Architecture points at the ID registers");
    check_eq(machine.cpus > CPUS_MAX ? CPUS_MAX : machine.cpus, cpu_count, "Devicetree cpus", "the tree has all cores");
}

static void processor_features(void)
{
    uint64_t pfr0 = mrs(id_aa64pfr0_el1), pfr1 = mrs(id_aa64pfr1_el1);
    bool hyp = tap_under_hypervisor();
    check(idreg_field(pfr0, 0) >= 1 && idreg_field(pfr0, 4) >= 1, "DDI0487 ID_AA64PFR0_EL1", "EL0 and EL1 in AArch64");
    check_eq_if(hyp, HYP_ONLY, idreg_field(pfr0, 8), 1, "DDI0487 ID_AA64PFR0_EL1.EL2",
                "EL1 is not the highest level: HVC works and CNTFRQ_EL0 is read-only");
    check_eq(idreg_field(pfr0, 24) >= 1, machine.gic == 3, "DDI0487 ID_AA64PFR0_EL1.GIC",
             "GIC system registers offered with a GICv3 alone");
    check_eq(idreg_field(pfr0, 16), idreg_field(pfr0, 20), "DDI0487 ID_AA64PFR0_EL1",
             "FP and AdvSIMD fields are equal");
    check_eq_if(hyp, HYP_ONLY, idreg_field(pfr0, 32), 0, "DDI0487 ID_AA64PFR0_EL1.SVE", "SVE is hidden");
    check_eq_if(hyp, HYP_ONLY, idreg_field(pfr0, 40), 0, "DDI0487 ID_AA64PFR0_EL1.MPAM", "MPAM is hidden");
    check_eq_if(hyp, HYP_ONLY, idreg_field(pfr0, 44), 0, "DDI0487 ID_AA64PFR0_EL1.AMU", "AMU is hidden");
    check_eq_if(hyp, HYP_ONLY, idreg_field(pfr1, 8), 0, "DDI0487 ID_AA64PFR1_EL1.MTE", "MTE is hidden");
    check_eq_if(hyp, HYP_ONLY, idreg_field(pfr1, 24), 0, "DDI0487 ID_AA64PFR1_EL1.SME", "SME is hidden");
    check_eq_if(hyp, HYP_ONLY, idreg_field(mrs(id_aa64mmfr2_el1), 24), 0, "DDI0487 ID_AA64MMFR2_EL1.NV",
                "NV is hidden");
    check_eq_if(hyp, HYP_ONLY, idreg_field(mrs(id_aa64mmfr1_el1), 8), 0, "DDI0487 ID_AA64MMFR1_EL1.VH",
                "VHE is hidden");
    check_eq_if(hyp, HYP_ONLY, id_values[0][3 * 8 + 4], 0, "DDI0487 ID_AA64ZFR0_EL1", "SVE feature register is zero");
    check_eq_if(hyp, HYP_ONLY, id_values[0][3 * 8 + 5], 0, "DDI0487 ID_AA64SMFR0_EL1", "SME feature register is zero");
}

static void debug_features(void)
{
    uint64_t dfr0 = mrs(id_aa64dfr0_el1);
    bool hyp = tap_under_hypervisor();
    check(idreg_field(dfr0, 0) >= 6, "DDI0487 ID_AA64DFR0_EL1.DebugVer", "Armv8 debug");
    check(idreg_field(dfr0, 12) >= 1, "DDI0487 ID_AA64DFR0_EL1.BRPs", "two breakpoints at least");
    check(idreg_field(dfr0, 20) >= 1, "DDI0487 ID_AA64DFR0_EL1.WRPs", "two watchpoints at least");
    check(idreg_field(dfr0, 28) <= idreg_field(dfr0, 12), "DDI0487 ID_AA64DFR0_EL1.CTX_CMPs",
          "context comparators are breakpoints");
    check_if(hyp, HYP_ONLY, idreg_field(dfr0, 8) == 0 || idreg_field(dfr0, 8) == 0xf, "DDI0487 ID_AA64DFR0_EL1.PMUVer",
             "PMU is hidden");
    check_eq_if(hyp, HYP_ONLY, idreg_field(dfr0, 32), 0, "DDI0487 ID_AA64DFR0_EL1.PMSVer", "SPE is hidden");
    check_eq_if(hyp, HYP_ONLY, idreg_field(dfr0, 4), 0, "DDI0487 ID_AA64DFR0_EL1.TraceVer", "trace is hidden");
    check_eq_if(hyp, HYP_ONLY, idreg_field(dfr0, 40), 0, "DDI0487 ID_AA64DFR0_EL1.TraceFilt", "trace filter is hidden");
    check_eq_if(hyp, HYP_ONLY, idreg_field(dfr0, 44), 0, "DDI0487 ID_AA64DFR0_EL1.TraceBuffer",
                "trace buffer is hidden");
}

static void memory_features(void)
{
    uint64_t mmfr0 = mrs(id_aa64mmfr0_el1);
    check(idreg_field(mmfr0, 0) <= 7, "DDI0487 ID_AA64MMFR0_EL1.PARange", "PARange is a defined value");
    check(mmu_has_granule(GRANULE_4K), "DDI0487 ID_AA64MMFR0_EL1.TGran4", "4 KiB granule offered");
    uint64_t ctr = mrs(ctr_el0);
    check_eq(ctr >> 31, 1, "DDI0487 CTR_EL0", "CTR_EL0 bit 31 is RES1");
    check(dcache_line() >= 16 && icache_line() >= 16, "DDI0487 CTR_EL0", "cache lines of 16 bytes or more");
    check((mrs(dczid_el0) & 0xf) <= 9, "DDI0487 DCZID_EL0", "DC ZVA block of 2 KiB at most");
}

/* Every level that CLIDR_EL1 names can be selected and has a sensible CCSIDR_EL1. */
static void cache_ids(void)
{
    uint64_t clidr = mrs(clidr_el1);
    unsigned int levels = 0;
    bool good = true;
    for (unsigned int level = 0; level < 7; level++) {
        uint64_t type = clidr >> 3 * level & 7;
        if (!type)
            break;
        levels++;
        msr(csselr_el1, (uint64_t)level << 1);
        isb();
        good &= (mrs(csselr_el1) & 0xf) == level << 1 && mrs(ccsidr_el1) != 0;
    }
    check(levels >= 1, "DDI0487 CLIDR_EL1", "at least one cache level");
    check(good, "DDI0487 CSSELR_EL1", "CSSELR_EL1 selects each level of CLIDR_EL1");
}

static void write_undefined(void)
{
    struct exception e = insn_catch(INSN_MSR(SYSREG(3, 0, 0, 4, 0)), 0, 0);
    check_undef(&e, insn_address(), "DDI0487 ID_AA64PFR0_EL1", "MSR ID_AA64PFR0_EL1 is UNDEFINED");
    e = insn_catch(INSN_MSR(SYSREG(3, 0, 0, 0, 5)), 0, 0);
    check_undef(&e, insn_address(), "DDI0487 MPIDR_EL1", "MSR MPIDR_EL1 is UNDEFINED");
    e = insn_catch(INSN_MSR(SYSREG(3, 0, 0, 7, 0)), 0, 0);
    check_undef(&e, insn_address(), "DDI0487 ID_AA64MMFR0_EL1", "MSR ID_AA64MMFR0_EL1 is UNDEFINED");
}

/* From EL0 an ID register is UNDEFINED, or with FEAT_IDST a trap with its syndrome. */
static void check_el0(uint32_t sysreg, uint64_t iss, const char *section, const char *name)
{
    struct exception e = insn_catch_el0(INSN_MRS(sysreg), 0, 0);
    bool idst = idreg_field(mrs(id_aa64mmfr2_el1), 36) >= 1;
    check_eq(e.taken ? e.esr : 0, idst ? esr_make(EC_SYSREG, iss) : ESR_UNDEF, section, name);
}

static uint64_t iss_read(uint64_t op0, uint64_t op1, uint64_t crn, uint64_t crm, uint64_t op2)
{
    return op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | crm << 1 | 1;
}

static void from_el0(void)
{
    check_el0(SYSREG(3, 0, 0, 4, 0), iss_read(3, 0, 0, 4, 0), "DDI0487 ID_AA64PFR0_EL1",
              "ID_AA64PFR0_EL1 not readable at EL0");
    check_el0(SYSREG(3, 0, 0, 0, 0), iss_read(3, 0, 0, 0, 0), "DDI0487 MIDR_EL1", "MIDR_EL1 not readable at EL0");
    check_el0(SYSREG(3, 0, 0, 0, 5), iss_read(3, 0, 0, 0, 5), "DDI0487 MPIDR_EL1", "MPIDR_EL1 not readable at EL0");
    struct exception e = insn_catch_el0(INSN_MRS(SYSREG(3, 3, 0, 0, 7)), 0, 0);
    check(!e.taken && (e.result & 0xf) == (mrs(dczid_el0) & 0xf), "DDI0487 DCZID_EL0", "DCZID_EL0 readable at EL0");
}

static void idregs(void)
{
    readable();
    same_everywhere();
    identities();
    processor_features();
    debug_features();
    memory_features();
    cache_ids();
    write_undefined();
    from_el0();
    check(!insn_catch(INSN_MRS(SYSREG(3, 0, 0, 0, 6)), 0, 0).taken, "DDI0487 REVIDR_EL1", "REVIDR_EL1 is readable");
    check(!insn_catch(INSN_MRS(SYSREG(3, 1, 0, 0, 7)), 0, 0).taken, "DDI0487 AIDR_EL1", "AIDR_EL1 is readable");
}
SUBJECT(100, "idregs", idregs);
