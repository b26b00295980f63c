/* SPDX-License-Identifier: Apache-2.0 */
/* The SMC calling convention, by both conduits. */
#include "tests/guest/conformance/conformance.h"

#define NOT_SUPPORTED (-1)
#define NOT_REQUIRED (-2) /* of ARCH_WORKAROUND_2: this machine is mitigated or was never open to it */
#define PATTERN(i) (UINT64_C(0x1111111111111111) * (i) + 0xabc)

struct unknown {
    uint32_t fid;
    const char *name;
};

static const struct unknown unknowns[] = {
    { 0x80001234, "unknown Arm architecture call" },
    { 0xc0001234, "unknown Arm architecture call, 64-bit" },
    { 0x81000001, "unknown CPU service call" },
    { 0x82000001, "unknown SiP service call" },
    { 0xc2000001, "unknown SiP service call, 64-bit" },
    { 0x83000001, "unknown OEM service call" },
    { 0x8400ff00, "unknown standard secure service call" },
    { 0xc400ff00, "unknown standard secure service call, 64-bit" },
    { 0x8500fe00, "unknown standard hypervisor service call" },
    { 0xc500fe00, "unknown standard hypervisor service call, 64-bit" },
    { 0x8600fe00, "unknown vendor hypervisor service call" },
    { 0xc600fe00, "unknown vendor hypervisor service call, 64-bit" },
    { 0xb0000000, "unknown trusted application call" },
    { 0xb2000000, "unknown trusted OS call" },
    { 0x02000000, "unknown yielding call" },
    { 0x00000000, "function 0" },
    { 0xffffffff, "function 0xffffffff" },
};

static struct smccc_regs patterns(uint64_t fid)
{
    struct smccc_regs r;
    r.x[0] = fid;
    for (unsigned int i = 1; i < ARRAY_LEN(r.x); i++)
        r.x[i] = PATTERN(i);
    return r;
}

static bool preserved(const struct smccc_regs *r, unsigned int from)
{
    for (unsigned int i = from; i < ARRAY_LEN(r->x); i++) {
        if (r->x[i] != PATTERN(i)) {
            print("# x%u 0x%lx\n", i, r->x[i]);
            return false;
        }
    }
    return true;
}

static void unknown_calls(void)
{
    bool kept = true;
    for (unsigned int i = 0; i < ARRAY_LEN(unknowns); i++) {
        struct smccc_regs r = patterns(unknowns[i].fid);
        smccc_call_hvc(&r);
        bool wide = unknowns[i].fid & FID_64;
        check_eq(wide ? (int64_t)r.x[0] : (int32_t)r.x[0], NOT_SUPPORTED, "DEN0028 Unknown Function Identifier",
                 unknowns[i].name);
        kept &= preserved(&r, 4);
    }
    check(kept, "DEN0028 Register use in AArch64 SMC and HVC calls", "unknown calls keep x4-x17");
}

static void version(void)
{
    struct smccc_regs r = patterns(PSCI_VERSION);
    smccc_call_hvc(&r);
    check(preserved(&r, 4), "DEN0028 Register use in AArch64 SMC and HVC calls", "PSCI_VERSION keeps x4-x17");
    bool offered = (int32_t)hvc(PSCI_FEATURES, SMCCC_VERSION, 0, 0) == 0;
    const char *reason = "no SMCCC_VERSION (before SMCCC 1.1)";
    check_if(offered, reason, hvc(SMCCC_VERSION, 0, 0, 0) >= 0x10001, "DEN0028 SMCCC_VERSION", "SMCCC is 1.1 or later");
    check_if(tap_under_hypervisor(), HYP_ONLY, hvc(SMCCC_VERSION, 0, 0, 0) >= 0x10002, "DEN0028 SMCCC_VERSION",
             "SMCCC is 1.2 or later");
    check_eq_if(offered, reason, (int32_t)hvc(SMCCC_ARCH_FEATURES, SMCCC_VERSION, 0, 0), 0,
                "DEN0028 SMCCC_ARCH_FEATURES", "ARCH_FEATURES offers SMCCC_VERSION");
    check_eq_if(offered, reason, (int32_t)hvc(SMCCC_ARCH_FEATURES, SMCCC_ARCH_FEATURES, 0, 0), 0,
                "DEN0028 SMCCC_ARCH_FEATURES", "ARCH_FEATURES offers itself");
    check_eq_if(offered, reason, (int32_t)hvc(SMCCC_ARCH_FEATURES, 0x80001234, 0, 0), NOT_SUPPORTED,
                "DEN0028 SMCCC_ARCH_FEATURES", "ARCH_FEATURES of an unknown call");
    check_eq_if(tap_under_hypervisor(), HYP_ONLY, (int32_t)hvc(PSCI_VERSION | UINT64_C(0xdead) << 32, 0, 0, 0) >> 16, 1,
                "DEN0028 Register use in AArch64 SMC and HVC calls", "the upper half of x0 is ignored");
}

/* Negative: not needed or unknown; 0 the call is there; 1 not needed on this core. */
static void workaround(uint32_t fid, const char *name)
{
    bool offered = (int32_t)hvc(PSCI_FEATURES, SMCCC_VERSION, 0, 0) == 0;
    if (!offered) {
        check_skip("DEN0028 SMCCC_ARCH_WORKAROUND", name, "no SMCCC_VERSION");
        return;
    }
    int32_t answer = (int32_t)hvc(SMCCC_ARCH_FEATURES, fid, 0, 0);
    bool good = answer >= (fid == SMCCC_ARCH_WORKAROUND_2 ? NOT_REQUIRED : NOT_SUPPORTED) && answer <= 1;
    if (answer >= 0) {
        struct smccc_regs r = patterns(fid);
        smccc_call_hvc(&r);
        good &= preserved(&r, 4);
    } else {
        good &= (int32_t)hvc(fid, 0, 0, 0) == NOT_SUPPORTED;
    }
    check(good, "DEN0028 SMCCC_ARCH_WORKAROUND", name);
}

static void immediates(void)
{
    struct exception e = insn_catch(INSN_HVC(1), PSCI_VERSION, 0);
    bool good = e.taken ? e.esr == ESR_UNDEF && e.elr == insn_address() : (int32_t)e.result == NOT_SUPPORTED;
    check_if(tap_under_hypervisor(), HYP_ONLY, good, "DEN0028 HVC and SMC immediate value",
             "HVC #1 is NOT_SUPPORTED or UNDEFINED");
    e = insn_catch(INSN_HVC(0xffff), PSCI_VERSION, 0);
    good = e.taken ? e.esr == ESR_UNDEF && e.elr == insn_address() : (int32_t)e.result == NOT_SUPPORTED;
    check_if(tap_under_hypervisor(), HYP_ONLY, good, "DEN0028 HVC and SMC immediate value",
             "HVC #0xffff is NOT_SUPPORTED or UNDEFINED");
}

static void smc_conduit(void)
{
    struct exception e = insn_catch(INSN_SMC(0), PSCI_VERSION, 0);
    if (!tap_under_hypervisor()) {
        check_undef(&e, insn_address(), "DDI0487 SMC", "SMC is UNDEFINED without EL3 (bare machine)");
        check_skip("DEN0022 Conduits", "SMC and HVC give the same PSCI_VERSION", HYP_ONLY);
        check_skip("DEN0028 Unknown Function Identifier", "unknown call by SMC", HYP_ONLY);
        check_skip("DEN0028 Register use in AArch64 SMC and HVC calls", "SMC keeps x4-x17", HYP_ONLY);
        check_skip("DDI0487 HCR_EL2.TSC", "SMC goes on at the next instruction, once", HYP_ONLY);
        return;
    }
    check(!e.taken, "DEN0022 Conduits", "SMC is a conduit");
    check_eq(smc(PSCI_VERSION, 0, 0, 0), hvc(PSCI_VERSION, 0, 0, 0), "DEN0022 Conduits",
             "SMC and HVC give the same PSCI_VERSION");
    struct smccc_regs r = patterns(0x8600fe00);
    smccc_call_smc(&r);
    check_eq((int32_t)r.x[0], NOT_SUPPORTED, "DEN0028 Unknown Function Identifier", "unknown call by SMC");
    check(preserved(&r, 4), "DEN0028 Register use in AArch64 SMC and HVC calls", "SMC keeps x4-x17");
    uint64_t count = 0;
    __asm__ volatile("mov x20, #0\n ldr w0, =0x84000000\n smc #0\n add x20, x20, #1\n ldr w0, =0x84000000\n hvc #0\n"
                     "add x20, x20, #2\n mov %0, x20"
                     : "=r"(count)::"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
                       "x13", "x14", "x15", "x16", "x17", "x20", "memory");
    check_eq(count, 3, "DDI0487 HCR_EL2.TSC", "SMC goes on at the next instruction, once");
}

/* Flags, SP and x18-x30 over a call. */
static void callee_saved(void)
{
    uint64_t bad;
    __asm__ volatile(
        "mov x18, #18\n mov x19, #19\n mov x20, #20\n mov x21, #21\n mov x22, #22\n mov x23, #23\n mov x24, #24\n"
        "mov x25, #25\n mov x26, #26\n mov x27, #27\n mov x28, #28\n ldr w0, =0x8600fe00\n hvc #0\n"
        "sub x18, x18, #18\n sub x19, x19, #19\n sub x20, x20, #20\n sub x21, x21, #21\n sub x22, x22, #22\n"
        "sub x23, x23, #23\n sub x24, x24, #24\n sub x25, x25, #25\n sub x26, x26, #26\n sub x27, x27, #27\n"
        "sub x28, x28, #28\n orr x18, x18, x19\n orr x18, x18, x20\n orr x18, x18, x21\n orr x18, x18, x22\n"
        "orr x18, x18, x23\n orr x18, x18, x24\n orr x18, x18, x25\n orr x18, x18, x26\n orr x18, x18, x27\n"
        "orr %0, x18, x28"
        : "=r"(bad)::"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
          "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "memory");
    check_eq(bad, 0, "DEN0028 Register use in AArch64 SMC and HVC calls", "a call keeps x18-x28");
    uint64_t flags;
    __asm__ volatile("msr nzcv, %1\n ldr w0, =0x8600fe00\n hvc #0\n mrs %0, nzcv"
                     : "=r"(flags)
                     : "r"(UINT64_C(0x90000000))
                     : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
                       "x15", "x16", "x17", "cc", "memory");
    check_eq(flags, 0x90000000, "DDI0487 Exception return", "a call keeps the flags");
}

static void smccc(void)
{
    version();
    workaround(SMCCC_ARCH_WORKAROUND_1, "ARCH_WORKAROUND_1: the answer and the call agree");
    workaround(SMCCC_ARCH_WORKAROUND_2, "ARCH_WORKAROUND_2: the answer and the call agree");
    workaround(SMCCC_ARCH_WORKAROUND_3, "ARCH_WORKAROUND_3: the answer and the call agree");
    unknown_calls();
    immediates();
    smc_conduit();
    callee_saved();
}
SUBJECT(200, "smccc", smccc);
