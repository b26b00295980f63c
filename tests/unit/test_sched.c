/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/sched.c hyp/budget.c */
/* The scheduler on simulated cores: one tick is a microsecond; nothing runs but the choice of what would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/arm64/timer.h"
#include "hyp/core.h"

#define CORES 4
#define CONTEXTS 12
#define MS 1000
#define S 1000000

static struct core sim_cores[CORES];
struct core *cores[CONFIG_MAX_CORES];
static struct context x[CONTEXTS];
static unsigned contexts;
static uint64_t now;
static uint64_t alarm_at[CONTEXTS];

/* Read before the lock, it would be older than what others wrote meanwhile. */
uint64_t timer_now(void)
{
    assert_int_not_equal(sched_lock.next, sched_lock.owner);
    return now;
}

uint64_t timer_ms(uint64_t ms)
{
    return ms * MS;
}

void core_kick(struct core *c)
{
    c->attention = 1;
}

static unsigned told;
void thread_reprioritised(struct context *of)
{
    assert_int_equal(of->state, CONTEXT_BLOCKED);
    told++;
}

int alarm_init(struct alarm *a, struct core *c, alarm_fn fn)
{
    *a = (struct alarm){ .core = c, .fn = fn };
    return 0;
}

static unsigned index_of(const struct alarm *a)
{
    return (unsigned)(container_of(a, struct context, refill) - x);
}

void alarm_set(struct alarm *a, uint64_t when)
{
    alarm_at[index_of(a)] = when;
}

static struct context *make(enum context_kind kind, unsigned priority, uint64_t on)
{
    struct context *n = &x[contexts];
    alarm_at[contexts++] = ALARM_NEVER;
    assert_int_equal(context_init(n, kind, &sim_cores[0]), 0);
    context_set(n, priority, on);
    return n;
}

static int setup(void **state)
{
    (void)state;
    memset(sim_cores, 0, sizeof(sim_cores));
    memset(x, 0, sizeof(x));
    now = 1;
    contexts = 0;
    srand(7);
    sched_init();
    for (unsigned i = 0; i < CORES; i++) {
        cores[i] = &sim_cores[i];
        sim_cores[i].arch.index = i;
        sim_cores[i].state = CORE_UP;
        sched_core_init(&sim_cores[i].sched);
    }
    return 0;
}

/* As core_choose() does: a vCPU that may run elsewhere gives up the hardware to the next context. */
static void choose(struct core *c)
{
    struct context *was = NULL;
    for (unsigned i = 0; i < contexts; i++)
        if (x[i].held == c && x[i].kind == CONTEXT_VCPU)
            was = &x[i];
    c->attention = 0;
    sched_pick(c);
    struct context *n = c->sched.current;
    if (was && n && n != was && (was->cores & (was->cores - 1) || n->kind == CONTEXT_VCPU))
        sched_released(was);
}

/* Nobody waits who could run in the place of somebody less important, or of nobody. */
static void is_just(void)
{
    for (unsigned i = 0; i < contexts; i++) {
        if (x[i].state == CONTEXT_RUNNING)
            assert_ptr_equal(x[i].core->sched.current, &x[i]);
        bool barred = x[i].budget.spent && x[i].background < 0;
        for (unsigned c = 0; c < CORES && x[i].state == CONTEXT_READY && !barred; c++) {
            const struct core_sched *s = &sim_cores[c].sched;
            if (!(x[i].cores & BIT(c)))
                continue;
            if (!s->current || s->current->priority < x[i].priority)
                fail_msg("context %u (%u, kind %d, held %d, target %d) waits for core %u, which runs %d", i,
                         x[i].priority, x[i].kind, x[i].held ? (int)x[i].held->arch.index : -1,
                         x[i].target ? (int)x[i].target->arch.index : -1, c, s->current ? s->current->priority : -1);
            if (s->current->priority == x[i].priority)
                assert_true(s->turn_end <= now + SCHED_TURN_MS * MS);
            assert_true(s->waiting_priority >= x[i].priority);
        }
    }
    for (unsigned c = 0; c < CORES; c++)
        if (sim_cores[c].sched.current)
            assert_true(sim_cores[c].sched.current->cores & BIT(c));
}

static void settle(void)
{
    for (bool again = true; again;) {
        again = false;
        for (unsigned c = 0; c < CORES; c++)
            if (sim_cores[c].attention) {
                choose(&sim_cores[c]);
                again = true;
            }
    }
    is_just();
}

/* Lets time pass up to `until`, looking at each turn's end and alarm as they come. */
static void run(uint64_t until)
{
    settle();
    while (now < until) {
        uint64_t next = until;
        for (unsigned c = 0; c < CORES; c++)
            next = sim_cores[c].sched.turn_end < next ? sim_cores[c].sched.turn_end : next;
        for (unsigned i = 0; i < contexts; i++)
            next = alarm_at[i] < next ? alarm_at[i] : next;
        now = next > now ? next : now;
        for (unsigned i = 0; i < contexts; i++)
            if (alarm_at[i] <= now) {
                alarm_at[i] = ALARM_NEVER;
                x[i].refill.fn(&x[i].refill);
            }
        for (unsigned c = 0; c < CORES; c++)
            if (sim_cores[c].sched.turn_end <= now)
                sim_cores[c].attention = 1;
        settle();
    }
}

static void block(struct context *n)
{
    struct core *c = n->core;
    assert_int_equal(n->state, CONTEXT_RUNNING);
    sched_block(c);
    if (n->kind == CONTEXT_THREAD)
        sched_released(n);
}

static void ran_about(struct context *n, uint64_t want)
{
    uint64_t ran, waited;
    sched_times(n, &ran, &waited);
    if (ran < want - want / 50 || ran > want + want / 50)
        fail_msg("context %u ran %lu, not %lu", (unsigned)(n - x), ran, want);
}

static void test_turns(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        sched_wake(make(CONTEXT_VCPU, 16, 1));
    run(10 * S);
    for (unsigned i = 0; i < 3; i++)
        ran_about(&x[i], 10 * S / 3);
}

static void test_floating_share_what_is_there(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        sched_wake(make(i ? CONTEXT_VCPU : CONTEXT_THREAD, 16, 3));
    sched_wake(make(CONTEXT_VCPU, 10, 7)); /* less important: what the others leave */
    run(10 * S);
    for (unsigned i = 0; i < 3; i++)
        ran_about(&x[i], 20 * S / 3);
    ran_about(&x[3], 10 * S);
}

static void test_alone_there_is_no_tick(void **state)
{
    (void)state;
    struct context *a = make(CONTEXT_VCPU, 16, 1), *b = make(CONTEXT_VCPU, 16, 1);
    sched_wake(a);
    settle();
    assert_ptr_equal(sim_cores[0].sched.current, a);
    assert_true(sim_cores[0].sched.turn_end == ALARM_NEVER && sim_cores[0].sched.waiting_priority < 0);
    sched_wake(b);
    settle();
    assert_true(sim_cores[0].sched.turn_end == now + 10 * MS);
    run(now + 10 * MS);
    assert_ptr_equal(sim_cores[0].sched.current, b);
    block(b);
    settle();
    assert_true(sim_cores[0].sched.turn_end == ALARM_NEVER && sim_cores[0].sched.waiting_priority < 0);
}

static void test_priority_preempts_and_gives_back_the_turn(void **state)
{
    (void)state;
    struct context *a = make(CONTEXT_VCPU, 16, 1), *b = make(CONTEXT_VCPU, 16, 1), *high = make(CONTEXT_THREAD, 17, 1);
    sched_wake(a);
    sched_wake(b);
    run(4 * MS + 1);
    sched_wake(high);
    settle();
    assert_ptr_equal(sim_cores[0].sched.current, high);
    run(now + 30 * MS);
    block(high);
    settle();
    assert_ptr_equal(sim_cores[0].sched.current, a); /* the rest of its turn */
    assert_int_equal(sim_cores[0].sched.turn_end, now + 6 * MS);
    run(now + 6 * MS);
    assert_ptr_equal(sim_cores[0].sched.current, b);
}

static void test_urgent_comes_first(void **state)
{
    (void)state;
    struct context *high = make(CONTEXT_VCPU, 255, 1), *low = make(CONTEXT_VCPU, 0, 1);
    sched_wake(high);
    sched_wake(low);
    settle();
    sched_wake_urgent(low);
    choose(&sim_cores[0]);
    assert_ptr_equal(sim_cores[0].sched.current, low);
    settle(); /* it was seen to and wants to go on */
    assert_ptr_equal(sim_cores[0].sched.current, high);
}

/* Whatever changes its priority meanwhile. */
static void test_urgent_stays_so(void **state)
{
    (void)state;
    struct context *high = make(CONTEXT_VCPU, 255, 1), *low = make(CONTEXT_VCPU, 0, 1);
    sched_wake(high);
    sched_wake(low);
    settle();
    sched_wake_urgent(low);
    lock_acquire(&sched_lock);
    sched_base_locked(low, 3);
    lock_release(&sched_lock);
    choose(&sim_cores[0]);
    assert_ptr_equal(sim_cores[0].sched.current, low);
    assert_int_equal(low->priority, 3);
}

static void test_yield(void **state)
{
    (void)state;
    struct context *a = make(CONTEXT_THREAD, 16, 1), *b = make(CONTEXT_THREAD, 16, 1);
    sched_wake(a);
    sched_wake(b);
    settle();
    sched_turn_over(&sim_cores[0]);
    settle();
    assert_ptr_equal(sim_cores[0].sched.current, b);
    assert_int_equal(a->state, CONTEXT_READY);
}

/* A vCPU's registers are still in a core's hardware: nobody else may take it. */
static void test_held(void **state)
{
    (void)state;
    struct context *v = make(CONTEXT_VCPU, 16, 3), *high = make(CONTEXT_VCPU, 20, 1);
    sched_wake(v);
    settle();
    struct core *first = v->core;
    block(v);
    settle();
    assert_ptr_equal(v->held, first);
    sched_wake(v);
    settle();
    assert_ptr_equal(v->core, first);
    assert_ptr_equal(first, &sim_cores[0]);
    sched_wake(high);
    settle();
    assert_ptr_equal(sim_cores[0].sched.current, high);
    assert_ptr_equal(sim_cores[1].sched.current, v); /* moved, once it was put */
}

static void test_budget(void **state)
{
    (void)state;
    struct context *limited = make(CONTEXT_VCPU, 30, 1), *other = make(CONTEXT_VCPU, 16, 1);
    context_budget(limited, 3 * MS, 10 * MS, -1);
    sched_wake(limited);
    sched_wake(other);
    run(10 * S + 1);
    ran_about(limited, 3 * S);
    ran_about(other, 7 * S);
}

static void test_budget_without_rival_is_a_limit_too(void **state)
{
    (void)state;
    struct context *limited = make(CONTEXT_VCPU, 30, 1);
    context_budget(limited, 2 * MS, 20 * MS, -1);
    sched_wake(limited);
    run(10 * S + 1);
    ran_about(limited, 1 * S);
}

/* A fifth is its own, and of the rest it has turns as the others have, whatever the budget does to the order. */
static void test_background(void **state)
{
    (void)state;
    for (unsigned others = 1; others < 4; others++) {
        setup(NULL);
        struct context *limited = make(CONTEXT_VCPU, 30, 1);
        context_budget(limited, 2 * MS, 10 * MS, 16);
        sched_wake(limited);
        for (unsigned i = 0; i < others; i++)
            sched_wake(make(CONTEXT_VCPU, 16, 1));
        run(30 * S + 1);
        uint64_t turns = (30 * S - 6 * S) / (others + 1);
        ran_about(limited, 6 * S + turns);
        for (unsigned i = 1; i <= others; i++)
            ran_about(&x[i], turns);
    }
}

/* In the background it is below the middle one, which leaves nothing, and above nobody when that one sleeps. */
static void test_background_below_another(void **state)
{
    (void)state;
    struct context *limited = make(CONTEXT_VCPU, 30, 1), *middle = make(CONTEXT_VCPU, 20, 1),
                   *low = make(CONTEXT_VCPU, 10, 1);
    context_budget(limited, 2 * MS, 10 * MS, 10);
    sched_wake(limited);
    sched_wake(middle);
    sched_wake(low);
    run(10 * S + 1);
    ran_about(limited, 2 * S);
    ran_about(middle, 8 * S);
    ran_about(low, 0);
    while (middle->state != CONTEXT_RUNNING)
        run(now + 100);
    block(middle);
    run(20 * S + 1);
    ran_about(limited, 2 * S + 2 * S + 4 * S);
    ran_about(low, 4 * S);
}

/* What it ran in the background before a refill is not taken from the refill. */
/* Its turns end as its budget begins, so whoever of the two is beside it must not have a turn for ever. */
static void test_budget_above_floating_equals(void **state)
{
    (void)state;
    struct context *limited = make(CONTEXT_VCPU, 30, 3), *one = make(CONTEXT_VCPU, 10, 3),
                   *two = make(CONTEXT_VCPU, 10, 3);
    context_budget(limited, 6 * MS, 10 * MS, -1);
    sched_wake(limited);
    sched_wake(one);
    sched_wake(two);
    run(10000 * MS);
    assert_in_range(limited->ran, 5990 * MS, 6010 * MS);
    assert_in_range(one->ran, 6900 * MS, 7100 * MS);
    assert_in_range(two->ran, 6900 * MS, 7100 * MS);
}

static void test_refill_while_it_runs_in_the_background(void **state)
{
    (void)state;
    struct context *limited = make(CONTEXT_VCPU, 30, 1), *other = make(CONTEXT_VCPU, 20, 1);
    context_budget(limited, 2 * MS, 10 * MS, 5);
    sched_wake(limited);
    run(now + 11 * MS);
    sched_wake(other);
    settle();
    assert_ptr_equal(sim_cores[0].sched.current, limited); /* 1 ms of its second budget is used */
    run(now + MS);
    assert_ptr_equal(sim_cores[0].sched.current, other);
}

/* What a context with 3 ms of 10 ran in each step so far, looked at in each window. */
enum { STEP = 100, PERIOD = 10 * MS, WINDOW = PERIOD / STEP, STEPS = 20000 };
struct windows {
    uint32_t used[STEPS];
    uint64_t ran, in_window;
};

static void step(struct windows *w, unsigned n, struct context *limited)
{
    uint64_t ran, waited;
    run(now + STEP);
    sched_times(limited, &ran, &waited);
    w->used[n] = (uint32_t)(ran - w->ran);
    w->ran = ran;
    w->in_window += w->used[n];
    if (n >= WINDOW)
        w->in_window -= w->used[n - WINDOW];
    assert_true(w->in_window <= 3 * MS);
}

/* However it blocks and wakes, no window of a period sees more than the budget. */
static void test_budget_in_any_window(void **state)
{
    static struct windows w;
    (void)state;
    struct context *limited = make(CONTEXT_VCPU, 30, 1);
    context_budget(limited, 3 * MS, PERIOD, -1);
    for (unsigned n = 0; n < STEPS; n++) {
        if (limited->state == CONTEXT_RUNNING && rand() % 30 == 0)
            block(limited);
        if (limited->state == CONTEXT_BLOCKED && rand() % 20 == 0)
            sched_wake(limited);
        step(&w, n, limited);
    }
    assert_true(w.ran > 4 * S / 10);
}

/* Kept off its core by another, it has no refill as soon as it comes back: 9.7 ms of each 20 the more important one runs. */
static void test_budget_in_any_window_kept_off(void **state)
{
    static struct windows w;
    (void)state;
    struct context *limited = make(CONTEXT_VCPU, 30, 1), *high = make(CONTEXT_VCPU, 40, 1);
    context_budget(limited, 3 * MS, PERIOD, -1);
    for (unsigned n = 0; n < STEPS; n++) {
        if (n % 200 == 0) {
            sched_wake(limited);
            sched_wake(high);
        }
        if (n % 200 == 97)
            block(high);
        step(&w, n, limited);
    }
    assert_in_range(w.ran, 3 * S / 10, 6 * S / 10);
}

/* Preempted at random, far more often than there are refills: no more than the budget, and hardly less. */
static void test_budget_in_any_window_preempted(void **state)
{
    static struct windows w;
    (void)state;
    struct context *limited = make(CONTEXT_VCPU, 30, 1), *high = make(CONTEXT_VCPU, 40, 1);
    context_budget(limited, 3 * MS, PERIOD, -1);
    sched_wake(limited);
    for (unsigned n = 0; n < STEPS; n++) {
        if (high->state == CONTEXT_RUNNING && rand() % 2)
            block(high);
        else
            sched_wake(high);
        step(&w, n, limited);
    }
    assert_in_range(w.ran, 55 * S / 100, 6 * S / 10 + 3 * MS);
}

/* A blocked thread's priority goes with its budget, which may be spent the moment it blocks. */
static void test_budget_of_a_blocked_thread(void **state)
{
    (void)state;
    struct context *limited = make(CONTEXT_THREAD, 30, 1);
    context_budget(limited, 3 * MS, 10 * MS, 2);
    sched_wake(limited);
    settle();
    told = 0;
    now += 3 * MS;
    block(limited);
    assert_int_equal(limited->priority, 2);
    assert_int_equal(told, 1);
    run(now + 10 * MS);
    assert_int_equal(limited->priority, 30);
    assert_int_equal(told, 2);
}

static void test_lent_priority(void **state)
{
    (void)state;
    struct context *low = make(CONTEXT_THREAD, 5, 1), *middle = make(CONTEXT_VCPU, 10, 1);
    sched_wake(low);
    sched_wake(middle);
    settle();
    assert_ptr_equal(sim_cores[0].sched.current, middle);
    lock_acquire(&sched_lock);
    sched_lend_locked(low, 20);
    lock_release(&sched_lock);
    settle();
    assert_ptr_equal(sim_cores[0].sched.current, low);
    lock_acquire(&sched_lock);
    sched_lend_locked(low, 0);
    lock_release(&sched_lock);
    settle();
    assert_ptr_equal(sim_cores[0].sched.current, middle);
}

static void one_event(void)
{
    struct context *n = &x[(unsigned)rand() % contexts];
    switch (rand() % 6) {
    case 0:
    case 1: sched_wake(n); break;
    case 2:
        if (n->state == CONTEXT_RUNNING)
            block(n);
        break;
    case 3:
        if (n->state == CONTEXT_RUNNING)
            sched_turn_over(n->core);
        break;
    case 4: sched_wake_urgent(n); break;
    case 5:
        lock_acquire(&sched_lock);
        sched_lend_locked(n, rand() % 2 ? 0 : (unsigned)rand() % 30);
        lock_release(&sched_lock);
        break;
    }
}

/* Any traffic, looked at after each event and as time passes: is_just(). */
static void test_random(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        setup(NULL);
        srand(round);
        for (unsigned i = 0; i < CONTEXTS; i++) {
            uint64_t on = 1 + (unsigned)rand() % 15;
            struct context *n = make(rand() % 2 ? CONTEXT_VCPU : CONTEXT_THREAD, 1 + (unsigned)rand() % 5, on);
            if (rand() % 4 == 0)
                context_budget(n, (uint64_t)(1 + rand() % 5) * MS, 10 * MS, rand() % 2 ? -1 : 0);
        }
        for (unsigned n = 0; n < 2000; n++) {
            for (int burst = rand() % 4; burst >= 0; burst--)
                one_event();
            run(now + (uint64_t)(rand() % (3 * MS)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_turns, setup),
        cmocka_unit_test_setup(test_floating_share_what_is_there, setup),
        cmocka_unit_test_setup(test_alone_there_is_no_tick, setup),
        cmocka_unit_test_setup(test_priority_preempts_and_gives_back_the_turn, setup),
        cmocka_unit_test_setup(test_urgent_comes_first, setup),
        cmocka_unit_test_setup(test_urgent_stays_so, setup),
        cmocka_unit_test_setup(test_yield, setup),
        cmocka_unit_test_setup(test_held, setup),
        cmocka_unit_test_setup(test_budget, setup),
        cmocka_unit_test_setup(test_budget_without_rival_is_a_limit_too, setup),
        cmocka_unit_test_setup(test_background, setup),
        cmocka_unit_test_setup(test_background_below_another, setup),
        cmocka_unit_test_setup(test_budget_above_floating_equals, setup),
        cmocka_unit_test_setup(test_refill_while_it_runs_in_the_background, setup),
        cmocka_unit_test_setup(test_budget_in_any_window, setup),
        cmocka_unit_test_setup(test_budget_in_any_window_kept_off, setup),
        cmocka_unit_test_setup(test_budget_in_any_window_preempted, setup),
        cmocka_unit_test_setup(test_budget_of_a_blocked_thread, setup),
        cmocka_unit_test_setup(test_lent_priority, setup),
        cmocka_unit_test_setup(test_random, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
