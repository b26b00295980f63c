/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/guest_clock.h"
#include "arch/arm64/timer.h"
#include "hyp/base/log.h"
#include "hyp/pool.h"

#include <errno.h>

static uint64_t clock_now(const struct guest_system *vm, uint64_t host) REQUIRES(vm->clock_lock)
{
    return (vm->clock_runs ? host : vm->clock_stopped_at) - vm->clock_zero;
}

_Static_assert(GUEST_TIMER_NEVER == ALARM_NEVER, "one word for it");
static uint64_t later(uint64_t from, uint64_t ticks)
{
    return ticks > ~from ? GUEST_TIMER_NEVER : from + ticks;
}

/* The alarm follows what the timer and the clock say. */
static __running void timer_settle(struct guest_timer *t, const struct guest_system *vm) REQUIRES(vm->clock_lock)
{
    if (!t->set || !vm->clock_runs)
        alarm_cancel(&t->alarm);
    else
        alarm_set(&t->alarm, t->host ? t->due : later(t->due, vm->clock_zero));
}

static void timers_settle(const struct guest_system *vm) REQUIRES(vm->clock_lock)
{
    phase_assume_running();
    for (struct guest_timer *t = vm->timers; t; t = t->next)
        timer_settle(t, vm);
}

_Static_assert(CONFIG_MAX_VCPUS <= 64, "clock_readers has a bit for each");
static uint64_t vcpus_in_guest(const struct guest_system *vm)
{
    uint64_t set = 0;
    for (unsigned i = 0; i < vm->cpu_count; i++)
        if (guest_cpu_in_guest(vm->cpus[i]))
            set |= BIT(i);
    return set;
}

void clock_start(struct guest_system *vm)
{
    lock_acquire(&vm->clock_lock);
    uint64_t now = timer_now();
    /* Somebody reads the counter still: its zero must not move under him. */
    uint64_t stopped_at = vm->clock_readers ? now : vm->clock_stopped_at;
    __atomic_store_n(&vm->clock_zero, vm->clock_zero + (now - stopped_at), __ATOMIC_RELAXED);
    vm->clock_readers = 0;
    vm->clock_runs = true;
    timers_settle(vm);
    lock_release(&vm->clock_lock);
}

void clock_stop(struct guest_system *vm)
{
    lock_acquire(&vm->clock_lock);
    /* Pairs with vcpu_enter(): who is about to enter unseen here sees the kick that came before. */
    vm->clock_readers = vcpus_in_guest(vm);
    vm->clock_stopped_at = timer_now();
    vm->clock_runs = false;
    timers_settle(vm);
    lock_release(&vm->clock_lock);
}

void clock_left(struct guest_cpu *v)
{
    struct guest_system *vm = v->vm;
    lock_acquire(&vm->clock_lock);
    if (vm->clock_readers & BIT(v->index)) {
        vm->clock_readers &= ~BIT(v->index);
        vm->clock_stopped_at = timer_now();
    }
    lock_release(&vm->clock_lock);
}

void clock_end(struct guest_system *vm)
{
    lock_acquire(&vm->clock_lock);
    vm->clock_runs = false;
    vm->clock_zero = vm->clock_stopped_at = vm->clock_readers = 0;
    for (struct guest_timer *t = vm->timers; t; t = t->next) {
        t->set = false;
        t->due = t->host_start = t->guest_start = 0;
        timer_settle(t, vm);
    }
    lock_release(&vm->clock_lock);
    /* Bounded: a timer() never waits. None is under way here, with interrupts masked. */
    for (struct guest_timer *t = vm->timers; t; t = t->next)
        while (__atomic_load_n(&t->calling, __ATOMIC_ACQUIRE))
            spin_pause();
}

static struct guest_timer_data timer_data(const struct guest_timer *t, const struct guest_system *vm)
    REQUIRES(vm->clock_lock)
{
    uint64_t host = timer_now();
    return (struct guest_timer_data){
        .host_notify_start = t->host_start,
        .host_current = host,
        .guest_notify_start = t->guest_start,
        .guest_current = clock_now(vm, host),
    };
}

/* Is it due? Then it is not set any more, and what its function gets stands in t->last. */
static __running bool timer_begin(struct guest_timer *t, struct guest_system *vm)
{
    lock_acquire(&vm->clock_lock);
    uint64_t now = timer_now();
    bool due = t->set && vm->clock_runs && (t->host ? now : clock_now(vm, now)) >= t->due;
    if (due) {
        t->set = false;
        t->last = timer_data(t, vm);
        __atomic_store_n(&t->calling, 1, __ATOMIC_RELAXED);
    } else {
        timer_settle(t, vm); /* it was set anew meanwhile */
    }
    lock_release(&vm->clock_lock);
    return due;
}

static void guest_timer_on_alarm(struct alarm *a)
{
    phase_assume_running();
    struct guest_timer *t = container_of(a, struct guest_timer, alarm);
    if (!timer_begin(t, t->vdev->v_gsp))
        return;
    t->vdev->v_factory->timer(t->vdev, t->data, &t->last, t->cpu);
    __atomic_store_n(&t->calling, 0, __ATOMIC_RELEASE); /* pairs with clock_end() */
}

struct guest_timer *guest_timer_create(guest_cpu *gcp, vdev_t *vdp, void *data, uint64_t *resolution)
{
    *resolution = EPERM;
    if (!phase_is(PHASE_STARTUP, vdp->v_name))
        return NULL;
    struct guest_system *vm = vdp->v_gsp;
    struct guest_timer *t = hyp_alloc(sizeof(*t), 16);
    *resolution = ENOMEM;
    if (!t)
        return NULL;
    int err = alarm_init(&t->alarm, (gcp ? gcp : vm->cpus[0])->ctx.core, guest_timer_on_alarm);
    *resolution = (uint64_t)-err;
    if (err)
        return NULL;
    t->vdev = vdp;
    t->cpu = gcp;
    t->data = data;
    t->next = vm->timers;
    vm->timers = t;
    *resolution = timer_freq();
    return t;
}

static int timer_refused(const vdev_t *v, const char *why)
{
    log_limited(&v->v_gsp->log_limit, LOG_ERROR, "%s/%s: guest_timer_notify(): %s", v->v_gsp->name, v->v_name, why);
    return EINVAL;
}

int guest_timer_notify(struct guest_timer *t, const struct guest_timer_data *tdp, uint64_t deadline)
{
    struct guest_system *vm = t->vdev->v_gsp;
    if (!phase_is(PHASE_RUNNING, t->vdev->v_name))
        return EPERM;
    if (!t->vdev->v_factory->timer)
        return timer_refused(t->vdev, "its factory has no timer()");
    bool absolute = tdp == GUEST_TIMER_ABSOLUTE || tdp == GUEST_TIMER_HOST;
    if (tdp && !absolute && tdp != &t->last)
        return timer_refused(t->vdev, "tdp is not what this timer's function got");
    lock_acquire(&vm->clock_lock);
    uint64_t host = timer_now(), now = clock_now(vm, host), from = absolute ? 0 : tdp ? t->due : now;
    t->host = tdp == GUEST_TIMER_HOST || (tdp == &t->last && t->host);
    t->host_start = host;
    t->guest_start = tdp == &t->last && !t->host ? from : now;
    t->due = later(from, deadline);
    t->set = t->due != GUEST_TIMER_NEVER;
    timer_settle(t, vm);
    lock_release(&vm->clock_lock);
    return EOK;
}

int guest_timer_state(struct guest_timer *t, struct guest_timer_data *out)
{
    struct guest_system *vm = t->vdev->v_gsp;
    if (!phase_is(PHASE_RUNNING, t->vdev->v_name))
        return EPERM;
    lock_acquire(&vm->clock_lock);
    *out = timer_data(t, vm);
    lock_release(&vm->clock_lock);
    return EOK;
}
