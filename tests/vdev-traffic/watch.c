/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at all of them while they work: who waits for what and for how long, priorities; and counts at the end. */
#include "hyp/core.h"
#include "hyp/thread.h"
#include "tests/vdev-traffic/traffic.h"

#define LOOK_NS (20 * MS_NS)
/*
 * Who stays as it is for so many looks is stuck. Counted in looks, not in time: on a loaded host an emulated core may stand still for seconds, and
 * whoever waits for the next ticket of a lock with it; the watch does too.
 */
#define STUCK_LOOKS 1500
#define STARVED_LOOKS 500

struct finding {
    const char *what;
    const struct thread *who, *other;
};

static bool lower_runs(const struct context *x) REQUIRES(sched_lock)
{
    for (unsigned i = 0; i < CONFIG_MAX_CORES; i++) {
        const struct context *on = x->cores & BIT(i) && cores[i] ? cores[i]->sched.current : NULL;
        if (x->cores & cores_up() & BIT(i) && (!on || on->priority < x->priority))
            return true;
    }
    return false;
}

static bool starves(struct traffic *t, unsigned n, const struct context *x) REQUIRES(sched_lock)
{
    bool same = x->state == CONTEXT_READY && x->ready_since == t->ready_since[n] && lower_runs(x);
    t->ready_since[n] = x->ready_since;
    t->ready_looks[n] = same ? t->ready_looks[n] + 1 : 0;
    return t->ready_looks[n] >= STARVED_LOOKS;
}

/* Exact for what waiters lend. */
static struct finding look_at(struct traffic *all, unsigned n, const struct thread *t) REQUIRES(sched_lock)
{
    const struct vdev_mutex *m = t->wants;
    if (m && !m->owner)
        return (struct finding){ "waits for a mutex that is free", t, NULL };
    if (m && m->owner->ctx.priority < t->ctx.priority)
        return (struct finding){ "waits for one that does not have its priority:", t, m->owner };
    if (m && t->ctx.state != CONTEXT_BLOCKED)
        return (struct finding){ "waits and is not blocked", t, NULL };
    if (starves(all, n, &t->ctx))
        return (struct finding){ "can run, and a core runs something less important", t, NULL };
    return (struct finding){ .what = NULL };
}

static void look(vdev_t *v)
{
    struct finding found = { .what = NULL };
    lock_acquire(&sched_lock);
    for (unsigned n = 0; n <= v->v_factory->threads && !found.what; n++)
        if (v->v_threads[n].made && !v->v_threads[n].ended)
            found = look_at(traffic_of(v), n, &v->v_threads[n]);
    lock_release(&sched_lock);
    if (found.what)
        traffic_fails(v, "thread %s %s %s", found.who->name, found.what, found.other ? found.other->name : "");
}

static long long from_now(uint64_t ticks, uint64_t now)
{
    return ticks == ALARM_NEVER ? -1 : (long long)(int64_t)(ticks - now);
}

/* As it is now, without locks: who is where, and what each core is set to; times in ticks from now, -1 is never. */
static void describe(const vdev_t *v)
{
    static const char *const states[] = { "blocked", "ready", "runs" };
    uint64_t now = timer_now();
    for (unsigned n = 0; n <= v->v_factory->threads; n++) {
        const struct thread *t = &v->v_threads[n];
        if (t->made)
            vdev_logf(LOG_ERROR, v, "%u %s: %s, priority %u, core %d, held %d, until %lld, alarm %s, mutex of %s%s", n,
                      t->name, states[t->ctx.state], t->ctx.priority, t->ctx.core ? (int)t->ctx.core->arch.index : -1,
                      t->ctx.held ? (int)t->ctx.held->arch.index : -1, from_now(t->until, now),
                      t->timeout.place ? "set" : "not set",
                      t->wants && t->wants->owner ? t->wants->owner->name : "nobody", t->ended ? ", ended" : "");
    }
    for (unsigned i = 0; i < CONFIG_MAX_CORES; i++) {
        const struct core *c = cores[i];
        if (c)
            vdev_logf(
                LOG_ERROR, v,
                "core %u: runs %d, attention %u, armed %lld, first alarm %lld, turn ends %lld, waiting %d, target %d",
                i, c->sched.current ? c->sched.current->priority : -1, c->attention, from_now(c->armed, now),
                from_now(alarm_queue_first(&c->alarms), now), from_now(c->sched.turn_end, now),
                c->sched.waiting_priority, c->sched.target_priority);
    }
}

static void look_for_stuck(vdev_t *v)
{
    struct traffic *t = traffic_of(v);
    uint64_t now = vdev_clock_ns();
    bool before = t->failed;
    for (unsigned i = 0; i < WORKERS; i++) {
        struct worker *w = &t->workers[i];
        uint64_t since = __atomic_load_n(&w->since, __ATOMIC_RELAXED);
        w->looks = since == w->seen ? w->looks + 1 : 0;
        w->seen = since;
        if (w->looks > STUCK_LOOKS && w->thread && !w->thread->ended)
            traffic_fails(v, "worker %u %s for %llu ms: asked %llu, answered %llu, armed %llu, fired %llu", i,
                          __atomic_load_n(&w->does, __ATOMIC_RELAXED), (unsigned long long)((now - since) / MS_NS),
                          (unsigned long long)w->asked, (unsigned long long)w->answered, (unsigned long long)w->armed,
                          (unsigned long long)w->fired);
    }
    if (t->failed && !before)
        describe(v);
}

static bool all_ended(const struct traffic *t)
{
    for (unsigned i = 0; i < WORKERS; i++)
        if (!__atomic_load_n(&t->workers[i].thread->ended, __ATOMIC_ACQUIRE))
            return false;
    return true;
}

static uint64_t workers_end(vdev_t *v) REQUIRES(MAY_BLOCK)
{
    uint64_t operations = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        struct worker *w = &traffic_of(v)->workers[i];
        void *value = NULL;
        if (vdev_thread_join(w->thread, &value) || value != w)
            traffic_fails(v, "worker %u did not end as it should", i);
        operations += w->operations;
    }
    return operations;
}

static bool pulses_came(const struct traffic *t)
{
    for (unsigned code = 0; code < PULSES; code++)
        if (__atomic_load_n(&t->got[code], __ATOMIC_SEQ_CST) < t->sent[code])
            return false;
    return true;
}

/* All that was counted under a mutex was counted; each pulse came once. */
static void sums_check(vdev_t *v) REQUIRES(MAY_BLOCK)
{
    const struct traffic *t = traffic_of(v);
    for (unsigned m = 0; m < MUTEXES; m++) {
        uint64_t sum = 0;
        for (unsigned i = 0; i < WORKERS; i++)
            sum += t->workers[i].taken[m];
        if (sum != t->taken[m] || t->holder[m])
            traffic_fails(v, "mutex %u: counted %llu of %llu", m, (unsigned long long)t->taken[m],
                          (unsigned long long)sum);
    }
    for (unsigned n = 0; n < STUCK_LOOKS && !pulses_came(t); n++)
        (void)vdev_thread_sleep_until(vdev_clock_ns() + LOOK_NS);
    (void)vdev_thread_sleep_until(vdev_clock_ns() + LOOK_NS); /* and none comes twice */
    for (unsigned code = 0; code < PULSES; code++)
        if (__atomic_load_n(&t->got[code], __ATOMIC_SEQ_CST) != t->sent[code])
            traffic_fails(v, "pulse %u: came %llu times, sent %llu times", code, (unsigned long long)t->got[code],
                          (unsigned long long)t->sent[code]);
}

void *traffic_watch(void *vdev)
{
    vdev_t *v = vdev;
    struct traffic *t = traffic_of(v);
    uint64_t begin = vdev_clock_ns(), end = begin + t->seconds * 1000 * MS_NS;
    thread_assume();
    phase_assume_running();
    while (!__atomic_load_n(&t->failed, __ATOMIC_RELAXED) && !(t->stop && all_ended(t))) {
        (void)vdev_thread_sleep_until(vdev_clock_ns() + LOOK_NS);
        __atomic_store_n(&t->stop, vdev_clock_ns() >= end, __ATOMIC_RELAXED);
        look(v);
        look_for_stuck(v);
    }
    if (!t->failed) {
        uint64_t operations = workers_end(v);
        sums_check(v);
        vdev_logf(LOG_INFO, v, "TRAFFIC %s: %llu operations in %llu s, seed %u", t->failed ? "failed" : "good",
                  (unsigned long long)operations, (unsigned long long)((vdev_clock_ns() - begin) / (1000 * MS_NS)),
                  t->seed);
    }
    guest_terminate(v->v_gsp, t->failed ? GTC_CRASH : GTC_OFF);
    return NULL;
}
