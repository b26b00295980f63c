/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kind of load and store against emulated registers, and against nothing. A register of the PL011 that holds 16 bits
 * (UARTIBRD), a distributor word that takes bytes (IPRIORITYR) and a 64-bit one (IROUTER) are the targets.
 */
#include "tests/guest/conformance/conformance.h"

#define UARTIBRD (UART_BASE + 0x24)
#define SPI_A 220
#define PRIORITY_WORD (GICD + GICD_IPRIORITYR + SPI_A)
#define ROUTER (GICD + GICD_IROUTER + 8 * SPI_A)
#define SEC_LOAD "DDI0487 Load/store instructions, Device memory"
#define OLD UINT64_C(0xaaaaaaaaaaaaaaaa)

/* Loads of x0 from [x1]. */
struct load {
    const char *name, *nowhere;
    uint32_t insn;
    uint64_t address, want;
};

static const struct load loads[] = {
    { "LDRB", "LDRB of nothing", 0x39400020, UARTIBRD, 0x80 },
    { "LDRSB, 32 bits", "LDRSB of nothing, 32 bits", 0x39c00020, UARTIBRD, 0xffffff80 },
    { "LDRSB, 64 bits", "LDRSB of nothing, 64 bits", 0x39800020, UARTIBRD, UINT64_C(0xffffffffffffff80) },
    { "LDRH", "LDRH of nothing", 0x79400020, UARTIBRD, 0xf180 },
    { "LDRSH, 32 bits", "LDRSH of nothing, 32 bits", 0x79c00020, UARTIBRD, 0xfffff180 },
    { "LDRSH, 64 bits", "LDRSH of nothing, 64 bits", 0x79800020, UARTIBRD, UINT64_C(0xfffffffffffff180) },
    { "LDR, 32 bits", "LDR of nothing, 32 bits", 0xb9400020, PRIORITY_WORD, 0xf0c08010 },
    { "LDRSW", "LDRSW of nothing", 0xb9800020, PRIORITY_WORD, UINT64_C(0xfffffffff0c08010) },
    { "LDRB of the third byte", "LDRB of nothing, third byte", 0x39400820, PRIORITY_WORD, 0xc0 },
    { "LDRSB of the fourth byte", "LDRSB of nothing, fourth byte", 0x39800c20, PRIORITY_WORD,
      UINT64_C(0xfffffffffffffff0) },
    { "LDR, 64 bits", "LDR of nothing, 64 bits", 0xf9400020, ROUTER, 0x1234567 & 0xffffff },
    { "LDUR", "LDUR of nothing", 0xb8400020, PRIORITY_WORD, 0xf0c08010 },
    { "LDR with register offset", "LDR of nothing with register offset", 0xb87f6820, PRIORITY_WORD, 0xf0c08010 },
    { "LDAR", "LDAR of nothing", 0x88dffc20, PRIORITY_WORD, 0xf0c08010 },
    { "LDARB", "LDARB of nothing", 0x08dffc20, PRIORITY_WORD, 0x10 },
};

static void targets_fill(void)
{
    write32(UARTIBRD, 0xf180);
    write32(PRIORITY_WORD, 0xf0c08010);
    if (gic_version() == 3)
        write64(ROUTER, 0x234567);
}

/* A GICv2 has no register of 64 bits. */
static bool has_target(uint64_t address, const char *name)
{
    if (address != ROUTER || gic_version() == 3)
        return true;
    check_skip(SEC_LOAD, name, NOT_A_GICV3);
    return false;
}

/* x0 = old value, x1 = the address. */
static struct exception run(uint32_t insn, uint64_t x0, uint64_t x1)
{
    return insn_catch(insn, x0, x1);
}

static void loads_check(void)
{
    targets_fill();
    for (unsigned int i = 0; i < ARRAY_LEN(loads); i++) {
        if (!has_target(loads[i].address, loads[i].name))
            continue;
        struct exception e = run(loads[i].insn, OLD, loads[i].address);
        check_eq(e.taken ? e.esr : e.result, loads[i].want, SEC_LOAD, loads[i].name);
    }
    for (unsigned int i = 0; i < ARRAY_LEN(loads); i++) {
        struct exception e = run(loads[i].insn, OLD, NOWHERE);
        bool good = e.taken && (e.esr & ESR_ABORT_MASK) == esr_make(EC_DABT_SAME, FSC_SEA) && e.elr == insn_address() &&
                    align_down(e.far, 4) == NOWHERE && e.x[0] == OLD && e.x[1] == NOWHERE;
        check(good, "DDI0487 ISS encoding for an exception from a Data Abort", loads[i].nowhere);
        if (!good)
            print("# taken %u ESR 0x%lx FAR 0x%lx x0 0x%lx x1 0x%lx\n", e.taken, e.esr, e.far, e.x[0], e.x[1]);
    }
}

/* Stores of x0 to [x1]: where, what the register was, the value, what it is then (read as a word). */
struct store {
    const char *name, *nowhere;
    uint32_t insn;
    uint64_t address, value;
    uint32_t want;
};

static const struct store stores[] = {
    { "STRB", "STRB to nothing", 0x39000020, PRIORITY_WORD, 0x1234567890abcd58, 0xf0c08058 },
    { "STRB to the third byte", "STRB to nothing, third byte", 0x39000820, PRIORITY_WORD, 0x28, 0xf0288010 },
    { "STRH", "STRH to nothing", 0x79000020, UARTIBRD, 0xffff1234, 0x1234 },
    { "STR, 32 bits", "STR to nothing, 32 bits", 0xb9000020, PRIORITY_WORD, UINT64_C(0xdeadbeef10203040), 0x10203040 },
    { "STR, 64 bits", "STR to nothing, 64 bits", 0xf9000020, ROUTER, 0x345678, 0x345678 },
    { "STUR", "STUR to nothing", 0xb8000020, PRIORITY_WORD, 0x50607080, 0x50607080 },
    { "STLR", "STLR to nothing", 0x889ffc20, PRIORITY_WORD, 0x50607080, 0x50607080 },
    { "STR with register offset", "STR to nothing with register offset", 0xb83f6820, PRIORITY_WORD, 0x88887878,
      0x88887878 },
    { "STR of WZR", "STR of WZR to nothing", 0xb900003f, PRIORITY_WORD, 0, 0 },
};

static void stores_check(void)
{
    for (unsigned int i = 0; i < ARRAY_LEN(stores); i++) {
        if (!has_target(stores[i].address, stores[i].name))
            continue;
        targets_fill();
        struct exception e = run(stores[i].insn, stores[i].value, stores[i].address);
        check_eq(e.taken ? e.esr : read32(stores[i].address), stores[i].want, SEC_LOAD, stores[i].name);
    }
    for (unsigned int i = 0; i < ARRAY_LEN(stores); i++) {
        struct exception e = run(stores[i].insn, OLD, NOWHERE);
        bool good = e.taken && (e.esr & ESR_ABORT_MASK) == esr_make(EC_DABT_SAME, FSC_SEA | ISS_WNR) &&
                    e.elr == insn_address() && align_down(e.far, 4) == NOWHERE;
        check(good, "DDI0487 ISS encoding for an exception from a Data Abort", stores[i].nowhere);
        if (!good)
            print("# taken %u ESR 0x%lx FAR 0x%lx ELR 0x%lx\n", e.taken, e.esr, e.far, e.elr);
    }
}

/*
 * What has no syndrome at EL2 may be emulated or answered with an external abort, but leaves the base register as it was
 * in the second case. x0 and x1 after it are looked at.
 */
struct odd {
    const char *name;
    uint32_t insn;
    uint64_t address, want_x0, want_x1;
    uint64_t writes;
};

static const struct odd odds[] = {
    { "LDR, post-index: done in full or not at all", 0xb8404420, PRIORITY_WORD, 0xf0c08010, 0, 0 },
    { "LDR, pre-index: done in full or not at all", 0xb8404c20, PRIORITY_WORD - 4, 0xf0c08010, 0, 0 },
    { "STR, post-index: done in full or not at all", 0xb8004420, PRIORITY_WORD, OLD, 0, 1 },
    { "STR, pre-index: done in full or not at all", 0xb8004c20, PRIORITY_WORD - 4, OLD, 0, 1 },
    { "LDP: done in full or not at all", 0x29400820, PRIORITY_WORD, 0xf0c08010, 1, 0 },
    { "STP: done in full or not at all", 0x29000020, PRIORITY_WORD, OLD, 1, 1 },
    { "LDPSW: done in full or not at all", 0x69400820, PRIORITY_WORD, UINT64_C(0xfffffffff0c08010), 1, 0 },
    { "LDXR: done or refused", 0x885f7c20, PRIORITY_WORD, 0xf0c08010, 1, 0 },
    { "LDR literal forms aside, LDAXR: done or refused", 0x885ffc20, PRIORITY_WORD, 0xf0c08010, 1, 0 },
};

#define FSC_EXCLUSIVE 0x35

/* The address register afterwards travels through x[1]; the code buffer returns x0, so a second instruction keeps x1. */
static void odds_check(void)
{
    for (unsigned int i = 0; i < ARRAY_LEN(odds); i++) {
        const struct odd *o = &odds[i];
        targets_fill();
        struct exception e = run(o->insn, OLD, o->address);
        uint64_t fsc = field_get(ISS_FSC, e.esr);
        bool refused = e.taken && field_get(ESR_EC, e.esr) == EC_DABT_SAME &&
                       (fsc == FSC_SEA || fsc == FSC_EXCLUSIVE) && e.elr == insn_address() && e.x[1] == o->address &&
                       e.x[0] == OLD;
        bool done =
            !e.taken && e.result == o->want_x0 &&
            (!o->writes || read32(PRIORITY_WORD) == (OLD & 0xf8f8f8f8) || read32(PRIORITY_WORD) == (uint32_t)OLD);
        check(refused || done, "DDI0487 ISS encoding for an exception from a Data Abort, ISV", o->name);
        if (!refused && !done)
            print("# taken %u ESR 0x%lx x0 0x%lx x1 0x%lx result 0x%lx\n", e.taken, e.esr, e.x[0], e.x[1], e.result);
        struct exception n = run(o->insn, OLD, NOWHERE);
        check(n.taken && (n.esr & ESR_ABORT_MASK & ~ISS_WNR) == esr_make(EC_DABT_SAME, FSC_SEA) && n.x[1] == NOWHERE &&
                  n.x[0] == OLD,
              "DDI0487 ISS encoding for an exception from a Data Abort, ISV",
              "the same of nothing: aborts, base register unchanged");
    }
}

/* Post-index with the base read back: LDR W0, [X1], #4 then MOV X0, X1. */
static void write_back(void)
{
    targets_fill();
    uint32_t *code = this_cpu()->code;
    code[8] = 0xb8404420;
    code[9] = 0xaa0103e0;
    code[10] = INSN_RET;
    icache_sync((uint64_t)&code[8], 12);
    struct exception e = exception_catch((caught_fn)(uint64_t)&code[8], 0, PRIORITY_WORD);
    check(e.taken || e.result == PRIORITY_WORD + 4, "DDI0487 LDR (immediate), post-index",
          "a load that was done wrote its base back");
    code[8] = 0xb9400020 | 31; /* LDR WZR, [X1] */
    icache_sync((uint64_t)&code[8], 12);
    e = exception_catch((caught_fn)(uint64_t)&code[8], 0, PRIORITY_WORD);
    check(!e.taken && e.result == PRIORITY_WORD, "DDI0487 LDR (immediate)", "a load to XZR changes no register");
}

static void from_el0(void)
{
    targets_fill();
    struct exception e = insn_catch_el0(0xb9400020, OLD, el0_address(PRIORITY_WORD));
    check_eq(e.taken ? e.esr : e.result, 0xf0c08010, SEC_LOAD, "LDR from EL0");
    e = insn_catch_el0(0x39800020, OLD, el0_address(UARTIBRD));
    check_eq(e.taken ? e.esr : e.result, UINT64_C(0xffffffffffffff80), SEC_LOAD, "LDRSB from EL0");
    e = insn_catch_el0(0xb9000020, 0x18181818, el0_address(PRIORITY_WORD));
    check_eq(e.taken ? e.esr : read32(PRIORITY_WORD), 0x18181818, SEC_LOAD, "STR from EL0");
    e = insn_catch_el1t(0xb9400020, OLD, PRIORITY_WORD);
    check_eq(e.taken ? e.esr : e.result, 0x18181818, SEC_LOAD, "LDR from EL1t");
}

/* EL0's data is big endian with SCTLR_EL1.E0E, where the core has it: so are its accesses to devices. */
static void big_endian(void)
{
    uint64_t mmfr0 = mrs(id_aa64mmfr0_el1), sctlr = mrs(sctlr_el1);
    if (!idreg_field(mmfr0, 8) && !idreg_field(mmfr0, 16)) {
        check_skip("DDI0487 SCTLR_EL1.E0E", "big endian accesses from EL0", "no mixed-endian support");
        return;
    }
    targets_fill();
    msr(sctlr_el1, sctlr | BIT(24));
    isb();
    struct exception word = insn_catch_el0(0xb9400020, OLD, el0_address(PRIORITY_WORD));
    struct exception half = insn_catch_el0(0x79c00020, OLD, el0_address(UARTIBRD));
    struct exception byte = insn_catch_el0(0x39800c20, OLD, el0_address(PRIORITY_WORD));
    struct exception store = insn_catch_el0(0xb9000020, 0x10203040, el0_address(PRIORITY_WORD));
    msr(sctlr_el1, sctlr);
    isb();
    check_eq(word.taken ? word.esr : word.result, 0x1080c0f0, "DDI0487 SCTLR_EL1.E0E", "big endian LDR from EL0");
    check_eq(half.taken ? half.esr : half.result, 0xffff80f1, "DDI0487 SCTLR_EL1.E0E", "big endian LDRSH from EL0");
    check_eq(byte.taken ? byte.esr : byte.result, UINT64_C(0xfffffffffffffff0), "DDI0487 SCTLR_EL1.E0E",
             "LDRSB has no endianness");
    check_eq(store.taken ? store.esr : read32(PRIORITY_WORD), 0x40302010, "DDI0487 SCTLR_EL1.E0E",
             "big endian STR from EL0");
}

/* Hints and maintenance on a device, and where nothing is: no harm. */
static void harmless(void)
{
    struct exception e = run(0xf9800020, 0, NOWHERE); /* PRFM PLDL1KEEP, [X1] */
    check(!e.taken, "DDI0487 PRFM (immediate)", "a prefetch of nothing does not fault");
    e = run(0xf9800020, 0, GICD);
    check(!e.taken, "DDI0487 PRFM (immediate)", "a prefetch of a device does not fault");
    static const uint32_t maintenance[] = { 0xd50b7a21, 0xd50b7b21, 0xd50b7e21, 0xd5087621 };
    static const char *const names[] = { "DC CVAC where nothing is: done or an abort with CM",
                                         "DC CVAU where nothing is: done or an abort with CM",
                                         "DC CIVAC where nothing is: done or an abort with CM",
                                         "DC IVAC where nothing is: done or an abort with CM" };
    for (unsigned int i = 0; i < ARRAY_LEN(maintenance); i++) {
        e = run(maintenance[i], 0, NOWHERE_NORMAL);
        check(!e.taken || (field_get(ESR_EC, e.esr) == EC_DABT_SAME && (e.esr & ISS_CM) && e.elr == insn_address()),
              "DDI0487 ISS encoding for an exception from a Data Abort, CM", names[i]);
    }
    e = run(0xd50b7e21, 0, UART_BASE);
    check(!e.taken, "DDI0487 DC CIVAC", "DC CIVAC on a device does not fault");
    e = run(0xd50b7520 | 1, 0, NOWHERE_NORMAL);
    check(!e.taken || field_get(ESR_EC, e.esr) == EC_DABT_SAME, "DDI0487 IC IVAU", "IC IVAU where nothing is");
}

static void mmio(void)
{
    loads_check();
    stores_check();
    odds_check();
    write_back();
    from_el0();
    big_endian();
    harmless();
    write32(UARTIBRD, 13);
}
SUBJECT(150, "mmio", mmio);
