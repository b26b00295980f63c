/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions that the core itself makes: undefined instructions, calls, alignment, illegal returns; nothing in between changes them. */
#include "tests/guest/conformance/conformance.h"

static void check_el0_undef(uint32_t insn, const char *section, const char *name)
{
    struct exception e = insn_catch_el0(insn, 0, 0);
    bool good = e.taken && e.esr == ESR_UNDEF && e.elr == insn_address_el0() && e.vector == VECTOR_FROM_EL0;
    tap_check(good, section, name);
    if (!good)
        print("# taken %u vector %u ESR 0x%lx ELR 0x%lx\n", e.taken, e.vector, e.esr, e.elr);
}

static void undefined(void)
{
    struct exception e = insn_catch(0x00000000, 0, 0);
    check_undef(&e, insn_address(), "DDI0487 UDF", "UDF #0 at EL1: EC 0, IL 1, ISS 0");
    check_eq(e.vector, VECTOR_FROM_EL1H, "DDI0487 Exception vectors", "UDF at EL1h uses the SP_ELx vector");
    e = insn_catch_el1t(0x00000000, 0, 0);
    check_undef(&e, insn_address(), "DDI0487 UDF", "UDF #0 at EL1t");
    check_eq(e.vector, VECTOR_FROM_EL1T, "DDI0487 Exception vectors", "UDF at EL1t uses the SP_EL0 vector");
    e = insn_catch(0xffffffff, 0, 0);
    check_undef(&e, insn_address(), "DDI0487 Unallocated encodings", "an unallocated encoding at EL1");
    e = insn_catch(0xd4400000, 0, 0); /* HLT #0 */
    check_undef(&e, insn_address(), "DDI0487 HLT", "HLT is UNDEFINED with halting debug off");
    e = insn_catch(0xd4a00001, 0, 0); /* DCPS1 */
    check_undef(&e, insn_address(), "DDI0487 DCPS1", "DCPS1 is UNDEFINED outside Debug state");
    check_el0_undef(0x00000000, "DDI0487 UDF", "UDF #0 at EL0");
    check_el0_undef(INSN_HVC(0), "DDI0487 HVC", "HVC is UNDEFINED at EL0");
    check_el0_undef(INSN_SMC(0), "DDI0487 SMC", "SMC is UNDEFINED at EL0");
    check_el0_undef(0xd69f03e0, "DDI0487 ERET", "ERET is UNDEFINED at EL0");
    check_el0_undef(INSN_MRS(SYSREG(3, 0, 1, 0, 0)), "DDI0487 SCTLR_EL1", "SCTLR_EL1 is UNDEFINED at EL0");
    check_el0_undef(INSN_MRS(SYSREG(3, 0, 12, 12, 0)), "IHI0069 ICC_IAR1_EL1", "ICC_IAR1_EL1 is UNDEFINED at EL0");
    check_el0_undef(INSN_MSR(SYSREG(3, 0, 12, 11, 5)), "IHI0069 ICC_SGI1R_EL1", "ICC_SGI1R_EL1 is UNDEFINED at EL0");
    check_el0_undef(0xd508871f, "DDI0487 TLBI VMALLE1", "TLBI VMALLE1 is UNDEFINED at EL0");
    check_el0_undef(0xd5087642, "DDI0487 DC ISW", "DC ISW is UNDEFINED at EL0");
}

static void calls(void)
{
    struct exception e = insn_catch_el0(INSN_SVC(0x1234), 0, 0);
    check_eq(e.esr, esr_make(EC_SVC64, 0x1234), "DDI0487 SVC", "SVC from EL0: EC 0x15 and its immediate");
    check_eq(e.elr, insn_address_el0() + 4, "DDI0487 SVC", "SVC returns to the next instruction");
    check_eq(e.vector, VECTOR_FROM_EL0, "DDI0487 Exception vectors", "SVC from EL0 uses the lower EL's vector");
    e = insn_catch(INSN_SVC(0xffff), 0, 0);
    check_eq(e.esr, esr_make(EC_SVC64, 0xffff), "DDI0487 SVC", "SVC from EL1");
    e = insn_catch(INSN_BRK(0xabc), 0, 0);
    check_eq(e.esr, esr_make(EC_BRK64, 0xabc), "DDI0487 BRK", "BRK: EC 0x3c and its immediate");
    check_eq(e.elr, insn_address(), "DDI0487 BRK", "BRK prefers to return to itself");
}

/* The emulator does not check the alignment of SP, so that has no check here. */
static void alignment(void)
{
    uint64_t odd = el0_address(insn_address()) + 2;
    struct exception e = el0_catch(odd, PSTATE_DAIF | PSTATE_EL0T, 0, 0);
    check_eq(e.esr, esr_make(EC_PC_ALIGN, 0), "DDI0487 PC alignment checking", "a misaligned PC at EL0: EC 0x22");
    check_eq(e.elr, odd, "DDI0487 PC alignment checking", "ELR has the misaligned PC");
    check_eq(e.far, odd, "DDI0487 PC alignment checking", "FAR has the misaligned PC");
    uint64_t sctlr = mrs(sctlr_el1);
    msr(sctlr_el1, sctlr | SCTLR_A);
    isb();
    e = insn_catch(0xb9400000, (uint64_t)&cpus[0] + 1, 0);
    msr(sctlr_el1, sctlr);
    isb();
    check_eq(e.esr, esr_make(EC_DABT_SAME, FSC_ALIGNMENT), "DDI0487 SCTLR_EL1.A",
             "a misaligned access with SCTLR_EL1.A");
    e = insn_catch(0xb9400000, UART_BASE + 0x19, 0);
    check_eq_if(e.taken, "the emulator lets it pass with one core", e.esr, esr_make(EC_DABT_SAME, FSC_ALIGNMENT),
                "DDI0487 Device memory", "a misaligned access to Device memory");
    check_eq_if(e.taken, "the emulator lets it pass with one core", e.far, UART_BASE + 0x19, "DDI0487 Device memory",
                "FAR of a misaligned access to Device memory");
}

static void illegal_return(void)
{
    struct exception e = el0_catch(insn_address(), PSTATE_DAIF | 0x9, 0, 0);
    check_eq(e.esr, esr_make(EC_ILLEGAL, 0), "DDI0487 Illegal return events from AArch64 state",
             "ERET to EL2h is illegal: EC 0x0e");
    check_eq(e.spsr & BIT(20), BIT(20), "DDI0487 PSTATE.IL", "the illegal return set PSTATE.IL");
    check_eq(e.spsr & 0x1f, PSTATE_EL1H, "DDI0487 Illegal return events from AArch64 state",
             "the illegal return stayed at EL1h");
    e = el0_catch(insn_address(), PSTATE_DAIF | 0xd, 0, 0);
    check_eq(e.esr, esr_make(EC_ILLEGAL, 0), "DDI0487 Illegal return events from AArch64 state",
             "ERET to EL3h is illegal");
    if (idreg_field(mrs(id_aa64pfr0_el1), 0) == 1) {
        e = el0_catch(insn_address_el0(), PSTATE_DAIF | PSTATE_AA32_USR, 0, 0);
        check_eq(e.esr, esr_make(EC_ILLEGAL, 0), "DDI0487 ID_AA64PFR0_EL1.EL0",
                 "ERET to AArch32 without it is illegal");
    } else {
        check_skip("DDI0487 ID_AA64PFR0_EL1.EL0", "ERET to AArch32 without it is illegal", "EL0 has AArch32");
    }
}

static void undef(void)
{
    undefined();
    calls();
    alignment();
    illegal_return();
}
SUBJECT(130, "undef", undef);
