/* SPDX-License-Identifier: Apache-2.0 */
/* What workers do, one thing after another by lot, and the one that answers them. */
#include <errno.h>
#include "tests/vdev-traffic/traffic.h"

static uint64_t lot(struct worker *w, uint64_t below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random % below;
}

static void does(struct worker *w, const char *what)
{
    __atomic_store_n(&w->since, vdev_clock_ns(), __ATOMIC_RELAXED);
    __atomic_store_n(&w->does, what, __ATOMIC_RELAXED);
    __atomic_fetch_add(&w->operations, 1, __ATOMIC_RELAXED);
}

static void compute(uint64_t turns)
{
    for (volatile uint64_t i = 0; i < turns; i++)
        ;
}

static void sleep_some(struct worker *w, uint64_t longest) REQUIRES(MAY_BLOCK)
{
    uint64_t until = vdev_clock_ns() + lot(w, longest);
    int err = vdev_thread_sleep_until(until);
    if (err || vdev_clock_ns() < until)
        traffic_fails(w->vdev, "worker %u: a sleep ends early (error %d)", w->index, err);
}

static void enter(struct worker *w, unsigned m, bool counts)
{
    struct traffic *t = traffic_of(w->vdev);
    if (t->holder[m])
        traffic_fails(w->vdev, "worker %u: mutex %u is held by %u too", w->index, m, t->holder[m] - 1);
    t->holder[m] = w->index + 1;
    t->taken[m] += counts;
    w->taken[m] += counts;
}

static void leave(struct worker *w, unsigned m)
{
    struct traffic *t = traffic_of(w->vdev);
    if (t->holder[m] != w->index + 1)
        traffic_fails(w->vdev, "worker %u: mutex %u was taken from it", w->index, m);
    t->holder[m] = 0;
}

/* Among the others with the last mutex: waits a while for any of them, or wakes one or all. */
static void crowd(struct worker *w) NO_THREAD_SAFETY
{
    struct traffic *t = traffic_of(w->vdev);
    uint64_t until = vdev_clock_ns() + lot(w, 3 * MS_NS);
    leave(w, MUTEXES - 1);
    if (lot(w, 3) == 0) {
        int err = vdev_cond_wait(&t->crowd, &t->mutex[MUTEXES - 1], until);
        if ((err && err != ETIMEDOUT) || (err == ETIMEDOUT && vdev_clock_ns() < until))
            traffic_fails(w->vdev, "worker %u: a wait with a mutex ends too early (error %d)", w->index, err);
    } else if (lot(w, 2)) {
        vdev_cond_signal(&t->crowd);
    } else {
        vdev_cond_broadcast(&t->crowd);
    }
    enter(w, MUTEXES - 1, false);
}

static void mutexes(struct worker *w) NO_THREAD_SAFETY
{
    struct traffic *t = traffic_of(w->vdev);
    unsigned want = 1 + (unsigned)lot(w, BIT(MUTEXES) - 1), have = 0;
    does(w, "takes mutexes");
    for (unsigned m = 0; m < MUTEXES; m++) {
        if (!(want & BIT(m)))
            continue;
        int err = lot(w, 8) ? vdev_mutex_lock(&t->mutex[m]) : vdev_mutex_trylock(&t->mutex[m]);
        if (err && err != EBUSY)
            traffic_fails(w->vdev, "worker %u: mutex %u: error %d", w->index, m, err);
        if (err)
            continue;
        have |= BIT(m);
        enter(w, m, true);
        compute(lot(w, 500));
    }
    if (lot(w, 4) == 0)
        sleep_some(w, MS_NS);
    if (have & BIT(MUTEXES - 1) && lot(w, 2))
        crowd(w);
    for (unsigned m = 0; m < MUTEXES; m++) {
        if (!(have & BIT(m)))
            continue;
        leave(w, m);
        if (vdev_mutex_unlock(&t->mutex[m]))
            traffic_fails(w->vdev, "worker %u: mutex %u is not its", w->index, m);
    }
}

/* Until the count that others move under v_mtx has come to `want`; some waits are cut short by a time. */
static void await(struct worker *w, const uint64_t *count, uint64_t want) REQUIRES(w->vdev->v_mtx, MAY_BLOCK)
{
    while (*count < want) {
        uint64_t until = lot(w, 3) ? VDEV_FOREVER : vdev_clock_ns() + lot(w, MS_NS);
        int err = vdev_cond_wait_mtx(&w->told, &w->vdev->v_mtx, until);
        if ((err && err != ETIMEDOUT) || (err && vdev_clock_ns() < until))
            traffic_fails(w->vdev, "worker %u: a wait ends too early (error %d)", w->index, err);
    }
    if (*count != want)
        traffic_fails(w->vdev, "worker %u: told %llu times instead of %llu", w->index, (unsigned long long)*count,
                      (unsigned long long)want);
}

/* Number n is asked; only n is the answer. */
static void ask(struct worker *w) REQUIRES(MAY_BLOCK)
{
    does(w, "waits for an answer");
    lock_acquire(&w->vdev->v_mtx);
    w->asked++;
    vdev_cond_signal(&traffic_of(w->vdev)->asks);
    await(w, &w->answered, w->asked);
    lock_release(&w->vdev->v_mtx);
}

void *traffic_server(void *vdev)
{
    vdev_t *v = vdev;
    struct traffic *t = traffic_of(v);
    thread_assume();
    lock_acquire(&v->v_mtx);
    do {
        for (unsigned i = 0; i < WORKERS; i++) {
            struct worker *w = &t->workers[i];
            if (w->answered == w->asked)
                continue;
            w->answered = w->asked;
            vdev_cond_signal(&w->told);
        }
    } while (vdev_cond_wait_mtx(&t->asks, &v->v_mtx, VDEV_FOREVER) == EOK);
    lock_release(&v->v_mtx);
    return NULL;
}

static void timers(struct worker *w) REQUIRES(MAY_BLOCK) __running
{
    bool cancels = lot(w, 4) == 0;
    does(w, "waits for its timer");
    lock_acquire(&w->vdev->v_mtx);
    w->timer_ticks = lot(w, 200000);
    lock_release(&w->vdev->v_mtx);
    int err = guest_timer_notify(w->timer, NULL, cancels ? UINT64_C(1) << 50 : w->timer_ticks);
    if (!err && cancels)
        err = guest_timer_notify(w->timer, NULL, GUEST_TIMER_NEVER);
    if (err)
        traffic_fails(w->vdev, "worker %u: its timer cannot be set (error %d)", w->index, err);
    w->armed += !cancels;
    lock_acquire(&w->vdev->v_mtx);
    await(w, &w->fired, w->armed);
    lock_release(&w->vdev->v_mtx);
}

static void pulse(struct worker *w) __running
{
    struct traffic *t = traffic_of(w->vdev);
    unsigned code = (unsigned)lot(w, PULSES);
    does(w, "delivers a pulse");
    __atomic_fetch_add(&t->sent[code], 1, __ATOMIC_SEQ_CST);
    if (vdev_event_deliver(&t->pulses[code]))
        traffic_fails(w->vdev, "worker %u: pulse %u is not delivered", w->index, code);
}

enum { CHILD_SLEEPS, CHILD_WAITS, CHILD_WAITS_WITH_MUTEX, CHILD_TAKES_MUTEX, CHILD_COMPUTES, CHILD_KINDS };

/* Its parent holds the first mutex, or lets it have it, and cancels it at any moment. The value tells whether all went as it must. */
static void *child(void *arg) NO_THREAD_SAFETY
{
    struct worker *w = arg;
    struct traffic *t = traffic_of(w->vdev);
    struct vdev_mutex *m = &t->mutex[0];
    bool good = true;
    int err;
    switch (w->child_does) {
    case CHILD_SLEEPS: good = vdev_thread_sleep_until(VDEV_FOREVER) == ECANCELED; break;
    case CHILD_WAITS:
        lock_acquire(&w->vdev->v_mtx);
        good = vdev_cond_wait_mtx(&t->never, &w->vdev->v_mtx, VDEV_FOREVER) == ECANCELED;
        lock_release(&w->vdev->v_mtx);
        break;
    case CHILD_WAITS_WITH_MUTEX:
    case CHILD_TAKES_MUTEX:
        err = vdev_mutex_lock(m);
        good = err == EOK || err == ECANCELED;
        if (!err && w->child_does == CHILD_WAITS_WITH_MUTEX)
            good = vdev_cond_wait(&t->never, m, VDEV_FOREVER) == ECANCELED;
        if (!err)
            good &= vdev_mutex_unlock(m) == EOK;
        break;
    case CHILD_COMPUTES: compute(2000); break;
    }
    return good ? w : NULL;
}

static void children(struct worker *w) NO_THREAD_SAFETY
{
    struct vdev_mutex *m = &traffic_of(w->vdev)->mutex[0];
    struct vdev_thread_attr attr = { .priority = 25 + (int)lot(w, 50) };
    void *value = NULL;
    bool holds = lot(w, 2);
    does(w, "takes a mutex for its child");
    if (holds && vdev_mutex_lock(m))
        traffic_fails(w->vdev, "worker %u: no mutex", w->index);
    w->child_does = (unsigned)lot(w, CHILD_KINDS);
    int err = vdev_thread_create(w->vdev, "child", &w->child, &attr, child, w);
    if (!err) {
        if (lot(w, 2))
            sleep_some(w, MS_NS);
        vdev_thread_cancel(w->child);
    }
    if (holds && lot(w, 2))
        sleep_some(w, MS_NS);
    if (holds)
        (void)vdev_mutex_unlock(m);
    does(w, "waits for its child's end");
    err = err ? err : vdev_thread_join(w->child, &value);
    if (err || value != w)
        traffic_fails(w->vdev, "worker %u: child that does %u: error %d", w->index, w->child_does, err);
}

void *traffic_worker(void *worker)
{
    struct worker *w = worker;
    thread_assume();
    phase_assume_running();
    while (!traffic_stops(traffic_of(w->vdev))) {
        switch (lot(w, 8)) {
        case 0:
        case 1: mutexes(w); break;
        case 2:
        case 3: ask(w); break;
        case 4: timers(w); break;
        case 5: pulse(w); break;
        case 6: children(w); break;
        case 7:
            does(w, "sleeps");
            sleep_some(w, 2 * MS_NS);
            break;
        }
    }
    does(w, "has ended");
    return w;
}
