/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/exit.c hyp/emulate.c hyp/mmio.c arch/arm64/insn.c tests/unit/arch_fake.c tests/unit/tree_support.c */
/* What is done about an exit, where the core that it came from is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "hyp/core.h"
#include "hyp/dispatch.h"
#include "hyp/exit.h"
#include "hyp/guest_walk.h"
#include "hyp/smccc.h"
#include "tests/unit/arch_fake.h"
#include "tests/unit/tree_support.h"

#define NOWHERE 0x3f000000
#define WFI 0
#define WFE 1
#define ESR(ec) ((uint64_t)(ec) << 26 | ESR_IL)

static const struct config_vm config = { .on_reference = UNSUPPORTED_IGNORE };
static struct guest_system vm = { .name = "linux", .config = &config };
static struct core core;
static struct guest_cpu cpu;
static uint32_t code; /* what the guest's pc points to */
static bool condition, serror;
static unsigned turns_over;

bool vcpu_condition_holds(const struct vcpu_arch *v, uint64_t esr)
{
    (void)v;
    (void)esr;
    return condition;
}

bool vcpu_serror_pending(void)
{
    return serror;
}

void vcpu_advance_pc(struct vcpu_arch *v, uint64_t esr)
{
    condition = true; /* the IT state that said so has moved on */
    v->regs.pc += esr & ESR_IL ? 4 : 2;
}

void sched_turn_over(struct core *c)
{
    assert_ptr_equal(c, &core);
    turns_over++;
}

struct range aspace_ram_at(struct aspace *as, ipa_t ipa, uint64_t size, uint32_t need)
{
    (void)as;
    (void)need;
    assert_int_equal(ipa.raw, cpu.arch.regs.pc);
    return (struct range){ PA((uintptr_t)&code), size };
}

const struct region *aspace_find_cached(struct aspace *as, struct region_cache *cache, ipa_t ipa)
{
    (void)as;
    (void)cache;
    (void)ipa;
    return NULL;
}

uint64_t vcpu_sp_read(const struct vcpu_arch *v)
{
    (void)v;
    return *fake_sysreg("sp");
}

void vcpu_sp_write(struct vcpu_arch *v, uint64_t value)
{
    (void)v;
    *fake_sysreg("sp") = value;
}

bool log_allowed(struct log_limit *limit)
{
    (void)limit;
    return true;
}

/* What these tests never come to. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define NOT_HERE(type, name, ...) \
    type name(__VA_ARGS__) \
    { \
        fail_msg("%s", #name); \
        __builtin_unreachable(); \
    }
NOT_HERE(void, vcpu_inject_abort, struct vcpu_arch *v, const struct exit *e, unsigned level)
NOT_HERE(void, vcpu_inject_undef, struct vcpu_arch *v)
NOT_HERE(void, vcpu_inject_serror, struct vcpu_arch *v)
NOT_HERE(void, vcpu_fp_enable, struct vcpu_arch *v)
NOT_HERE(void, vcpu_debug_enable, struct vcpu_arch *v)
NOT_HERE(bool, vcpu_big_endian, const struct vcpu_arch *v)
NOT_HERE(unsigned, guest_walk_level, struct guest_cpu *v, uint64_t va, ipa_t at)
NOT_HERE(void, guest_terminate, guest_system *gsp, unsigned cause)
NOT_HERE(enum vdev_ref_status, dispatch_mmio, const struct region *r, guest_cpu *v, const struct mmio *m,
         uint64_t *value)
NOT_HERE(enum vdev_ref_status, instr_ask, guest_cpu *v, unsigned git, uint64_t qualifier, bool any)
NOT_HERE(bool, smccc_serves, uint32_t fn)
NOT_HERE(enum call_result, smccc_call, struct guest_cpu *v)
NOT_HERE(void, sysreg_exit, struct guest_cpu *v, const struct exit *e)
NOT_HERE(bool, region_permits, const struct region *r, uint32_t need)

static bool translate(uint64_t va, bool el0, bool write, uint64_t *ipa)
{
    assert_false(el0 || write);
    *ipa = va;
    return true;
}

static int setup(void **state)
{
    (void)state;
    cpu = (struct guest_cpu){ .vm = &vm, .ctx.core = &core };
    cpu.arch.regs.pc = 0x40000000;
    cpu.arch.regs.pstate = 5;
    fake_translate = translate;
    condition = true;
    serror = false;
    turns_over = 0;
    log_forget();
    return 0;
}

/* A data abort without syndrome of that instruction. */
static void reference(uint32_t insn)
{
    const struct exit e = { .kind = EXIT_DATA_ABORT, .esr = ESR(EC_DABT_LOW), .ipa = IPA(NOWHERE), .ipa_valid = true };
    uint64_t pc = cpu.arch.regs.pc;
    code = insn;
    exit_dispatch(&cpu, &e);
    assert_int_equal(cpu.arch.regs.pc, pc + 4);
}

static void ignored_references(void **state)
{
    uint64_t *x = cpu.arch.regs.x;
    (void)state;
    x[1] = NOWHERE;
    reference(0xb8404422); /* ldr w2, [x1], #4 */
    assert_int_equal(x[2], 0xffffffff);
    assert_int_equal(x[1], NOWHERE + 4);
    reference(0x38dffc23); /* ldrsb w3, [x1, #-1]! */
    assert_int_equal(x[3], 0xffffffff);
    assert_int_equal(x[1], NOWHERE + 3);
    reference(0x3880d424); /* ldrsb x4, [x1], #13 */
    assert_int_equal(x[4], ~UINT64_C(0));
    assert_int_equal(x[1], NOWHERE + 16);
    reference(0x38401425); /* ldrb w5, [x1], #1 */
    assert_int_equal(x[5], 0xff);
    reference(0xa8c11c26); /* ldp x6, x7, [x1], #16 */
    assert_int_equal(x[6] & x[7], ~UINT64_C(0));
    assert_int_equal(x[1], NOWHERE + 33);
    x[8] = 8;
    reference(0xa9bf2428); /* stp x8, x9, [x1, #-16]! */
    assert_int_equal(x[8] + x[9], 8);
    assert_int_equal(x[1], NOWHERE + 17);
    *fake_sysreg("sp") = NOWHERE;
    reference(0xf84087ff); /* ldr xzr, [sp], #8 */
    assert_int_equal(*fake_sysreg("sp"), NOWHERE + 8);
    reference(0x3d400020); /* ldr b0, [x1]: skipped */
    assert_int_equal(x[1], NOWHERE + 17);
}

static void wfx(unsigned which)
{
    const struct exit e = { .kind = EXIT_WFX, .esr = ESR(EC_WFX) | which };
    uint64_t pc = cpu.arch.regs.pc;
    exit_dispatch(&cpu, &e);
    assert_int_equal(cpu.arch.regs.pc, pc + 4);
}

static void waits(void **state)
{
    (void)state;
    wfx(WFE);
    assert_int_equal(turns_over, 1);
    assert_false(cpu.waiting);
    wfx(WFI);
    assert_int_equal(turns_over, 1);
    assert_true(cpu.waiting);
}

/* As of AArch32 code at EL0: no instruction then, but for its place. */
static void waits_not_without_its_condition(void **state)
{
    (void)state;
    condition = false;
    wfx(WFI);
    assert_false(cpu.waiting);
    condition = false;
    wfx(WFE);
    assert_int_equal(turns_over, 0);
}

static void waits_not_with_an_serror(void **state)
{
    (void)state;
    serror = true;
    wfx(WFI);
    assert_false(cpu.waiting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(ignored_references, setup),
        cmocka_unit_test_setup(waits, setup),
        cmocka_unit_test_setup(waits_not_without_its_condition, setup),
        cmocka_unit_test_setup(waits_not_with_an_serror, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
