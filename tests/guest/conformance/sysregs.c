/* SPDX-License-Identifier: Apache-2.0 */
/* The EL1 context: every register keeps what was written, over exits and beside the other cores. */
#include "tests/guest/conformance/conformance.h"

struct context_register {
    const char *section, *name;
    uint32_t sysreg;
    uint64_t mask;
};

/* Registers whose value does not disturb the guest while it is there. */
static const struct context_register registers[] = {
    { "DDI0487 TPIDR_EL0", "TPIDR_EL0 is kept", SYSREG(3, 3, 13, 0, 2), ~UINT64_C(0) },
    { "DDI0487 TPIDRRO_EL0", "TPIDRRO_EL0 is kept", SYSREG(3, 3, 13, 0, 3), ~UINT64_C(0) },
    { "DDI0487 CONTEXTIDR_EL1", "CONTEXTIDR_EL1 is kept", SYSREG(3, 0, 13, 0, 1), 0xffffffff },
    { "DDI0487 SP_EL0", "SP_EL0 is kept", SYSREG(3, 0, 4, 1, 0), ~UINT64_C(0) },
    { "DDI0487 ESR_EL1", "ESR_EL1 is kept", SYSREG(3, 0, 5, 2, 0), 0xffffffff },
    { "DDI0487 FAR_EL1", "FAR_EL1 is kept", SYSREG(3, 0, 6, 0, 0), ~UINT64_C(0) },
    { "DDI0487 ELR_EL1", "ELR_EL1 is kept", SYSREG(3, 0, 4, 0, 1), ~UINT64_C(0) },
    { "DDI0487 SPSR_EL1", "SPSR_EL1 is kept", SYSREG(3, 0, 4, 0, 0), 0xf00003cf },
    { "DDI0487 TTBR1_EL1", "TTBR1_EL1 is kept", SYSREG(3, 0, 2, 0, 1), UINT64_C(0xffff00000ffff000) },
    { "DDI0487 PAR_EL1", "PAR_EL1 is kept", SYSREG(3, 0, 7, 4, 0), UINT64_C(0xff000ffffffff000) },
    { "DDI0487 CNTKCTL_EL1", "CNTKCTL_EL1 is kept", SYSREG(3, 0, 14, 1, 0), 0x3ff },
    { "DDI0487 CSSELR_EL1", "CSSELR_EL1 is kept", SYSREG(3, 2, 0, 0, 0), 0x2 },
    { "DDI0487 MDSCR_EL1", "MDSCR_EL1 is kept", SYSREG(2, 0, 0, 2, 2), BIT(12) },
    { "DDI0487 CNTV_CVAL_EL0", "CNTV_CVAL_EL0 is kept", SYSREG(3, 3, 14, 3, 2), ~UINT64_C(0) },
    { "DDI0487 CNTP_CVAL_EL0", "CNTP_CVAL_EL0 is kept", SYSREG(3, 3, 14, 2, 2), ~UINT64_C(0) },
    { "DDI0487 TPIDR_EL1", "TPIDR_EL1 is kept", SYSREG(3, 0, 13, 0, 4), 0 },
    { "DDI0487 VBAR_EL1", "VBAR_EL1 is kept", SYSREG(3, 0, 12, 0, 0), 0 },
    { "DDI0487 MAIR_EL1", "MAIR_EL1 is kept", SYSREG(3, 0, 10, 2, 0), 0 },
    { "DDI0487 TCR_EL1", "TCR_EL1 is kept", SYSREG(3, 0, 2, 0, 2), 0 },
    { "DDI0487 TTBR0_EL1", "TTBR0_EL1 is kept", SYSREG(3, 0, 2, 0, 0), 0 },
    { "DDI0487 SCTLR_EL1", "SCTLR_EL1 is kept", SYSREG(3, 0, 1, 0, 0), 0 },
    { "DDI0487 CPACR_EL1", "CPACR_EL1 is kept", SYSREG(3, 0, 1, 0, 2), 0 },
};

/*
 * MSR; something that leaves the guest for the hypervisor; MRS, with no instruction between that would change the register:
 * code of its own, so that no exception entry of ours happens in between.
 */
static uint64_t write_exit_read(uint32_t sysreg, uint64_t value, uint32_t leave)
{
    uint32_t *code = this_cpu()->code + 16;
    code[0] = INSN_MSR(sysreg) | 9; /* x9 = the value */
    code[1] = 0xd5033fdf;           /* ISB */
    code[2] = leave;
    code[3] = INSN_MRS(sysreg) | 10; /* x10 = what is there */
    code[4] = INSN_RET;
    icache_sync((uint64_t)code, 20);
    uint64_t result;
    __asm__ volatile("mov x9, %1\n mov x11, %2\n ldr w0, =0x84000000\n mov x1, %3\n blr x11\n mov %0, x10"
                     : "=r"(result)
                     : "r"(value), "r"(code), "r"(GICD + GICD_TYPER)
                     : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
                       "x15", "x16", "x17", "x18", "x30", "memory");
    return result;
}

static uint64_t sysreg_read(uint32_t sysreg)
{
    return insn_catch(INSN_MRS(sysreg), 0, 0).result;
}

/* Mask 0: the register is in use, its own value is written back. A pattern else. */
static uint64_t pattern_for(const struct context_register *r, uint64_t pattern)
{
    return r->mask ? pattern & r->mask : sysreg_read(r->sysreg);
}

static void over_exits(void)
{
    static const uint32_t leaves[] = { INSN_HVC(0), 0xb9400021 /* LDR W1, [X1]: the distributor */,
                                       0xd5033f9f /* DSB SY */ };
    for (unsigned int i = 0; i < ARRAY_LEN(registers); i++) {
        const struct context_register *r = &registers[i];
        uint64_t before = sysreg_read(r->sysreg), got = 0, want = 0;
        for (unsigned int l = 0; l < ARRAY_LEN(leaves) && got == want; l++) {
            want = pattern_for(r, UINT64_C(0x5aa5c33c96690ff0));
            got = write_exit_read(r->sysreg, want, leaves[l]);
            if (got == want && r->mask) {
                want = pattern_for(r, UINT64_C(0xa55a3cc36996f00f));
                got = write_exit_read(r->sysreg, want, leaves[l]);
            }
        }
        if (r->mask)
            insn_catch(INSN_MSR(r->sysreg), before, 0);
        check_eq(got, want, r->section, r->name);
    }
}

static volatile uint64_t running;

/* Keeps its own pattern in a few registers while all others do the same. */
static uint64_t keep(uint64_t rounds)
{
    uint64_t bad = 0, mine = this_cpu()->mpidr * 0x1111 + 0x77;
    running++;
    for (uint64_t i = 0; i < rounds; i++) {
        msr(tpidr_el0, mine + i);
        msr(tpidrro_el0, mine - i);
        msr(contextidr_el1, (mine ^ i) & 0xffff);
        msr(cntv_cval_el0, ~mine + i);
        isb();
        hvc(PSCI_VERSION, 0, 0, 0);
        read32(GICD + GICD_TYPER);
        bad += mrs(tpidr_el0) != mine + i || mrs(tpidrro_el0) != mine - i;
        bad += mrs(contextidr_el1) != ((mine ^ i) & 0xffff) || mrs(cntv_cval_el0) != ~mine + i;
    }
    return bad;
}

static void beside_others(void)
{
    if (cpu_count < 2) {
        check_skip("DDI0487 System registers", "each core has registers of its own", NEEDS_CORES);
        return;
    }
    cpus_start_all();
    for (unsigned int i = 1; i < cpu_count; i++)
        cpu_post(i, keep, 2000);
    uint64_t bad = keep(2000);
    bool done = true;
    for (unsigned int i = 1; i < cpu_count; i++) {
        done &= cpu_wait(i, 20000);
        bad += cpus[i].job_result;
    }
    check(done, "DDI0487 System registers", "all cores came to the end");
    check_eq(bad, 0, "DDI0487 System registers", "each core has registers of its own");
}

/* All of x0-x30 over a trapped access that writes only its target. */
static void general_registers(void)
{
    uint64_t bad;
    __asm__ volatile(
        "mov x9, %1\n mov x19, #19\n mov x20, #20\n mov x21, #21\n mov x22, #22\n mov x23, #23\n mov x24, #24\n"
        "mov x25, #25\n mov x26, #26\n mov x27, #27\n mov x28, #28\n mov x1, #1\n mov x2, #2\n mov x3, #3\n mov x4, "
        "#4\n"
        "mov x5, #5\n mov x6, #6\n mov x7, #7\n mov x8, #8\n mov x11, #11\n mov x12, #12\n mov x13, #13\n mov x14, "
        "#14\n"
        "mov x15, #15\n mov x16, #16\n mov x17, #17\n mov x18, #18\n ldr w10, [x9]\n"
        "sub x0, x1, #1\n sub x2, x2, #2\n orr x0, x0, x2\n sub x3, x3, #3\n orr x0, x0, x3\n sub x4, x4, #4\n"
        "orr x0, x0, x4\n sub x5, x5, #5\n orr x0, x0, x5\n sub x6, x6, #6\n orr x0, x0, x6\n sub x7, x7, #7\n"
        "orr x0, x0, x7\n sub x8, x8, #8\n orr x0, x0, x8\n sub x11, x11, #11\n orr x0, x0, x11\n sub x12, x12, #12\n"
        "orr x0, x0, x12\n sub x13, x13, #13\n orr x0, x0, x13\n sub x14, x14, #14\n orr x0, x0, x14\n"
        "sub x15, x15, #15\n orr x0, x0, x15\n sub x16, x16, #16\n orr x0, x0, x16\n sub x17, x17, #17\n"
        "orr x0, x0, x17\n sub x18, x18, #18\n orr x0, x0, x18\n sub x19, x19, #19\n orr x0, x0, x19\n"
        "sub x20, x20, #20\n orr x0, x0, x20\n sub x21, x21, #21\n orr x0, x0, x21\n sub x22, x22, #22\n"
        "orr x0, x0, x22\n sub x23, x23, #23\n orr x0, x0, x23\n sub x24, x24, #24\n orr x0, x0, x24\n"
        "sub x25, x25, #25\n orr x0, x0, x25\n sub x26, x26, #26\n orr x0, x0, x26\n sub x27, x27, #27\n"
        "orr x0, x0, x27\n sub x28, x28, #28\n orr %0, x0, x28"
        : "=r"(bad)
        : "r"(GICD + GICD_TYPER)
        : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
          "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "memory");
    check_eq(bad, 0, "DDI0487 General-purpose registers", "a trapped load changes its target alone");
}

static void sysregs(void)
{
    over_exits();
    general_registers();
    beside_others();
    msr(cntv_ctl_el0, 0);
}
SUBJECT(110, "sysregs", sysregs);
