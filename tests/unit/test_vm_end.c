/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/phase.c hyp/vm_life.c tests/unit/thread_fake.c tests/unit/tree_support.c */
/* A vdev ends its VM: once, and not before the machine runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "hyp/api/guest.h"
#include "hyp/core.h"
#include "hyp/guest_clock.h"
#include "hyp/machine.h"
#include "hyp/results.h"
#include "hyp/vdev_core.h"
#include "hyp/vm_life.h"
#include "tests/unit/thread_fake.h"
#include "tests/unit/tree_support.h"

static unsigned kicks;

const struct platform *platform(void)
{
    static const struct platform none;
    return &none;
}

static unsigned lines_left;
bool log_allowed(struct log_limit *limit)
{
    assert_ptr_not_equal(limit, NULL);
    return lines_left && lines_left--;
}

void guest_cpu_kick(guest_cpu *v)
{
    (void)v;
}

void vcpu_attend(struct guest_cpu *v)
{
    (void)v;
    kicks++;
}

void machine_vm_ended(void)
{
}

void results_line(const char *fmt, ...)
{
    (void)fmt;
}

void timer_vcpu_set_zero(struct timer_vcpu *t, uint64_t zero)
{
    (void)t;
    (void)zero;
}

void vcpu_arch_reset(struct vcpu_arch *v, uint64_t pc, uint64_t x0)
{
    (void)v;
    (void)pc;
    (void)x0;
}

void vcpu_arch_start_big_endian(struct vcpu_arch *v)
{
    v->sys.sctlr_el1 |= BIT(25);
}

void vcpu_arch_start(struct vcpu_arch *v, uint64_t pc, uint64_t x0)
{
    (void)v;
    (void)pc;
    (void)x0;
}

void clock_start(struct guest_system *v)
{
    (void)v;
}

void clock_stop(struct guest_system *v)
{
    (void)v;
}

void clock_end(struct guest_system *v)
{
    (void)v;
}

static bool torn_down;
int vdev_control_all(struct guest_system *vm, unsigned code)
{
    (void)vm;
    torn_down |= code == VDEV_CTRL_TERMINATE;
    return 0;
}

static struct guest_cpu cpu, *cpus[] = { &cpu };
static const struct config_vm config = { .on_crash = END_STOP };
static struct guest_system vm = { .name = "linux", .config = &config, .cpus = cpus, .cpu_count = 1 };

static int setup(void **state)
{
    (void)state;
    vm.state = VM_RUNNING;
    vm.cause = 0;
    vm.cpus_on = 1;
    kicks = 0;
    log_forget();
    return 0;
}

static void test_at_startup(void **state)
{
    (void)state;
    machine_phase = PHASE_STARTUP;
    guest_terminate(&vm, GTC_CRASH);
    assert_string_equal(log_all(),
                        "linux: guest_terminate refused: for running only, and the machine is starting up\n");
    assert_int_equal(vm.state, VM_RUNNING);
    assert_int_equal(kicks, 0);
}

static void test_first_cause(void **state)
{
    (void)state;
    machine_phase = PHASE_RUNNING;
    guest_terminate(&vm, GTC_WATCHDOG);
    guest_terminate(&vm, GTC_OFF);
    assert_int_equal(vm.state, VM_ENDING);
    assert_int_equal(vm.cause, GTC_WATCHDOG);
    assert_int_equal(kicks, 1);
    assert_string_equal(log_all(), "");
}

/* A watchdog bites when the guest has turned off all its vCPUs: there is no last one to go, and it ends all the same. */
static void test_none_on(void **state)
{
    (void)state;
    machine_phase = PHASE_RUNNING;
    vm.cpus_on = 0;
    guest_terminate(&vm, GTC_WATCHDOG);
    assert_int_equal(vm.state, VM_ENDED);
    keeper_turn(&vm);
    assert_int_equal(vm.over, true);
    vm.over = false;
}

/* A vdev's thread, or GUEST_STARTING, ends a VM that is being loaded: not lost, and the first cause counts here too. */
static void test_while_it_is_loaded(void **state)
{
    (void)state;
    machine_phase = PHASE_RUNNING;
    vm.state = VM_CONFIGURED;
    vm.cpus_on = 0;
    guest_terminate(&vm, GTC_WATCHDOG);
    guest_terminate(&vm, GTC_OFF);
    assert_int_equal(vm.state, VM_CONFIGURED);
    assert_true(vm.ended_early);
    assert_int_equal(vm.cause, GTC_WATCHDOG);
    assert_int_equal(kicks, 0);
    vm.ended_early = false;
}

static unsigned slept;

static void one_more_look(void)
{
    assert_false(torn_down);
    if (++slept == 3)
        vm_tell_end(&vm);
}

/* STATUS is under way on another core while the VM ends: its vdevs are torn down behind it, and nobody begins anew. */
static void test_ends_behind_who_speaks_to_it(void **state)
{
    (void)state;
    machine_phase = PHASE_RUNNING;
    torn_down = false;
    slept = 0;
    fake_sleep = one_more_look;
    vm.cpus_on = 0;
    assert_true(vm_tell_begin(&vm));
    guest_terminate(&vm, GTC_OFF);
    assert_false(vm_tell_begin(&vm));
    keeper_turn(&vm);
    assert_int_equal(slept, 3);
    assert_true(torn_down && vm.over);
    vm.over = false;
    fake_sleep = NULL;
}

static void reset_vgic(struct guest_system *v)
{
    (void)v;
}

static unsigned ends_logged(void)
{
    unsigned n = 0;
    for (const char *at = log_all(); (at = strstr(at, "vm linux: ended (")); at++)
        n++;
    return n;
}

/* A guest that resets in a loop fills no log; that the VM is over is said whatever was said before. */
static void test_ends_are_logged_within_a_budget(void **state)
{
    static const struct vintc_ops intc = { .reset = reset_vgic };
    static const struct config_vm restarts = { .on_reset = END_RESTART };
    const struct config_vm *before = vm.config;
    (void)state;
    machine_phase = PHASE_RUNNING;
    vm.config = &restarts;
    vm.intc = &intc;
    lines_left = 3;
    for (unsigned i = 1; i <= 10; i++) {
        vm.state = VM_RUNNING;
        vm.cpus_on = 0;
        guest_terminate(&vm, GTC_RESET);
        keeper_turn(&vm);
        assert_int_equal(vm.state, VM_CONFIGURED);
        assert_int_equal(ends_logged(), i < 3 ? i : 3);
    }
    vm.state = VM_RUNNING;
    guest_terminate(&vm, GTC_OFF);
    keeper_turn(&vm);
    assert_true(log_has("vm linux: ended (off)"));
    assert_true(vm.over);
    vm.over = false;
    vm.config = before;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_at_startup, setup),
        cmocka_unit_test_setup(test_first_cause, setup),
        cmocka_unit_test_setup(test_none_on, setup),
        cmocka_unit_test_setup(test_ends_behind_who_speaks_to_it, setup),
        cmocka_unit_test_setup(test_while_it_is_loaded, setup),
        cmocka_unit_test_setup(test_ends_are_logged_within_a_budget, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
