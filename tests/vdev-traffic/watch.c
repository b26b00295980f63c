/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at all of them while they work: who waits for what and for how long, priorities; and counts at the end. */
#include "hyp/core.h"
#include "hyp/thread.h"
#include "tests/vdev-traffic/traffic.h"

#define LOOK_NS (20 * MS_NS)
#define STARVED_NS UINT64_C(10000000000)

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

/* Exact for what waiters lend; that somebody of lower priority runs while another could is allowed for as long as an emulator may be held up. */
static struct finding look_at(const struct thread *t, uint64_t long_ago) REQUIRES(sched_lock)
{
    const struct vdev_mutex *m = t->wants;
    if (m && !m->owner)
        return (struct finding){ "waits for a mutex that is free", t, NULL };
    if (m && m->owner->ctx.priority < t->ctx.priority)
        return (struct finding){ "waits for one that does not have its priority:", t, m->owner };
    if (m && t->ctx.state != CONTEXT_BLOCKED)
        return (struct finding){ "waits and is not blocked", t, NULL };
    if (t->ctx.state == CONTEXT_READY && t->ctx.ready_since < long_ago && lower_runs(&t->ctx))
        return (struct finding){ "can run, and a core runs something less important", t, NULL };
    return (struct finding){ .what = NULL };
}

static void look(vdev_t *v)
{
    struct finding found = { .what = NULL };
    uint64_t now = timer_now(), starved = timer_of_ns(STARVED_NS);
    lock_acquire(&sched_lock);
    for (unsigned n = 0; n <= v->v_factory->threads && !found.what; n++)
        if (v->v_threads[n].made && !v->v_threads[n].ended)
            found = look_at(&v->v_threads[n], now > starved ? now - starved : 0);
    lock_release(&sched_lock);
    if (found.what)
        traffic_fails(v, "thread %s %s %s", found.who->name, found.what, found.other ? found.other->name : "");
}

static void look_for_stuck(vdev_t *v)
{
    const struct traffic *t = traffic_of(v);
    uint64_t now = vdev_clock_ns();
    for (unsigned i = 0; i < WORKERS; i++) {
        const struct worker *w = &t->workers[i];
        uint64_t since = __atomic_load_n(&w->since, __ATOMIC_RELAXED);
        if (now > since + STUCK_NS && w->thread && !w->thread->ended)
            traffic_fails(v, "worker %u %s for %llu ms: asked %llu, answered %llu, armed %llu, fired %llu", i,
                          __atomic_load_n(&w->does, __ATOMIC_RELAXED), (unsigned long long)((now - since) / MS_NS),
                          (unsigned long long)w->asked, (unsigned long long)w->answered, (unsigned long long)w->armed,
                          (unsigned long long)w->fired);
    }
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
    (void)vdev_thread_sleep_until(vdev_clock_ns() + 500 * MS_NS);
    for (unsigned code = 0; code < PULSES; code++)
        if (__atomic_load_n(&t->got[code], __ATOMIC_SEQ_CST) != t->sent[code])
            traffic_fails(v, "pulse %u: came %llu times, sent %llu times", code, (unsigned long long)t->got[code],
                          (unsigned long long)t->sent[code]);
}

void *traffic_watch(void *vdev)
{
    vdev_t *v = vdev;
    struct traffic *t = traffic_of(v);
    uint64_t begin = vdev_clock_ns(), end = begin + t->seconds * 1000 * MS_NS, next = begin;
    thread_assume();
    phase_assume_running();
    while (!__atomic_load_n(&t->failed, __ATOMIC_RELAXED) && !(t->stop && all_ended(t))) {
        (void)vdev_thread_sleep_until(next += LOOK_NS);
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
