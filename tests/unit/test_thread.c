/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/thread.c hyp/thread_sync.c hyp/thread_vdev.c hyp/sched.c hyp/budget.c hyp/base/phase.c hyp/vdev_api.c tests/unit/tree_support.c */
/* Threads on one simulated core: a thread is a context of the C library, and time passes when nothing can run. A tick is a nanosecond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <cmocka.h>
#include <errno.h>
#include "arch/arm64/mmu.h"
#include "arch/arm64/timer.h"
#include "hyp/core.h"
#include "hyp/pool.h"
#include "hyp/thread.h"
#include "tests/unit/tree_support.h"

#define THREADS 6
#define STACK 262144
#define MS 1000000u

static struct core core;
struct core *cores[CONFIG_MAX_CORES] = { &core };
static uint64_t now;
static struct alarm *alarms[64];
static unsigned alarm_count;
static ucontext_t own, others[THREADS + 2];
static char stacks[THREADS + 2][STACK];
static struct thread *known[THREADS + 2];
static unsigned known_count;
static enum thread_left left;
static char story[200];

static int on_pulse(vdev_t *v, int8_t code);
static void kicked(void);
static const struct vdev_factory factory = { .name = "t", .threads = THREADS, .pulse = on_pulse };
static const struct vdev_factory plain = { .name = "p", .threads = 1 };
static vdev_t vdevs[2];
static vdev_t *const v = &vdevs[0];
static struct config_vm config = { .path = "/vm", .priority = 16 };
static struct guest_system vm = { .name = "vm", .config = &config, .vdevs = vdevs, .vdev_count = 2, .home = &core };

uint64_t timer_now(void)
{
    return now;
}

static uint64_t frequency;
uint64_t timer_freq(void)
{
    return frequency;
}

uint64_t timer_ms(uint64_t ms)
{
    return ms * MS;
}

struct core_arch *this_core_arch(void)
{
    return &core.arch;
}

bool log_allowed(struct log_limit *l)
{
    (void)l;
    return true;
}

uint64_t cores_up(void)
{
    return 1;
}

void core_kick(struct core *c)
{
    c->attention = 1;
}

int alarm_init(struct alarm *a, struct core *c, alarm_fn fn)
{
    *a = (struct alarm){ .core = c, .fn = fn, .when = ALARM_NEVER };
    alarms[alarm_count++] = a;
    return 0;
}

void alarm_set(struct alarm *a, uint64_t when)
{
    a->when = when;
}

void alarm_cancel(struct alarm *a)
{
    a->when = ALARM_NEVER;
}

void *hyp_alloc(size_t bytes, size_t align)
{
    (void)align;
    return calloc(1, bytes);
}

void *hyp_alloc_pages(unsigned pages)
{
    (void)pages;
    return stacks[0];
}

va_t mmu_thread_stack(unsigned n, void *pages)
{
    (void)pages;
    return VA(4096 * (n + 1));
}

static unsigned place_of(const struct thread *t)
{
    for (unsigned i = 0; i < known_count; i++)
        if (known[i] == t)
            return i;
    known[known_count] = (struct thread *)t;
    return known_count++;
}

static void begin(unsigned i)
{
    struct thread *t = known[i];
    void (*entry)(void *) = (void (*)(void *))(uintptr_t)t->arch.pc;
    entry((void *)(uintptr_t)t->arch.x[0]);
}

void thread_arch_init(struct thread_arch *a, uint64_t top, void (*entry)(void *), void *arg)
{
    (void)top;
    *a = (struct thread_arch){ .pc = (uint64_t)(uintptr_t)entry };
    a->x[0] = (uint64_t)(uintptr_t)arg;
    unsigned i = place_of(container_of(a, struct thread, arch));
    getcontext(&others[i]);
    others[i].uc_stack.ss_sp = stacks[i];
    others[i].uc_stack.ss_size = STACK;
    others[i].uc_link = NULL;
    makecontext(&others[i], (void (*)(void))begin, 1, i);
}

int thread_enter(struct thread_arch *a)
{
    core.arch.thread = a;
    left = THREAD_LEFT_ITSELF;
    swapcontext(&own, &others[place_of(container_of(a, struct thread, arch))]);
    return left;
}

void thread_leave(void)
{
    struct thread *t = container_of(core.arch.thread, struct thread, arch);
    core.arch.thread = NULL;
    swapcontext(&others[place_of(t)], &own);
}

/* A thread that computes is interrupted. */
static void interrupt(void)
{
    left = THREAD_LEFT_IRQ;
    thread_leave();
}

/* The core was told to look again, which it does by an interrupt. */
static void kicked(void)
{
    if (core.attention)
        interrupt();
}

static struct alarm *first_alarm(uint64_t until)
{
    struct alarm *first = NULL;
    for (unsigned i = 0; i < alarm_count; i++)
        if (alarms[i]->when <= until && (!first || alarms[i]->when < first->when))
            first = alarms[i];
    return first;
}

static void fire(struct alarm *a)
{
    uint64_t due = a->when;
    now = due > now ? due : now;
    a->fn(a);
    if (a->when == due)
        a->when = ALARM_NEVER;
}

static void computed(void)
{
    now += core.attention ? 0 : MS;
    for (struct alarm *a = first_alarm(now); a; a = first_alarm(now))
        fire(a);
    if (now >= core.sched.turn_end)
        core.attention = 1;
}

/* The core's loop, until nothing runs and nothing is due before `until`. */
static void run(uint64_t until)
{
    while (now <= until) {
        if (core.attention) {
            core.attention = 0;
            sched_pick(&core);
        }
        struct context *x = core.sched.current;
        if (x) {
            struct thread *t = container_of(x, struct thread, ctx);
            if (!thread_may_enter(t))
                continue;
            if (thread_enter(&t->arch) == THREAD_LEFT_IRQ)
                computed();
            else
                sched_released(x);
            continue;
        }
        struct alarm *a = first_alarm(until);
        if (!a)
            break;
        fire(a);
    }
    now = until > now ? until : now;
}

static void tell(const char *what)
{
    strcat(story, what);
    strcat(story, " ");
}

static struct vdev_mutex *pulses_take; /* NULL: none */

static int on_pulse(vdev_t *to, int8_t code)
{
    char text[8] = { 'p', (char)('0' + code), 0 };
    kicked();
    if (pulses_take) {
        assert_int_equal(vdev_mutex_lock(pulses_take), EOK);
        assert_int_equal(vdev_mutex_unlock(pulses_take), EOK);
    }
    assert_ptr_equal(to, v);
    tell(text);
    return EOK;
}

static int setup(void **state)
{
    frequency = 1000000000;
    (void)state;
    memset(&core, 0, sizeof(core));
    memset(vdevs, 0, sizeof(vdevs));
    core.state = CORE_UP;
    alarm_count = known_count = 0;
    now = 1;
    frequency = 1000000000;
    story[0] = 0;
    log_forget();
    machine_phase = PHASE_STARTUP;
    sched_init();
    sched_core_init(&core.sched);
    vdevs[0] = (vdev_t){ .v_name = "t", .v_factory = &factory, .v_gsp = &vm };
    vdevs[1] = (vdev_t){ .v_name = "p", .v_factory = &plain, .v_gsp = &vm };
    vdevs[0].v_sched = vdevs[1].v_sched = (struct vdev_sched){ .priority = 16, .cores = 1, .background = -1 };
    assert_int_equal(threads_create(&vm), 0);
    machine_phase = PHASE_RUNNING;
    threads_start(&vm);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(vdevs[0].v_threads);
    free(vdevs[1].v_threads);
    return 0;
}

static vdev_thread_t *make(const char *name, int priority, void *(*fn)(void *arg), void *arg)
{
    vdev_thread_t *t = NULL;
    const struct vdev_thread_attr attr = { .priority = priority };
    assert_int_equal(vdev_thread_create(v, name, &t, &attr, fn, arg), EOK);
    return t;
}

static void *says(void *arg)
{
    tell(arg);
    return arg;
}

static void test_priorities(void **state)
{
    (void)state;
    make("a", 5, says, "low");
    make("b", 20, says, "high");
    make("c", 20, says, "second");
    run(1);
    assert_string_equal(story, "high second low ");
}

static void test_create_refuses(void **state)
{
    vdev_thread_t *t;
    struct vdev_thread_attr attr = { .priority = 256 };
    (void)state;
    assert_int_equal(vdev_thread_create(v, "x", &t, &attr, says, "x"), EINVAL);
    attr = (struct vdev_thread_attr){ .priority = -1, .cores = 2 };
    assert_int_equal(vdev_thread_create(v, "x", &t, &attr, says, "x"), EINVAL);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(vdev_thread_create(v, "x", &t, NULL, says, "x"), EOK);
    assert_int_equal(vdev_thread_create(v, "x", &t, NULL, says, "x"), EAGAIN);
    machine_phase = PHASE_STARTUP;
    assert_int_equal(vdev_thread_create(v, "x", &t, NULL, says, "x"), EPERM);
    assert_string_equal(log_all(), "t: vdev_thread_create refused: for running only, and the machine is starting up\n");
    machine_phase = PHASE_RUNNING;
    run(1);
}

static void *joins(void *arg)
{
    void *value = NULL;
    assert_int_equal(vdev_thread_join(arg, &value), EOK);
    tell(value);
    assert_int_equal(vdev_thread_join(vdev_thread_self(), NULL), EDEADLK);
    return NULL;
}

static void *sleeps(void *arg)
{
    uint64_t until = vdev_clock_ns() + 5 * MS;
    assert_int_equal(vdev_thread_sleep_until(until), EOK);
    assert_true(vdev_clock_ns() >= until && vdev_clock_ns() < until + MS);
    assert_int_equal(vdev_thread_sleep_until(3), EOK);
    return arg;
}

static void test_join_and_sleep(void **state)
{
    (void)state;
    vdev_thread_t *t = make("sleeper", -1, sleeps, "slept");
    make("joiner", 30, joins, t);
    run(10 * MS);
    assert_string_equal(story, "slept ");
    assert_false(t->made);
}

static void test_only_threads_block(void **state)
{
    static struct vdev_mutex m;
    (void)state;
    assert_null(vdev_thread_self());
    assert_int_equal(vdev_thread_sleep_until(5), EPERM);
    assert_int_equal(vdev_mutex_lock(&m), EPERM);
    assert_int_equal(vdev_mutex_unlock(&m), EPERM);
    assert_string_equal(log_all(), "vdev_thread_sleep_until refused: it may wait, and this is no thread\n"
                                   "vdev_mutex_lock refused: it may wait, and this is no thread\n"
                                   "vdev_mutex_unlock refused: what is no thread does not hold it\n");
}

static struct vdev_mutex m1, m2;
static struct vdev_cond cond;

static void *low_holds(void *arg)
{
    assert_int_equal(vdev_mutex_lock(&m1), EOK);
    tell("low-has");
    (void)vdev_thread_sleep_until(now + MS);
    tell("low-goes-on");
    assert_int_equal(vdev_thread_self()->ctx.priority, 30); /* along the chain */
    assert_int_equal(vdev_mutex_unlock(&m1), EOK);
    kicked();
    assert_int_equal(vdev_thread_self()->ctx.priority, 5);
    tell("low-done");
    return arg;
}

static void *middle_chains(void *arg)
{
    assert_int_equal(vdev_mutex_lock(&m2), EOK);
    assert_int_equal(vdev_mutex_lock(&m1), EOK);
    tell("middle-has");
    assert_int_equal(vdev_mutex_unlock(&m1), EOK);
    assert_int_equal(vdev_mutex_unlock(&m2), EOK);
    kicked();
    tell("middle-done");
    return arg;
}

static void *high_wants(void *arg)
{
    (void)vdev_thread_sleep_until(now + MS / 2);
    assert_int_equal(vdev_mutex_lock(&m2), EOK);
    tell("high-has");
    assert_int_equal(vdev_mutex_trylock(&m2), EBUSY);
    assert_int_equal(vdev_mutex_unlock(&m2), EOK);
    return arg;
}

static void *rival(void *arg)
{
    (void)vdev_thread_sleep_until(now + MS / 4 * 3);
    tell("rival");
    while (now < 5 * MS)
        interrupt();
    tell("rival-done");
    return arg;
}

/* Low holds what middle waits for, who holds what high waits for: a rival between them does not come first. */
static void test_inversion(void **state)
{
    (void)state;
    make("low", 5, low_holds, NULL);
    run(2);
    make("middle", 10, middle_chains, NULL);
    make("high", 30, high_wants, NULL);
    make("rival", 20, rival, NULL);
    run(7 * MS);
    assert_string_equal(story, "low-has rival low-goes-on middle-has high-has rival-done middle-done low-done ");
}

static void *circle(void *arg)
{
    assert_int_equal(vdev_mutex_lock(&m1), EOK);
    assert_int_equal(vdev_mutex_lock(&m1), EDEADLK);
    (void)vdev_thread_sleep_until(now + MS);
    assert_int_equal(vdev_mutex_lock(&m2), EDEADLK);
    assert_int_equal(vdev_mutex_unlock(&m1), EOK);
    kicked();
    tell("out");
    return arg;
}

static void test_deadlock_is_told(void **state)
{
    (void)state;
    make("one", 5, circle, NULL);
    run(2);
    make("two", 10, middle_chains, NULL);
    run(5 * MS);
    assert_string_equal(story, "middle-has middle-done out ");
}

static struct vdev_mutex outer = { .rank = 1 }, inner = { .rank = 2 }, inner_too = { .rank = 2 };

/* Who comes here does not go on. */
_Noreturn void mutex_order_broken(const struct thread *t, const struct vdev_mutex *held, const struct vdev_mutex *m,
                                  uintptr_t at)
{
    assert_ptr_equal(t, vdev_thread_self());
    assert_true(at && held->taken_at);
    tell(held == &inner ? "inner-held" : "?");
    tell(m == &outer ? "outer-wanted" : m == &inner_too ? "equal-wanted" : "?");
    mutexes_drop((struct thread *)t);
    lock_release(&sched_lock);
    for (;;)
        (void)vdev_thread_sleep_until(now + MS);
}

static void *takes_in_order(void *arg)
{
    assert_int_equal(vdev_mutex_lock(&m1), EOK);
    assert_int_equal(vdev_mutex_lock(&outer), EOK);
    assert_int_equal(vdev_mutex_lock(&inner), EOK);
    assert_int_equal(vdev_mutex_lock(&m2), EOK); /* in no order */
    assert_int_equal(vdev_mutex_unlock(&outer), EOK);
    assert_int_equal(vdev_mutex_unlock(&m1), EOK);
    assert_int_equal(vdev_mutex_unlock(&m2), EOK);
    return vdev_mutex_lock(arg) ? NULL : arg;
}

static void test_mutex_order(void **state)
{
    (void)state;
    make("back", 5, takes_in_order, &outer);
    run(2);
    assert_string_equal(story, "inner-held outer-wanted ");
    make("equal", 5, takes_in_order, &inner_too);
    run(4);
    assert_string_equal(story, "inner-held outer-wanted inner-held equal-wanted ");
}

static void *waits_with_mutex(void *arg)
{
    int err;
    assert_int_equal(vdev_mutex_lock(&m1), EOK);
    err = vdev_cond_wait(&cond, &m1, now + 2 * MS);
    tell(err == EOK ? "signalled" : err == ETIMEDOUT ? "late" : err == ECANCELED ? "cancelled" : "?");
    assert_ptr_equal(m1.owner, vdev_thread_self());
    assert_int_equal(vdev_mutex_unlock(&m1), EOK);
    return arg;
}

static void *waits_with_spin_lock(void *arg)
{
    lock_acquire(&v->v_mtx);
    int err = vdev_cond_wait_mtx(&cond, &v->v_mtx, VDEV_FOREVER);
    lock_release(&v->v_mtx);
    tell(err == EOK ? "spin-signalled" : "?");
    return arg;
}

static void test_conditions(void **state)
{
    (void)state;
    make("a", 10, waits_with_mutex, NULL);
    make("b", 20, waits_with_spin_lock, NULL);
    run(2);
    vdev_cond_signal(&cond);
    run(3);
    assert_string_equal(story, "spin-signalled ");
    run(5 * MS);
    assert_string_equal(story, "spin-signalled late ");
    vdev_cond_signal(&cond); /* for nobody */
    make("c", 10, waits_with_mutex, NULL);
    make("d", 11, waits_with_mutex, NULL);
    run(5 * MS + 1);
    vdev_cond_broadcast(&cond);
    run(5 * MS + 2);
    assert_string_equal(story, "spin-signalled late signalled signalled ");
}

static void test_cancel(void **state)
{
    (void)state;
    vdev_thread_t *t = make("a", 10, waits_with_mutex, NULL);
    run(2);
    vdev_thread_cancel(t);
    run(3);
    assert_string_equal(story, "cancelled ");
}

static void test_pulses(void **state)
{
    struct vdev_event one, nine;
    (void)state;
    assert_int_equal(vdev_pulse(&vdevs[1], 1, 5, &one), EINVAL);
    assert_int_equal(vdev_pulse(v, 1, 256, &one), EINVAL);
    assert_string_equal(log_all(), "vm/p@0: vdev_pulse refused: its factory has no pulse()\n"
                                   "vm/t@0: vdev_pulse refused: priorities end at 255\n");
    assert_int_equal(vdev_pulse(v, 1, 5, &one), EOK);
    assert_int_equal(vdev_pulse(v, 9, 50, &nine), EOK);
    run(1);
    assert_int_equal(vdev_event_deliver(&one), EOK);
    assert_int_equal(vdev_event_deliver(&nine), EOK);
    assert_int_equal(vdev_event_deliver(&one), EOK);
    make("between", 20, says, "between");
    run(2);
    assert_string_equal(story, "p9 between p1 p1 ");
}

static void *never_ends(void *arg)
{
    if (arg)
        assert_int_equal(vdev_mutex_lock(&m1), EOK);
    do
        interrupt();
    while (arg);
    return arg;
}

static void *keeper(void *arg)
{
    (void)arg;
    threads_end(&vm);
    tell("all-ended");
    return NULL;
}

static void test_end(void **state)
{
    static struct thread own_thread;
    struct vdev_event one;
    (void)state;
    machine_phase = PHASE_STARTUP;
    assert_int_equal(thread_alloc(&own_thread, &vm, &core), 0);
    assert_int_equal(vdev_pulse(v, 1, 5, &one), EOK);
    machine_phase = PHASE_RUNNING;
    make("good", 10, waits_with_mutex, NULL);
    run(1);
    thread_begin(&own_thread, "keeper", &v->v_sched, keeper, NULL);
    run(2000u * MS);
    assert_string_equal(story, "cancelled all-ended ");
    assert_string_equal(log_all(), "");
    assert_int_equal(vdev_event_deliver(&one), ENXIO);
    threads_start(&vm);
    assert_int_equal(vdev_event_deliver(&one), EOK);
    run(3000u * MS);
    assert_string_equal(story, "cancelled all-ended p1 ");
}

/* It holds a mutex and listens to nobody; another VM's thread of the same priority has its turns meanwhile. */
static void test_end_by_force(void **state)
{
    static struct thread own_thread;
    (void)state;
    machine_phase = PHASE_STARTUP;
    assert_int_equal(thread_alloc(&own_thread, &vm, &core), 0);
    machine_phase = PHASE_RUNNING;
    make("stubborn", 16, never_ends, v);
    run(50u * MS);
    thread_begin(&own_thread, "keeper", &v->v_sched, keeper, NULL);
    run(1500u * MS);
    assert_string_equal(story, "all-ended ");
    assert_string_equal(log_all(), "vm/t@0: its thread stubborn does not end: ended by force\n");
    assert_null(m1.owner);
}

/* The Raspberry Pi 4's ticks, QEMU's, and those of newer cores: what waits until a time of the clock finds that it is then, and no tick later. */
static void test_clock_of_any_rate(void **state)
{
    static const uint64_t rates[] = { 54000000, 62500000, 19200000, 1000000000 };
    static const uint64_t times[] = {
        0, 1, 18, 19, 37, 999999999, 1000000000, 1000000001, 3600000000001, UINT64_C(31536000000000017)
    };

    (void)state;
    for (unsigned r = 0; r < sizeof(rates) / sizeof(*rates); r++) {
        frequency = rates[r];
        for (unsigned t = 0; t < sizeof(times) / sizeof(*times); t++) {
            now = timer_of_ns(times[t]);
            assert_true(vdev_clock_ns() >= times[t] && vdev_clock_ns() - times[t] <= 1000000000 / frequency + 1);
            if (now--)
                assert_true(vdev_clock_ns() < times[t]);
        }
        assert_int_equal(timer_of_ns(1000000000), frequency);
        now = 86400 * frequency * 365 * 100; /* a century */
        assert_int_equal(vdev_clock_ns(), UINT64_C(3153600000000000000));
        assert_int_equal(timer_of_ns(vdev_clock_ns()), now);
    }
    now = 0;
}

/* Whatever the counter's frequency: at the first tick that is not before the time, not at the one before it. */
static void test_never_early(void **state)
{
    static const uint64_t frequencies[] = { 62500000, 54000000, 24000000, 19200000, 1000000000 };
    (void)state;
    for (unsigned f = 0; f < ARRAY_LEN(frequencies); f++) {
        frequency = frequencies[f];
        for (uint64_t ns = 1; ns < 40000000000; ns += 999983 + ns / 3) {
            uint64_t tick = timer_of_ns(ns);
            now = tick;
            assert_true(vdev_clock_ns() >= ns);
            now = tick - 1;
            assert_true(vdev_clock_ns() < ns);
        }
        assert_true(timer_of_ns(VDEV_FOREVER) == ALARM_NEVER);
    }
}

/* It was signalled, and is cancelled before it comes to the core: nobody else has had the signal, so it tells of that. */
static void test_signalled_then_cancelled(void **state)
{
    (void)state;
    vdev_thread_t *first = make("first", 20, waits_with_spin_lock, NULL);
    make("second", 10, waits_with_spin_lock, NULL);
    run(2);
    vdev_cond_signal(&cond);
    vdev_thread_cancel(first);
    run(3);
    assert_string_equal(story, "spin-signalled ");
    vdev_cond_signal(&cond);
    run(4);
    assert_string_equal(story, "spin-signalled spin-signalled ");
}

static void *holds_till_told(void *arg)
{
    assert_int_equal(vdev_mutex_lock(&m2), EOK);
    while (!*(bool *)arg)
        interrupt();
    assert_int_equal(vdev_mutex_unlock(&m2), EOK);
    tell("let-go");
    return arg;
}

/* The pulse thread waits for a mutex at one pulse's priority when a higher pulse comes: whoever holds it is lent that. */
static void test_pulse_raises_while_it_waits(void **state)
{
    struct vdev_event one, nine;
    bool done = false;
    (void)state;
    assert_int_equal(vdev_pulse(v, 1, 6, &one), EOK);
    assert_int_equal(vdev_pulse(v, 9, 50, &nine), EOK);
    vdev_thread_t *holder = make("holder", 5, holds_till_told, &done);
    run(2);
    pulses_take = &m2;
    assert_int_equal(vdev_event_deliver(&one), EOK);
    run(now + 3 * MS);
    assert_int_equal(holder->ctx.priority, 6);
    assert_int_equal(vdev_event_deliver(&nine), EOK);
    assert_int_equal(holder->ctx.priority, 50);
    done = true;
    run(now + 3 * MS);
    pulses_take = NULL;
    assert_string_equal(story, "let-go p1 p9 ");
}

static void *holds_and_sleeps(void *arg)
{
    assert_int_equal(vdev_mutex_lock(&m2), EOK);
    (void)vdev_thread_sleep_until(now + 20 * MS);
    assert_int_equal(vdev_mutex_unlock(&m2), EOK);
    return arg;
}

static void *wants(void *arg)
{
    assert_int_equal(vdev_mutex_lock(&m2), EOK);
    tell(vdev_thread_self()->name);
    assert_int_equal(vdev_mutex_unlock(&m2), EOK);
    return arg;
}

static void *spends_and_wants(void *arg)
{
    while (now < 3 * MS)
        interrupt();
    assert_int_equal(vdev_thread_self()->ctx.priority, 2);
    return wants(arg);
}

static void give_budget(void)
{
    v->v_sched.budget = MS;
    v->v_sched.period = 10 * MS;
    v->v_sched.background = 2;
}

/* With priority 30 while it has a budget, which `body` spends, it waits for what the holder, of 5, has; so does another, of 20. */
static vdev_thread_t *waiter_without_budget(void *(*body)(void *arg), vdev_thread_t **holder)
{
    *holder = make("holder", 5, holds_and_sleeps, NULL);
    run(2);
    make("other", 20, wants, NULL);
    run(3);
    give_budget();
    vdev_thread_t *waiter = make("waiter", 30, body, NULL);
    run(5 * MS);
    assert_ptr_equal(waiter->wants, &m2);
    assert_int_equal(waiter->ctx.priority, 2);
    assert_int_equal((*holder)->ctx.priority, 20);
    return waiter;
}

/* Its budget is spent when it begins to wait, and comes back while it waits: whoever holds the mutex is lent the priority it has then. */
static void test_budget_comes_back_while_it_waits(void **state)
{
    (void)state;
    vdev_thread_t *holder, *waiter = waiter_without_budget(spends_and_wants, &holder);
    run(13 * MS);
    assert_int_equal(waiter->ctx.priority, 30);
    assert_int_equal(holder->ctx.priority, 30);
    run(25 * MS);
    assert_string_equal(story, "waiter other ");
}

static void *wants_with_the_last_tick(void *arg)
{
    now += MS;
    return wants(arg);
}

/* Its budget is spent the moment it begins to wait, which is seen after it lent its priority: the next one lends its own. */
static void test_budget_ends_as_it_waits(void **state)
{
    (void)state;
    vdev_thread_t *holder;
    (void)waiter_without_budget(wants_with_the_last_tick, &holder);
    run(25 * MS);
    assert_string_equal(story, "waiter other ");
}

static void *waits_for_long(void *arg)
{
    while (now < 3 * MS && arg)
        interrupt();
    assert_int_equal(vdev_mutex_lock(&m1), EOK);
    assert_int_equal(vdev_cond_wait(&cond, &m1, VDEV_FOREVER), EOK);
    tell(vdev_thread_self()->name);
    assert_int_equal(vdev_mutex_unlock(&m1), EOK);
    return arg;
}

/* A condition is signalled to who is the most important then, not when it began to wait. */
static void test_budget_comes_back_in_a_condition(void **state)
{
    (void)state;
    make("other", 20, waits_for_long, NULL);
    run(2);
    give_budget();
    make("limited", 30, waits_for_long, v);
    run(5 * MS);
    run(15 * MS);
    vdev_cond_signal(&cond);
    run(16 * MS);
    assert_string_equal(story, "limited ");
    vdev_cond_signal(&cond);
    run(17 * MS);
    assert_string_equal(story, "limited other ");
}

static void *sleeps_long(void *arg)
{
    (void)vdev_thread_sleep_until(now + UINT64_C(9000) * MS);
    return arg;
}

/* It is cancelled in its sleep and never comes to the core for its rival; ended by force, it leaves no alarm behind. */
static void test_end_by_force_in_sleep(void **state)
{
    static struct thread own_thread;
    (void)state;
    machine_phase = PHASE_STARTUP;
    assert_int_equal(thread_alloc(&own_thread, &vm, &core), 0);
    machine_phase = PHASE_RUNNING;
    vdev_thread_t *t = make("sleeper", 1, sleeps_long, NULL);
    run(2);
    make("rival", 12, never_ends, v);
    run(now + 3 * MS);
    thread_begin(&own_thread, "keeper", &v->v_sched, keeper, NULL);
    run(3500u * MS);
    assert_string_equal(story, "all-ended ");
    assert_true(t->ended && t->timeout.when == ALARM_NEVER);
}

static void *waits_to_be_cancelled(void *arg)
{
    assert_int_equal(vdev_mutex_lock(&m1), EOK);
    assert_int_equal(vdev_cond_wait(&cond, &m1, VDEV_FOREVER), ECANCELED);
    tell("waiter");
    assert_int_equal(vdev_mutex_unlock(&m1), EOK);
    return arg;
}

static void *holds_in_its_sleep(void *arg)
{
    assert_int_equal(vdev_mutex_lock(&m1), EOK);
    assert_int_equal(vdev_thread_sleep_until(VDEV_FOREVER), ECANCELED);
    tell("holder");
    assert_int_equal(vdev_mutex_unlock(&m1), EOK);
    return arg;
}

/* The first needs a mutex to end that the second holds until it is cancelled too: neither is ended by force. */
static void test_end_of_one_that_waits_for_another(void **state)
{
    static struct thread own_thread;
    (void)state;
    machine_phase = PHASE_STARTUP;
    assert_int_equal(thread_alloc(&own_thread, &vm, &core), 0);
    machine_phase = PHASE_RUNNING;
    make("waiter", 20, waits_to_be_cancelled, NULL);
    make("holder", 10, holds_in_its_sleep, NULL);
    run(2);
    thread_begin(&own_thread, "keeper", &v->v_sched, keeper, NULL);
    run(100 * MS);
    assert_string_equal(story, "holder waiter all-ended ");
    assert_string_equal(log_all(), "");
}

/* What it makes when it is told to end would be left behind. */
static void *makes_another(void *arg)
{
    vdev_thread_t *t;
    assert_int_equal(vdev_thread_sleep_until(VDEV_FOREVER), ECANCELED);
    assert_int_equal(vdev_thread_create(v, "late", &t, NULL, says, "late"), ENXIO);
    return arg;
}

static void test_none_is_made_at_the_end(void **state)
{
    static struct thread own_thread;
    (void)state;
    machine_phase = PHASE_STARTUP;
    assert_int_equal(thread_alloc(&own_thread, &vm, &core), 0);
    machine_phase = PHASE_RUNNING;
    make("first", 10, says, "first");
    make("breeder", 10, makes_another, NULL);
    run(2);
    thread_begin(&own_thread, "keeper", &v->v_sched, keeper, NULL);
    run(100 * MS);
    assert_string_equal(story, "first all-ended ");
    threads_start(&vm);
    make("again", 10, says, "again");
    run(101 * MS);
    assert_string_equal(story, "first all-ended again ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_priorities),
        TEST(test_create_refuses),
        TEST(test_join_and_sleep),
        TEST(test_only_threads_block),
        TEST(test_inversion),
        TEST(test_deadlock_is_told),
        TEST(test_conditions),
        TEST(test_cancel),
        TEST(test_pulses),
        TEST(test_end),
        TEST(test_end_by_force),
        TEST(test_mutex_order),
        TEST(test_never_early),
        TEST(test_clock_of_any_rate),
        TEST(test_signalled_then_cancelled),
        TEST(test_pulse_raises_while_it_waits),
        TEST(test_budget_comes_back_while_it_waits),
        TEST(test_budget_ends_as_it_waits),
        TEST(test_budget_comes_back_in_a_condition),
        TEST(test_end_by_force_in_sleep),
        TEST(test_end_of_one_that_waits_for_another),
        TEST(test_none_is_made_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
