/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/guest_clock.c hyp/alarm.c hyp/vm_life.c hyp/base/phase.c tests/unit/alloc_fake.c tests/unit/thread_fake.c tests/unit/tree_support.c */
/* Timers of vdevs on the guest's time, which stands still while the VM does. The counter is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "hyp/core.h"
#include "hyp/guest_clock.h"
#include "hyp/machine.h"
#include "hyp/results.h"
#include "hyp/vdev_core.h"
#include "hyp/vm_life.h"
#include "tests/unit/alloc_fake.h"
#include "tests/unit/thread_fake.h"
#include "tests/unit/tree_support.h"

#define HZ 1000000
#define BOOT 5000 /* the machine's count when the VM starts */

static uint64_t now;
static struct alarm_queue queue;
static unsigned controls[VDEV_CTRL_RESET + 1];

uint64_t timer_now(void)
{
    return now;
}

uint64_t timer_freq(void)
{
    return HZ;
}

int alarm_init(struct alarm *a, struct core *c, alarm_fn fn)
{
    *a = (struct alarm){ .core = c, .fn = fn };
    return 0;
}

void alarm_set(struct alarm *a, uint64_t when)
{
    (void)alarm_queue_set(&queue, a, when);
}

void alarm_cancel(struct alarm *a)
{
    alarm_queue_cancel(&queue, a);
}

bool log_allowed(struct log_limit *limit)
{
    (void)limit;
    return true;
}

const struct platform *platform(void)
{
    static const struct platform none;
    return &none;
}

void guest_cpu_kick(guest_cpu *v)
{
    (void)v;
}

bool guest_cpu_in_guest(const guest_cpu *v)
{
    assert_true(v->kicked); /* who is kicked later could enter unseen, and read a clock that has moved */
    return v->in_guest;
}

void vcpu_attend(struct guest_cpu *v)
{
    v->kicked = 1;
    core_kick(v->ctx.core);
}

void core_kick(struct core *c)
{
    (void)c;
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
    t->cntvoff = zero;
}

void vcpu_arch_reset(struct vcpu_arch *v, uint64_t pc, uint64_t x0)
{
    v->regs.pc = pc;
    v->regs.x[0] = x0;
}

void vcpu_arch_start_big_endian(struct vcpu_arch *v)
{
    v->sys.sctlr_el1 |= BIT(25);
}

void vcpu_arch_start(struct vcpu_arch *v, uint64_t pc, uint64_t x0)
{
    v->regs.pc = pc;
    v->regs.x[0] = x0;
}

int vdev_control_all(struct guest_system *vm, unsigned code)
{
    assert_null(vm->timers->calling ? vm : NULL);
    assert_int_equal(queue.count, 0); /* no timer outlives its VM */
    controls[code]++;
    return 0;
}

static void reset(struct guest_system *vm)
{
    (void)vm;
}

static const struct vintc_ops intc = { .reset = reset };
static const struct config_vm config = { .on_reset = END_RESTART };
static struct core core, other_core;
static struct guest_cpu cpu = { .ctx.core = &core }, second = { .ctx.core = &other_core, .index = 1 },
                        *cpus[] = { &cpu, &second };
static struct guest_system vm = { .name = "linux", .cpus = cpus, .cpu_count = 2, .config = &config, .intc = &intc };
static vdev_t vdev;
static char cookie;

/* What timer() was given. */
#define CALLS 32
static struct guest_timer_data calls[CALLS];
static unsigned call_count;
static guest_cpu *call_cpu;
static uint64_t period; /* the next call is so much later; 0: none */
static struct guest_timer *timer;

static void test_timer(vdev_t *v, void *data, const struct guest_timer_data *tdp, guest_cpu *gcp)
{
    assert_ptr_equal(v, &vdev);
    assert_ptr_equal(data, &cookie);
    assert_true(call_count < CALLS);
    calls[call_count++] = *tdp;
    call_cpu = gcp;
    if (period)
        assert_int_equal(guest_timer_notify(timer, tdp, period), EOK);
}

static const struct vdev_factory factory = { .name = "test", .timer = test_timer }, mute = { .name = "mute" };

/* The core's interrupts until then; `late`: each is taken so much later than it could be. */
static void run_until(uint64_t until, uint64_t late)
{
    while (alarm_queue_first(&queue) <= until) {
        now = alarm_queue_first(&queue) > now ? alarm_queue_first(&queue) : now;
        now += late;
        struct alarm *a = alarm_queue_take(&queue, now);
        a->fn(a);
    }
    now = until;
}

void vm_loaded(struct guest_system *v)
{
    v->stops = 0;
    v->state = VM_RUNNING;
    clock_start(v);
}

static int setup(void **state)
{
    uint64_t resolution;
    (void)state;
    machine_phase = PHASE_STARTUP;
    queue = (struct alarm_queue){ .first = ALARM_NEVER };
    vdev = (vdev_t){ .v_gsp = &vm, .v_name = "test@0", .v_factory = &factory };
    vm.timers = NULL;
    vm.state = VM_CONFIGURED;
    vm.clock_zero = vm.clock_stopped_at = vm.clock_readers = vm.stops = vm.cpus_on = 0;
    vm.clock_runs = vm.held = false;
    cpu.vm = second.vm = &vm;
    cpu.power = second.power = VCPU_OFF;
    cpu.in_guest = second.in_guest = cpu.kicked = second.kicked = 0;
    memset(controls, 0, sizeof(controls));
    call_count = 0;
    period = 0;
    log_forget();
    timer = guest_timer_create(NULL, &vdev, &cookie, &resolution);
    assert_non_null(timer);
    assert_int_equal(resolution, HZ);
    assert_ptr_equal(timer->alarm.core, &core);
    machine_phase = PHASE_RUNNING;
    now = BOOT;
    vm_loaded(&vm);
    return 0;
}

static void relative_and_absolute(void **state)
{
    (void)state;
    now = BOOT + 100;
    assert_int_equal(guest_timer_notify(timer, NULL, 50), EOK);
    run_until(BOOT + 149, 0);
    assert_int_equal(call_count, 0);
    run_until(BOOT + 400, 7); /* taken late */
    assert_int_equal(call_count, 1);
    assert_null(call_cpu);
    assert_int_equal(calls[0].guest_notify_start, 100);
    assert_int_equal(calls[0].guest_current, 157);
    assert_int_equal(calls[0].host_notify_start, BOOT + 100);
    assert_int_equal(calls[0].host_current, BOOT + 157);
    assert_int_equal(guest_timer_notify(timer, GUEST_TIMER_ABSOLUTE, 1000), EOK);
    run_until(BOOT + 999, 0);
    assert_int_equal(call_count, 1);
    run_until(BOOT + 1000, 0);
    assert_int_equal(call_count, 2);
    /* A time that has passed: at once. */
    assert_int_equal(guest_timer_notify(timer, GUEST_TIMER_ABSOLUTE, 10), EOK);
    run_until(now, 0);
    assert_int_equal(call_count, 3);
    run_until(BOOT + 100000, 0); /* single shot */
    assert_int_equal(call_count, 3);
}

static void moved_and_cancelled(void **state)
{
    (void)state;
    assert_int_equal(guest_timer_notify(timer, NULL, 50), EOK);
    assert_int_equal(guest_timer_notify(timer, NULL, 500), EOK);
    run_until(BOOT + 499, 0);
    assert_int_equal(call_count, 0);
    assert_int_equal(guest_timer_notify(timer, NULL, GUEST_TIMER_NEVER), EOK);
    run_until(BOOT + 10000, 0);
    assert_int_equal(call_count, 0);
    assert_int_equal(queue.count, 0);
    assert_int_equal(guest_timer_notify(timer, NULL, GUEST_TIMER_NEVER - 1), EOK); /* beyond the counter's end */
    assert_int_equal(queue.count, 0);
}

/* Each call comes late by a different time, and the series does not move by it. */
static void a_series_has_no_drift(void **state)
{
    (void)state;
    period = 100;
    assert_int_equal(guest_timer_notify(timer, NULL, 100), EOK);
    for (unsigned i = 1; i <= 20; i++)
        run_until(BOOT + 100 * i + 40, i % 40);
    assert_int_equal(call_count, 20);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(calls[i].guest_notify_start, 100 * i);
        assert_int_equal(calls[i].guest_current, 100 * (i + 1) + (i + 1) % 40);
    }
    /* Three periods go by unseen: they follow at once. */
    now = BOOT + 2100 + 250;
    run_until(now, 0);
    assert_int_equal(call_count, 23);
    assert_int_equal(calls[22].guest_notify_start, 2200);
    run_until(BOOT + 2400, 0);
    assert_int_equal(call_count, 24);
}

static void stands_still_with_its_vm(void **state)
{
    (void)state;
    struct guest_timer_data data;
    assert_int_equal(guest_timer_notify(timer, NULL, 100), EOK);
    now = BOOT + 60;
    assert_true(vm_pause(&vm));
    assert_false(vm_pause(&vm));
    run_until(BOOT + 5060, 0);
    assert_int_equal(call_count, 0);
    assert_int_equal(guest_timer_state(timer, &data), EOK);
    assert_int_equal(data.guest_current, 60);
    assert_int_equal(data.host_current, BOOT + 5060);
    /* A deadline that is set meanwhile counts from then on. */
    assert_int_equal(guest_timer_notify(timer, NULL, 40), EOK);
    assert_true(vm_resume(&vm));
    run_until(BOOT + 5099, 0);
    assert_int_equal(call_count, 0);
    run_until(BOOT + 5100, 0);
    assert_int_equal(call_count, 1);
    assert_int_equal(calls[0].guest_current, 100);
}

/* What is due by the machine's counter comes then, or when the VM goes on. */
static void by_the_machines_counter(void **state)
{
    (void)state;
    assert_int_equal(guest_timer_notify(timer, GUEST_TIMER_HOST, BOOT + 300), EOK);
    now = BOOT + 100;
    assert_true(vm_pause(&vm));
    now = BOOT + 200;
    assert_true(vm_resume(&vm));
    run_until(BOOT + 299, 0);
    assert_int_equal(call_count, 0);
    run_until(BOOT + 300, 0);
    assert_int_equal(call_count, 1);
    assert_int_equal(calls[0].guest_current, 200);
    assert_int_equal(guest_timer_notify(timer, GUEST_TIMER_HOST, BOOT + 500), EOK);
    now = BOOT + 400;
    assert_true(vm_pause(&vm));
    run_until(BOOT + 600, 0);
    assert_int_equal(call_count, 1);
    assert_true(vm_resume(&vm));
    run_until(now, 0);
    assert_int_equal(call_count, 2);
    period = 100; /* a series by the machine's counter */
    assert_int_equal(guest_timer_notify(timer, GUEST_TIMER_HOST, BOOT + 700), EOK);
    run_until(BOOT + 950, 3);
    assert_int_equal(call_count, 5);
}

static void clock_stops_nest(void **state)
{
    (void)state;
    assert_int_equal(guest_clock_start(&vm), EINVAL);
    assert_int_equal(guest_timer_notify(timer, NULL, 100), EOK);
    assert_int_equal(guest_clock_stop(&vm), EOK);
    assert_int_equal(guest_clock_stop(&vm), EOK);
    assert_int_equal(vm.state, VM_PAUSED);
    assert_true(vm_pause(&vm));
    run_until(BOOT + 1000, 0);
    assert_int_equal(guest_clock_start(&vm), EOK);
    assert_int_equal(guest_clock_start(&vm), EOK);
    assert_int_equal(guest_clock_start(&vm), EINVAL); /* the console's pause is not ours to undo */
    run_until(BOOT + 2000, 0);
    assert_int_equal(call_count, 0);
    assert_true(vm_resume(&vm));
    assert_int_equal(vm.state, VM_RUNNING);
    run_until(BOOT + 2099, 0);
    assert_int_equal(call_count, 0);
    run_until(BOOT + 2100, 0);
    assert_int_equal(call_count, 1);
}

static void leaves_at(struct guest_cpu *v, uint64_t at)
{
    now = at;
    v->in_guest = 0;
    clock_left(v);
}

/* A vCPU reads the counter until it is out: what it read last is not undone. */
static void stops_when_the_last_vcpu_is_out(void **state)
{
    (void)state;
    struct guest_timer_data data;
    cpu.in_guest = second.in_guest = 1;
    now = BOOT + 100;
    assert_true(vm_pause(&vm));
    leaves_at(&second, BOOT + 110);
    leaves_at(&cpu, BOOT + 130);
    leaves_at(&cpu, BOOT + 150); /* once more out, by whatever woke it */
    leaves_at(&second, BOOT + 160);
    now = BOOT + 5000;
    assert_true(vm_resume(&vm));
    assert_int_equal(guest_timer_state(timer, &data), EOK);
    assert_int_equal(data.guest_current, 130);
}

/* One that never left reads on, by the zero that all have. */
static void does_not_stop_under_a_vcpu(void **state)
{
    (void)state;
    struct guest_timer_data data;
    cpu.in_guest = second.in_guest = 1;
    now = BOOT + 100;
    assert_int_equal(guest_clock_stop(&vm), EOK);
    leaves_at(&second, BOOT + 120);
    now = BOOT + 140;
    assert_int_equal(guest_clock_start(&vm), EOK);
    assert_int_equal(vm.clock_zero, BOOT);
    leaves_at(&cpu, BOOT + 150); /* too late to matter */
    assert_int_equal(guest_timer_state(timer, &data), EOK);
    assert_int_equal(data.guest_current, 150);
    /* Nor does it count for the next stop. */
    now = BOOT + 200;
    assert_int_equal(guest_clock_stop(&vm), EOK);
    now = BOOT + 300;
    assert_int_equal(guest_clock_start(&vm), EOK);
    assert_int_equal(vm.clock_zero, BOOT + 100);
}

/* Its VM ends before one is seen to be out: the next life has nothing of it. */
static void ends_while_it_stops(void **state)
{
    (void)state;
    cpu.in_guest = 1;
    assert_true(vm_pause(&vm));
    clock_end(&vm);
    assert_int_equal(vm.clock_readers, 0);
}

/* A core that is asked for while the VM is paused starts when it goes on. */
static void cpu_on_while_paused(void **state)
{
    (void)state;
    assert_true(vm_pause(&vm));
    assert_int_equal(vm_cpu_on(&second, 0x1000, 7, false), 0);
    assert_false(vm_cpu_arrive(&second));
    assert_true(vm_resume(&vm));
    assert_true(vm_cpu_arrive(&second));
    assert_int_equal(second.arch.regs.pc, 0x1000);
    assert_int_equal(second.arch.sys.sctlr_el1 & BIT(25), 0);
}

/* As PSCI has it, the data of a core that is started is in its starter's order, and a start later in that starter's. */
static void starts_in_the_order_of_who_starts_it(void **state)
{
    (void)state;
    assert_int_equal(vm_cpu_on(&second, 0x1000, 7, true), 0);
    assert_true(vm_cpu_arrive(&second));
    assert_int_equal(second.arch.sys.sctlr_el1 & BIT(25), BIT(25));
    vm_cpu_off(&second);
    second.arch.sys.sctlr_el1 = 0;
    assert_int_equal(vm_cpu_on(&second, 0x1000, 7, false), 0);
    assert_true(vm_cpu_arrive(&second));
    assert_int_equal(second.arch.sys.sctlr_el1 & BIT(25), 0);
}

static void ends_with_its_vm_and_starts_anew(void **state)
{
    (void)state;
    struct guest_timer_data data;
    assert_int_equal(vm_cpu_on(&cpu, 0, 0, false), 0);
    assert_int_equal(guest_timer_notify(timer, NULL, 1000), EOK);
    now = BOOT + 900;
    guest_terminate(&vm, GTC_RESET);
    assert_int_equal(guest_clock_stop(&vm), ESRCH);
    vm_cpu_gone(&cpu); /* the last: the VM ends and, its description says so, starts again */
    keeper_turn(&vm);
    assert_int_equal(controls[VDEV_CTRL_TERMINATE], 1);
    assert_int_equal(controls[VDEV_CTRL_RESET], 1);
    assert_int_equal(guest_timer_state(timer, &data), EOK);
    assert_int_equal(data.guest_current, 0);
    assert_int_equal(data.guest_notify_start, 0);
    run_until(BOOT + 5000, 0);
    assert_int_equal(call_count, 0);
}

static void before_its_vm_runs(void **state)
{
    (void)state;
    clock_end(&vm);
    vm.state = VM_CONFIGURED;
    assert_int_equal(guest_timer_notify(timer, NULL, 10), EOK);
    run_until(BOOT + 70000, 0);
    vm_loaded(&vm);
    run_until(BOOT + 70009, 0);
    assert_int_equal(call_count, 0);
    run_until(BOOT + 70010, 0);
    assert_int_equal(call_count, 1);
    assert_int_equal(calls[0].guest_current, 10);
}

static void of_a_vcpu(void **state)
{
    (void)state;
    uint64_t resolution;
    machine_phase = PHASE_STARTUP;
    timer = guest_timer_create(&second, &vdev, &cookie, &resolution);
    machine_phase = PHASE_RUNNING;
    assert_ptr_equal(timer->alarm.core, &other_core);
    assert_int_equal(guest_timer_notify(timer, NULL, 10), EOK);
    run_until(BOOT + 10, 0);
    assert_int_equal(call_count, 1);
    assert_ptr_equal(call_cpu, &second);
}

static void refusals(void **state)
{
    (void)state;
    uint64_t resolution;
    struct guest_timer_data data;
    assert_null(guest_timer_create(NULL, &vdev, &cookie, &resolution));
    assert_int_equal(resolution, EPERM);
    assert_true(log_has("test@0: guest_timer_create refused: for startup only, and the machine is running"));
    log_forget();
    assert_int_equal(guest_timer_notify(timer, &data, 10), EINVAL);
    assert_true(log_has("linux/test@0: guest_timer_notify(): tdp is not what this timer's function got"));
    log_forget();
    vdev.v_factory = &mute;
    assert_int_equal(guest_timer_notify(timer, NULL, 10), EINVAL);
    assert_true(log_has("linux/test@0: guest_timer_notify(): its factory has no timer()"));
    machine_phase = PHASE_STARTUP;
    assert_int_equal(guest_timer_notify(timer, NULL, 10), EPERM);
    assert_int_equal(guest_timer_state(timer, &data), EPERM);
    assert_int_equal(guest_clock_stop(&vm), EPERM);
    assert_int_equal(guest_clock_start(&vm), EPERM);
    assert_int_equal(queue.count, 0);
}

/* vdev-model.md 2.2, as the 8.0 edition has it. */
static void abi(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct guest_timer_data), 32);
    assert_int_equal(offsetof(struct guest_timer_data, host_notify_start), 0);
    assert_int_equal(offsetof(struct guest_timer_data, host_current), 8);
    assert_int_equal(offsetof(struct guest_timer_data, guest_notify_start), 16);
    assert_int_equal(offsetof(struct guest_timer_data, guest_current), 24);
}

static int teardown(void **state)
{
    (void)state;
    alloc_forget();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(relative_and_absolute, setup, teardown),
        cmocka_unit_test_setup_teardown(moved_and_cancelled, setup, teardown),
        cmocka_unit_test_setup_teardown(a_series_has_no_drift, setup, teardown),
        cmocka_unit_test_setup_teardown(stands_still_with_its_vm, setup, teardown),
        cmocka_unit_test_setup_teardown(by_the_machines_counter, setup, teardown),
        cmocka_unit_test_setup_teardown(clock_stops_nest, setup, teardown),
        cmocka_unit_test_setup_teardown(stops_when_the_last_vcpu_is_out, setup, teardown),
        cmocka_unit_test_setup_teardown(does_not_stop_under_a_vcpu, setup, teardown),
        cmocka_unit_test_setup_teardown(ends_while_it_stops, setup, teardown),
        cmocka_unit_test_setup_teardown(cpu_on_while_paused, setup, teardown),
        cmocka_unit_test_setup_teardown(starts_in_the_order_of_who_starts_it, setup, teardown),
        cmocka_unit_test_setup_teardown(ends_with_its_vm_and_starts_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(before_its_vm_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(of_a_vcpu, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals, setup, teardown),
        cmocka_unit_test(abi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
