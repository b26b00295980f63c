/* SPDX-License-Identifier: Apache-2.0 */
/* What threads wait for: mutexes, conditions. */
#include "arch/arm64/timer.h"
#include "hyp/base/log.h"
#include "hyp/thread.h"

#include <errno.h>

/* Static ones are all zero. */
static struct list *list_of(struct list *l)
{
    if (!l->next)
        list_init(l);
    return l;
}

static struct thread *waiter_of(struct list *node)
{
    return container_of(node, struct thread, wait);
}

/*
 * The most important of them, the first that came among equals; NULL: none. Looked for when it is wanted: their priorities change while they
 * wait, by what others lend them and by their budgets.
 */
static struct thread *waiters_first(struct list *waiters) REQUIRES(sched_lock)
{
    struct thread *first = NULL;
    list_each(at, waiters) {
        if (!first || waiter_of(at)->ctx.priority > first->ctx.priority)
            first = waiter_of(at);
    }
    return first;
}

/* What those who wait for its mutexes lend the holder, and the holder of what that one waits for, and so on: as many steps as there are threads. */
static void lend_along(struct thread *t) REQUIRES(sched_lock)
{
    while (t) {
        unsigned most = 0;
        list_each(at, &t->mutexes) {
            const struct thread *first = waiters_first(&container_of(at, struct vdev_mutex, held)->waiters);
            if (first && first->ctx.priority > most)
                most = first->ctx.priority;
        }
        unsigned before = t->ctx.priority;
        sched_lend_locked(&t->ctx, most);
        if (!t->wants || t->ctx.priority == before)
            return;
        t = t->wants->owner;
    }
}

void thread_reprioritised(struct context *x)
{
    const struct thread *t = container_of(x, struct thread, ctx);
    if (t->wants)
        lend_along(t->wants->owner);
}

void thread_base(struct thread *t, unsigned priority)
{
    sched_base_locked(&t->ctx, priority);
    thread_reprioritised(&t->ctx);
}

void thread_unwait(struct thread *t)
{
    struct vdev_mutex *m = t->wants;
    t->wants = NULL;
    list_remove(&t->wait);
    if (m)
        lend_along(m->owner);
}

/* What the thread holds that has to be taken after m; NULL: nothing. */
static const struct vdev_mutex *mutex_bars(const struct vdev_mutex *m, const struct thread *t) REQUIRES(sched_lock)
{
    list_each(at, &t->mutexes) {
        const struct vdev_mutex *held = container_of(at, struct vdev_mutex, held);
        if (m->rank && held->rank >= m->rank && held != m)
            return held;
    }
    return NULL;
}

static void mutex_check(const struct vdev_mutex *m, const struct thread *t, uintptr_t at) REQUIRES(sched_lock)
{
    const struct vdev_mutex *held = IS_ENABLED(CONFIG_LOCK_RECORD) ? mutex_bars(m, t) : NULL;
    if (held)
        mutex_order_broken(t, held, m, at);
}

static void mutex_give(struct vdev_mutex *m, struct thread *t) REQUIRES(sched_lock)
{
    m->owner = t;
    if (t)
        list_append(&t->mutexes, &m->held);
}

static void mutex_pass_on(struct vdev_mutex *m) REQUIRES(sched_lock)
{
    struct thread *from = m->owner, *to = waiters_first(&m->waiters);
    list_remove(&m->held);
    if (to) {
        to->wants = NULL;
        list_remove(&to->wait);
    }
    mutex_give(m, to);
    lend_along(from);
    if (!to)
        return;
    lend_along(to);
    sched_wake_locked(&to->ctx);
}

void mutexes_drop(struct thread *t)
{
    while (!list_empty(&t->mutexes))
        mutex_pass_on(container_of(t->mutexes.next, struct vdev_mutex, held));
}

/* Would the wait never end? */
static bool mutex_is_circle(const struct vdev_mutex *m, const struct thread *t) REQUIRES(sched_lock)
{
    while (m && m->owner != t)
        m = m->owner ? m->owner->wants : NULL;
    return m;
}

static int mutex_lock(struct vdev_mutex *m, struct thread *t) REQUIRES(sched_lock)
{
    list_of(&m->waiters);
    if (!m->owner) {
        mutex_give(m, t);
        return EOK;
    }
    if (mutex_is_circle(m, t))
        return EDEADLK;
    list_append(&m->waiters, &t->wait);
    t->wants = m;
    lend_along(m->owner);
    int err = thread_block(t, ALARM_NEVER);
    if (m->owner == t)
        return EOK; /* also if it was cancelled the moment it got it */
    thread_unwait(t);
    return err ? err : ECANCELED;
}

int vdev_mutex_lock(struct vdev_mutex *m) NO_THREAD_SAFETY
{
    uintptr_t at = (uintptr_t)__builtin_return_address(0);
    if (!MAY_BLOCK_HERE())
        return EPERM;
    lock_acquire(&sched_lock);
    mutex_check(m, thread_current(), at);
    int err = mutex_lock(m, thread_current());
    if (!err)
        m->taken_at = at;
    lock_release(&sched_lock);
    return err;
}

int vdev_mutex_trylock(struct vdev_mutex *m) NO_THREAD_SAFETY
{
    if (!MAY_BLOCK_HERE())
        return EPERM;
    lock_acquire(&sched_lock);
    int err = m->owner ? EBUSY : mutex_lock(m, thread_current());
    lock_release(&sched_lock);
    return err;
}

static void not_the_owner(const struct thread *t)
{
    log_error("vdev_mutex_unlock refused: %s does not hold it", t ? t->name : "what is no thread");
}

int vdev_mutex_unlock(struct vdev_mutex *m) NO_THREAD_SAFETY
{
    struct thread *t = thread_current();
    lock_acquire(&sched_lock);
    bool mine = t && m->owner == t;
    if (mine)
        mutex_pass_on(m);
    lock_release(&sched_lock);
    if (!mine)
        not_the_owner(t);
    return mine ? EOK : EPERM;
}

int vdev_cond_wait(struct vdev_cond *c, struct vdev_mutex *m, uint64_t until) NO_THREAD_SAFETY
{
    struct thread *t = thread_current();
    if (!MAY_BLOCK_HERE())
        return EPERM;
    if (m->owner != t) {
        not_the_owner(t);
        return EPERM;
    }
    lock_acquire(&sched_lock);
    list_append(list_of(&c->waiters), &t->wait);
    mutex_pass_on(m);
    int err = thread_block(t, timer_of_ns(until));
    list_remove(&t->wait);
    /* The lock is held in any case: being cancelled waits for it too. */
    bool cancelled = false;
    while (m->owner != t && err != EDEADLK) {
        cancelled |= t->cancelled;
        t->cancelled = false;
        err = mutex_lock(m, t) == EDEADLK ? EDEADLK : err;
    }
    t->cancelled |= cancelled;
    lock_release(&sched_lock);
    return err;
}

int vdev_cond_wait_mtx(struct vdev_cond *c, struct spinlock *l, uint64_t until) NO_THREAD_SAFETY
{
    struct thread *t = thread_current();
    uint64_t irqs = l->irqs;
    if (!t || irq_was_masked(irqs)) {
        log_error("%s refused: it may wait, and %s", __func__, t ? "another lock is held" : "this is no thread");
        return EPERM;
    }
    lock_acquire(&sched_lock);
    list_append(list_of(&c->waiters), &t->wait);
    /* Who signals has l, then the scheduler's lock: nothing is missed. */
    lock_release_masked(l);
    int err = thread_block(t, timer_of_ns(until));
    list_remove(&t->wait);
    lock_release(&sched_lock);
    irq_restore(irqs);
    lock_acquire(l);
    return err;
}

static bool signal_one(struct vdev_cond *c) REQUIRES(sched_lock)
{
    struct thread *t = waiters_first(list_of(&c->waiters));
    if (!t)
        return false;
    list_remove(&t->wait);
    t->told = true;
    sched_wake_locked(&t->ctx);
    return true;
}

void vdev_cond_signal(struct vdev_cond *c)
{
    lock_acquire(&sched_lock);
    (void)signal_one(c);
    lock_release(&sched_lock);
}

void vdev_cond_broadcast(struct vdev_cond *c)
{
    lock_acquire(&sched_lock);
    while (signal_one(c))
        ;
    lock_release(&sched_lock);
}
