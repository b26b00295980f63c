/* SPDX-License-Identifier: Apache-2.0 */
/* AArch32 at EL0, where the core has it: exceptions by their own vector, traps, emulated accesses in A32 and T32. */
#include "tests/guest/conformance/conformance.h"

/* Windows of EL0 below 4 GiB: the devices at 2 GiB, RAM at 3 GiB. */
#define DEVICES GIB(2)
#define RAM GIB(3)
#define RAM_PA GIB(1)
#define NOWHERE_32 (DEVICES + NOWHERE)
#define SPI_A 220
#define PRIORITY_WORD (GICD + GICD_IPRIORITYR + SPI_A)
/* Bit 9 is D in AArch64 and E, the endianness of data, here. */
#define PSTATE_E BIT(9)
#define A32 ((PSTATE_DAIF & ~PSTATE_E) | PSTATE_AA32_USR)
#define T32 (A32 | BIT(5))
#define PSTATE_Z BIT(30)
#define A32_SVC(n) (0xef000000u | (n))
#define EC_CP15_32 0x03
#define EC_CP15_64 0x04
#define EC_BKPT32 0x38
#define UNDER "AArch64 only"

static uint32_t program[16] __attribute__((aligned(64)));

static uint64_t low(uint64_t address)
{
    return address - RAM_PA + RAM;
}

/* Runs words of A32 (or packed halfwords of T32) and an SVC #0x55 or what they end with. */
static struct exception run(const uint32_t *words, unsigned int n, uint64_t pstate, uint64_t r0, uint64_t r1)
{
    for (unsigned int i = 0; i < n; i++)
        program[i] = words[i];
    for (unsigned int i = n; i < ARRAY_LEN(program); i++)
        program[i] = pstate & BIT(5) ? 0xdf55df55 : A32_SVC(0x55);
    icache_sync((uint64_t)program, sizeof(program));
    return el0_catch(low((uint64_t)program), pstate, r0, r1);
}

static struct exception run_one(uint32_t insn, uint64_t r0, uint64_t r1)
{
    return run(&insn, 1, A32, r0, r1);
}

static bool ended(const struct exception *e)
{
    return e->taken && field_get(ESR_EC, e->esr) == EC_SVC32 && (e->esr & 0xffff) == 0x55;
}

static void check_result(struct exception e, uint64_t want, const char *section, const char *name)
{
    check_eq(ended(&e) ? e.x[0] : ~e.esr, want, section, name);
}

static void exceptions(void)
{
    struct exception e = run_one(A32_SVC(0x12), 0, 0);
    uint64_t pc = low((uint64_t)program);
    check_eq(e.esr, esr_make(EC_SVC32, 0x12), "DDI0487 SVC, AArch32", "SVC: EC 0x11 and its immediate");
    check_eq(e.vector, VECTOR_FROM_EL0_AA32, "DDI0487 Exception vectors", "from the vector of AArch32");
    check_eq(e.elr, pc + 4, "DDI0487 SVC, AArch32", "ELR is the next instruction");
    check_eq(e.spsr & 0x1f, PSTATE_AA32_USR, "DDI0487 SPSR_EL1", "SPSR.M is AArch32 User mode");
    e = run_one(0xe7f000f0, 0, 0);
    check_eq(e.esr & ~ESR_IL, 0, "DDI0487 UDF, AArch32", "UDF: EC 0");
    check_eq(e.elr, pc, "DDI0487 UDF, AArch32", "ELR is the UDF");
    e = run_one(0xe1400070, 0, 0);
    check_eq(e.esr & ~ESR_IL, 0, "DDI0487 HVC, AArch32", "HVC is UNDEFINED at EL0");
    e = run_one(0xe1600070, 0, 0);
    check_eq(e.esr & ~ESR_IL, 0, "DDI0487 SMC, AArch32", "SMC is UNDEFINED at EL0");
    e = run_one(0xe1200070, 0, 0);
    check_eq(field_get(ESR_EC, e.esr), EC_BKPT32, "DDI0487 BKPT, AArch32", "BKPT: EC 0x38");
    uint32_t thumb = 0xbf00df34; /* SVC #0x34; NOP */
    e = run(&thumb, 1, T32, 0, 0);
    check_eq(e.esr & ~ESR_IL, (uint64_t)EC_SVC32 << 26 | 0x34, "DDI0487 SVC, AArch32", "SVC in T32");
    check_eq(e.elr, pc + 2, "DDI0487 SVC, AArch32", "ELR behind a T32 SVC");
    check_eq(e.spsr & 0x3f, 0x30, "DDI0487 SPSR_EL1.T", "SPSR.T is set");
}

static void check_abort(struct exception e, uint64_t esr, uint64_t far, uint64_t elr, const char *name)
{
    bool good =
        e.taken && (e.esr & ESR_ABORT_MASK) == esr && e.far == far && e.elr == elr && e.vector == VECTOR_FROM_EL0_AA32;
    tap_check(good, "DDI0487 Exceptions from AArch32 EL0 to AArch64 EL1", name);
    if (!good)
        print("# ESR 0x%lx want 0x%lx FAR 0x%lx ELR 0x%lx want 0x%lx vector %u\n", e.esr, esr, e.far, e.elr, elr,
              e.vector);
}

static void aborts(void)
{
    uint64_t pc = low((uint64_t)program);
    check_abort(run_one(0xe5910000, 0, NOWHERE_32), esr_make(EC_DABT_LOWER, FSC_SEA), NOWHERE_32, pc, "LDR of nothing");
    check_abort(run_one(0xe5810000, 0, NOWHERE_32), esr_make(EC_DABT_LOWER, FSC_SEA | ISS_WNR), NOWHERE_32, pc,
                "STR to nothing");
    check_abort(run_one(0xe12fff11, 0, NOWHERE_32), esr_make(EC_IABT_LOWER, FSC_SEA), NOWHERE_32, NOWHERE_32,
                "BX to nothing");
    uint32_t thumb = 0xdf556808; /* LDR R0, [R1]; SVC */
    struct exception e = run(&thumb, 1, T32, 0, NOWHERE_32);
    e.esr |= ESR_IL;
    check_abort(e, esr_make(EC_DABT_LOWER, FSC_SEA), NOWHERE_32, pc, "LDR of nothing in T32");
    uint32_t skipped = 0x05910000; /* LDREQ R0, [R1] */
    check_result(run(&skipped, 1, A32, 0x77, NOWHERE_32), 0x77, "DDI0487 Conditional execution",
                 "a load whose condition fails does nothing");
    check_abort(run(&skipped, 1, A32 | PSTATE_Z, 0x77, NOWHERE_32), esr_make(EC_DABT_LOWER, FSC_SEA), NOWHERE_32, pc,
                "a load whose condition holds");
}

static void accesses(void)
{
    write32(PRIORITY_WORD, 0xf0c08010);
    uint64_t at = DEVICES + PRIORITY_WORD;
    static const char *const section = "DDI0487 Load/store instructions, AArch32, Device memory";
    check_result(run_one(0xe5910000, ~UINT64_C(0), at), 0xf0c08010, section, "LDR: upper half zero");
    check_result(run_one(0xe5d10001, 0, at), 0x80, section, "LDRB");
    check_result(run_one(0xe1d100d1, 0, at), 0xffffff80, section, "LDRSB: sign to 32 bits only");
    write32(UART_BASE + 0x24, 0xf180);
    check_result(run_one(0xe1d100b0, 0, DEVICES + UART_BASE + 0x24), 0xf180, section, "LDRH");
    check_result(run_one(0xe1d100f0, 0, DEVICES + UART_BASE + 0x24), 0xfffff180, section,
                 "LDRSH: sign to 32 bits only");
    write32(UART_BASE + 0x24, 13);
    struct exception e = run_one(0xe5810000, 0x18202830, at);
    check_eq(ended(&e) ? read32(PRIORITY_WORD) : 0, 0x18202830, section, "STR");
    e = run_one(0xe5c10002, 0x78, at);
    check_eq(ended(&e) ? read32(PRIORITY_WORD) : 0, 0x18782830, section, "STRB");
    uint32_t thumb = 0xdf556808; /* LDR R0, [R1]; SVC #0x55 */
    e = run(&thumb, 1, T32, 0, at);
    check_result(e, 0x18782830, section, "LDR in T32, 16 bits");
    check_eq(e.elr, low((uint64_t)program) + 4, section, "goes on two bytes further");
    thumb = 0x0000f8d1; /* LDR.W R0, [R1] */
    e = run(&thumb, 1, T32, 0, at);
    check_result(e, 0x18782830, section, "LDR in T32, 32 bits");
    check_eq(e.elr, low((uint64_t)program) + 6, section, "goes on four bytes further");
    /* ITE EQ; LDREQ R0, [R1]; MOVNE R0, #7; SVC: the IT state moves on with the emulated load. */
    static const uint32_t it[] = { 0x6808bf0c, 0xdf552007 };
    check_result(run(it, 2, T32 | PSTATE_Z, 0, at), 0x18782830, "DDI0487 IT block",
                 "the IT state goes on behind a trapped load");
    uint32_t load = 0xe5910000, store = 0xe5810000;
    check_result(run(&load, 1, A32 | PSTATE_E, 0, at), 0x30287818, "DDI0487 PSTATE.E", "LDR with PSTATE.E: big endian");
    e = run(&store, 1, A32 | PSTATE_E, 0x18782830, at);
    check_eq(ended(&e) ? read32(PRIORITY_WORD) : 0, 0x30287818, "DDI0487 PSTATE.E", "STR with PSTATE.E: big endian");
    write32(PRIORITY_WORD, 0x18782830);
    e = run_one(0xe8910005, 0x99, at); /* LDM R1, {R0, R2}: no syndrome */
    bool refused = e.taken && field_get(ESR_EC, e.esr) == EC_DABT_LOWER && field_get(ISS_FSC, e.esr) == FSC_SEA;
    check((ended(&e) && e.x[0] == 0x18782830) || refused, section, "LDM: done in full or refused");
}

static void traps(void)
{
    uint64_t before = mrs(cntkctl_el1), sctlr = mrs(sctlr_el1);
    msr(cntkctl_el1, 0);
    isb();
    struct exception e = run_one(0xec510f1e, 0, 0); /* MRRC p15, 1, R0, R1, c14: CNTVCT */
    check_eq(field_get(ESR_EC, e.esr), EC_CP15_64, "DDI0487 CNTKCTL_EL1", "CNTVCT traps without EL0VCTEN: EC 4");
    e = run_one(0xee1e0f10, 0, 0); /* MRC p15, 0, R0, c14, c0, 0: CNTFRQ */
    check_eq(field_get(ESR_EC, e.esr), EC_CP15_32, "DDI0487 CNTKCTL_EL1", "CNTFRQ traps without EL0VCTEN: EC 3");
    msr(cntkctl_el1, BIT(0) | BIT(1));
    isb();
    check_result(run_one(0xee1e0f10, 0, 0), mrs(cntfrq_el0) & 0xffffffff, "DDI0487 CNTFRQ",
                 "CNTFRQ is readable with EL0VCTEN");
    uint64_t start = timer_count();
    e = run_one(0xec510f1e, 0, 0);
    uint64_t count = e.x[0] | e.x[1] << 32;
    check(ended(&e) && count >= start && count <= timer_count(), "DDI0487 CNTVCT", "CNTVCT is the virtual count");
    msr(cntkctl_el1, before);
    e = run_one(0xee100f10, 0, 0); /* MRC p15, 0, R0, c0, c0, 0: MIDR */
    check_eq(e.esr & ~ESR_IL, 0, "DDI0487 MIDR, AArch32", "MIDR is UNDEFINED at EL0");
    e = run_one(0xee190f1c, 0, 0); /* MRC p15, 0, R0, c9, c12, 0: PMCR */
    check(e.taken && !ended(&e), "DDI0487 PMCR, AArch32", "the PMU is not open to EL0");
    msr(sctlr_el1, sctlr & ~SCTLR_NTWI);
    isb();
    e = run_one(0xe320f003, 0, 0);
    check_eq(field_get(ESR_EC, e.esr), EC_WFX, "DDI0487 SCTLR_EL1.nTWI", "WFI traps with nTWI 0");
    msr(sctlr_el1, sctlr);
    isb();
    msr(tpidr_el0, 0x12345678);
    check_result(run_one(0xee1d0f50, 0, 0), 0x12345678, "DDI0487 TPIDRURW", "TPIDRURW is TPIDR_EL0");
}

/* DBGDIDR at EL0, or what came instead. */
static uint64_t debug_id(uint64_t arg)
{
    struct exception e = run_one(0xee100e10, arg, 0); /* MRC p14, 0, R0, c0, c0, 0 */
    return ended(&e) ? e.x[0] : ~e.esr;
}

/* Whether the core has used its debug registers before makes no difference. */
static void debug_registers(void)
{
    uint64_t own = debug_id(0), fresh = own;
    check_eq_if(idreg_field(mrs(id_aa64pfr0_el1), 4) == 2, "the core need not have it: AArch32 at EL0 alone", own >> 32,
                0, "DDI0487 DBGDIDR", "DBGDIDR is readable at EL0 with TDCC 0");
    if (cpu_count > 1) {
        cpu_stop(1);
        cpu_start(1);
        fresh = cpu_call(1, debug_id, 0);
        cpu_stop(1);
    }
    check_eq_if(cpu_count > 1, NEEDS_CORES, fresh, own, "DDI0487 DBGDIDR", "on a core that was started just now too");
}

static void aarch32(void)
{
    if (idreg_field(mrs(id_aa64pfr0_el1), 0) != 2) {
        check_skip("DDI0487 ID_AA64PFR0_EL1.EL0", "AArch32 at EL0", UNDER);
        return;
    }
    uint64_t two = mmu_entry_set(DEVICES, mmu_block(0, 1, true)),
             three = mmu_entry_set(RAM, mmu_block(RAM_PA, 3, true));
    exceptions();
    aborts();
    accesses();
    traps();
    debug_registers();
    mmu_entry_set(DEVICES, two);
    mmu_entry_set(RAM, three);
}
SUBJECT(500, "aarch32", aarch32);
