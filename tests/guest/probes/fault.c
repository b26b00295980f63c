/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does what a guest may not do, one after the other as do=<word,word,...> says, and tells what came of it:
 *   jump load store undef hvc smc sysreg      report one line each and go on
 *   moves                                     loads and stores that move their base register, where the VM has what is nowhere ignored
 *   post pair swpost                          accesses whose abort has no syndrome: with write-back, of a pair, and a pair's write with both
 *   everywhere                                starts all other cores, which compute for ever
 *   loop sleep storm jumpbare fill            never come back: spinning, WFI with nothing to wake it, exceptions without end,
 *                                             the same by a vector that is nowhere, output without end
 *   off reset                                 PSCI
 */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/fdt.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/psci.h"
#include "tests/guest/lib/regs.h"

#define NOWHERE UINT64_C(0x3f000000)
#define HVC_UNKNOWN 0x8600ff0f
#define LDR_W 0xb9400000u
#define STR_W 0xb9000001u
#define BR_X0 0xd61f0000u

struct deed {
    const char *name;
    void (*run)(void);
};

static void tell(const char *what, const struct exception *e)
{
    if (e->taken)
        print("FAULT %s: ESR 0x%lx FAR 0x%lx ELR 0x%lx\n", what, e->esr, e->far, e->elr);
    else
        print("FAULT %s: x0 0x%lx\n", what, e->result);
}

static void insn(const char *what, uint32_t code, uint64_t a)
{
    struct exception e = insn_catch(code, a, 0);
    tell(what, &e);
}

static void do_jump(void)
{
    insn("jump", BR_X0, NOWHERE);
}

static void do_load(void)
{
    insn("load", LDR_W, NOWHERE);
}

static void do_store(void)
{
    insn("store", STR_W, NOWHERE);
}

static void told_move(const char *what, uint64_t first, uint64_t second, uint64_t base)
{
    print("FAULT %s: 0x%lx 0x%lx base %ld\n", what, first, second, (int64_t)(base - NOWHERE));
}

/* Their aborts have no syndrome. */
static void do_moves(void)
{
    uint64_t base = NOWHERE, a = 0, b = 0;
    __asm__ volatile("ldr %w1, [%0], #4" : "+r"(base), "+r"(a)::"memory");
    told_move("post-index", a, b, base);
    __asm__ volatile("ldrsb %w1, [%0, #-4]!" : "+r"(base), "+r"(a)::"memory");
    told_move("pre-index", a, b, base);
    a = b = 0;
    __asm__ volatile("ldp %w1, %w2, [%0]" : "+r"(base), "+r"(a), "+r"(b)::"memory");
    told_move("pair", a, b, base);
    __asm__ volatile("stp %w1, %w2, [%0], #8" : "+r"(base) : "r"(a), "r"(b) : "memory");
    told_move("pair stored", a, b, base);
}

static void do_undef(void)
{
    insn("undef", 0, 0);
}

static void do_hvc(void)
{
    insn("hvc", INSN_HVC(0), HVC_UNKNOWN);
}

static void do_smc(void)
{
    insn("smc", INSN_SMC(0), HVC_UNKNOWN);
}

/* PMCR_EL0: hidden. */
static void do_sysreg(void)
{
    insn("sysreg", INSN_MRS(SYSREG(3, 3, 9, 12, 0)), 0);
}

static void do_loop(void)
{
    print("FAULT loop\n");
    for (;;)
        __asm__ volatile("nop");
}

static uint64_t compute(uint64_t unused)
{
    for (;;)
        __asm__ volatile("nop");
    return unused;
}

static void do_everywhere(void)
{
    cpus_start_all();
    for (unsigned int i = 1; i < cpu_count; i++)
        cpu_post(i, compute, 0);
}

static void do_sleep(void)
{
    print("FAULT sleep\n");
    for (;;)
        wfi();
}

static void do_storm(void)
{
    print("FAULT storm\n");
    for (;;)
        insn_catch(LDR_W, NOWHERE, 0);
}

static void do_jumpbare(void)
{
    print("FAULT jumpbare\n");
    msr(vbar_el1, NOWHERE);
    isb();
    __asm__ volatile("br %0" ::"r"(NOWHERE));
}

static void do_fill(void)
{
    for (;;)
        print("FAULT fill 0123456789012345678901234567890123456789012345678901234567890123456789\n");
}

static void do_off(void)
{
    psci_system_off();
}

static void do_reset(void)
{
    hvc(PSCI_SYSTEM_RESET, 0, 0, 0);
}

static const struct deed deeds[] = {
    { "everywhere", do_everywhere },
    { "jump", do_jump },
    { "load", do_load },
    { "store", do_store },
    { "moves", do_moves },
    { "undef", do_undef },
    { "hvc", do_hvc },
    { "smc", do_smc },
    { "sysreg", do_sysreg },
    { "loop", do_loop },
    { "sleep", do_sleep },
    { "storm", do_storm },
    { "fill", do_fill },
    { "jumpbare", do_jumpbare },
    { "off", do_off },
    { "reset", do_reset },
};

void guest_main(void)
{
    char wanted[128];
    if (!bootarg_text("do", wanted, sizeof(wanted))) {
        print("FAULT nothing to do: say do=...\n");
        return;
    }
    for (unsigned int i = 0; i < ARRAY_LEN(deeds); i++) {
        if (list_has(wanted, deeds[i].name))
            deeds[i].run();
    }
    print("FAULT end\n");
}
