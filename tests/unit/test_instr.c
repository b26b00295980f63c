/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/phase.c hyp/instr.c tests/unit/arch_fake.c tests/unit/alloc_fake.c tests/unit/tree_support.c */
/* Instructions that vdevs serve: who may register what, and who is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "arch/arm64/exit.h"
#include "hyp/vm.h"
#include "tests/unit/tree_support.h"

static struct guest_system vm;
static struct guest_cpu cpu = { .vm = &vm };
static vdev_t one = { .v_name = "one" }, two = { .v_name = "two" };
static struct vdev_builder b1 = { .vdev = &one, .gsp = &vm, .path = "/vm/one" },
                           b2 = { .vdev = &two, .gsp = &vm, .path = "/vm/two" };
static const vdev_t *asked;
static uint64_t asked_what;
static unsigned asks;

static int setup(void **state)
{
    (void)state;
    memset(&vm, 0, sizeof(vm));
    log_forget();
    asks = 0;
    return 0;
}

static enum vdev_ref_status serve(vdev_t *v, guest_cpu *gcp, unsigned git, uint64_t qualifier)
{
    assert_ptr_equal(gcp, &cpu);
    (void)git;
    asked = v;
    asked_what = qualifier;
    asks++;
    return VRS_NORMAL;
}

static enum vdev_ref_status pass_on(vdev_t *v, guest_cpu *gcp, unsigned git, uint64_t qualifier)
{
    serve(v, gcp, git, qualifier);
    return VRS_CONTINUE;
}

/* As exits ask: those that named it, then those that take whatever nobody did. */
static enum vdev_ref_status ask(unsigned git, uint64_t qualifier)
{
    enum vdev_ref_status s = instr_ask(&cpu, git, qualifier, false);
    return s == VRS_CONTINUE ? instr_ask(&cpu, git, qualifier, true) : s;
}

static void test_registers(void **state)
{
    uint64_t reg = GIT_SYSREG(3, 0, 15, 2, 1);
    (void)state;
    assert_int_equal(reg, SYSREG_ISS(3, 0, 15, 2, 1));
    assert_int_equal(guest_instr_register(&b1, GIT_ARM_SYSREG, reg, serve), EOK);
    /* A read into X9: direction and Rt do not matter for whose it is, and the vdev sees them. */
    assert_int_equal(ask(GIT_ARM_SYSREG, reg | 9 << 5 | 1), VRS_NORMAL);
    assert_true(asked == &one && git_sysreg_is_read(asked_what));
    assert_int_equal(git_sysreg_operand(asked_what).location, 72);
    assert_int_equal(git_sysreg_operand(reg | 31 << 5).location, 248);
    assert_false(git_sysreg_is_read(reg));
    assert_int_equal(ask(GIT_ARM_SYSREG, GIT_SYSREG(3, 0, 15, 2, 2)), VRS_CONTINUE);
    assert_int_equal(ask(GIT_ARM_HVC, reg), VRS_CONTINUE);
}

static void test_calls(void **state)
{
    (void)state;
    assert_int_equal(guest_instr_register(&b1, GIT_ARM_HVC, GIT_CALLS(0x86000000, 0x8600000f), serve), EOK);
    assert_int_equal(guest_instr_register(&b2, GIT_ARM_SMC, GIT_CALLS(0x82000001, 0x82000001), serve), EOK);
    assert_int_equal(ask(GIT_ARM_HVC, 0x86000000), VRS_NORMAL);
    assert_int_equal(ask(GIT_ARM_HVC, 0x8600000f), VRS_NORMAL);
    assert_ptr_equal(asked, &one);
    assert_int_equal(ask(GIT_ARM_HVC, 0x86000010), VRS_CONTINUE);
    assert_int_equal(ask(GIT_ARM_HVC, 0x82000001), VRS_CONTINUE);
    assert_int_equal(ask(GIT_ARM_SMC, 0x82000001), VRS_NORMAL);
    assert_ptr_equal(asked, &two);
    assert_int_equal(git_call_operand(3).location, 24);
}

static void test_next_handler(void **state)
{
    (void)state;
    /* Who takes whatever nobody else does is asked last, whoever came first. */
    assert_int_equal(guest_instr_register(&b1, GIT_ARM_HVC | GIT_FLAG_NO_QUALIFIER, 0, serve), EOK);
    assert_int_equal(guest_instr_register(&b1, GIT_ARM_HVC, GIT_CALLS(0xc6000000, 0xc6ffffff), pass_on), EOK);
    assert_int_equal(guest_instr_register(&b2, GIT_ARM_HVC, GIT_CALLS(0xc6000000, 0xc6ffffff), serve), EOK);
    assert_int_equal(ask(GIT_ARM_HVC, 0xc6000123), VRS_NORMAL);
    assert_int_equal(asks, 2);
    assert_ptr_equal(asked, &two);
    assert_int_equal(ask(GIT_ARM_HVC, 1), VRS_NORMAL);
    assert_int_equal(asks, 3);
    assert_ptr_equal(asked, &one);
    assert_int_equal(ask(GIT_ARM_SMC, 1), VRS_CONTINUE);
}

static void test_refused(void **state)
{
    static const struct {
        unsigned git;
        uint64_t qualifier;
    } bad[] = {
        { 0, 0 },
        { 4, 0 },
        { GIT_FLAG_NO_QUALIFIER, 0 },
        { GIT_ARM_SYSREG, GIT_SYSREG(3, 0, 0, 4, 0) },   /* ID_AA64PFR0_EL1 */
        { GIT_ARM_SYSREG, GIT_SYSREG(3, 0, 12, 11, 5) }, /* ICC_SGI1R_EL1 */
        { GIT_ARM_SYSREG, GIT_SYSREG(3, 0, 4, 6, 0) },   /* ICC_PMR_EL1 */
        { GIT_ARM_SYSREG, GIT_SYSREG(3, 3, 14, 2, 1) },  /* CNTP_CTL_EL0 */
        { GIT_ARM_SYSREG, GIT_SYSREG(2, 0, 0, 2, 2) },   /* MDSCR_EL1 */
        { GIT_ARM_HVC, GIT_CALLS(0x84000000, 0x84000000) },
        { GIT_ARM_HVC, GIT_CALLS(0xc4000003, 0xc4000003) },
        { GIT_ARM_SMC, GIT_CALLS(0x80000000, 0x80000000) },
        { GIT_ARM_SMC, GIT_CALLS(0x83000000, 0x86000000) }, /* PSCI lies between */
        { GIT_ARM_SMC, GIT_CALLS(2, 1) },
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        log_forget();
        assert_int_equal(guest_instr_register(&b1, bad[i].git, bad[i].qualifier, serve), EINVAL);
        assert_true(log_has("/vm/one: guest_instr_register: "));
    }
    assert_int_equal(guest_instr_register(&b1, GIT_ARM_HVC, GIT_CALLS(1, 1), NULL), EINVAL);
    machine_phase = PHASE_RUNNING;
    assert_int_equal(guest_instr_register(&b1, GIT_ARM_HVC, GIT_CALLS(1, 1), serve), EPERM);
    machine_phase = PHASE_STARTUP;
    for (unsigned i = 0; i < GUEST_INSTR_MAX; i++)
        assert_int_equal(guest_instr_register(&b1, GIT_ARM_HVC, GIT_CALLS(i, i), serve), EOK);
    assert_int_equal(guest_instr_register(&b1, GIT_ARM_HVC, GIT_CALLS(99, 99), serve), ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_registers, setup),
        cmocka_unit_test_setup(test_calls, setup),
        cmocka_unit_test_setup(test_next_handler, setup),
        cmocka_unit_test_setup(test_refused, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
