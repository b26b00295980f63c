/* SPDX-License-Identifier: Apache-2.0 */
/* Threads made, entered, blocked, ended. */
#include "hyp/thread.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/timer.h"
#include "hyp/base/log.h"
#include "hyp/core.h"
#include "hyp/pool.h"

#include <errno.h>

#define NS_PER_S UINT64_C(1000000000)

static unsigned stacks_made; /* startup only */

/* Rounded up: who waits until then finds that it is then, also where a tick has many nanoseconds. */
uint64_t timer_of_ns(uint64_t ns)
{
    uint64_t freq = timer_freq(), s = ns / NS_PER_S;
    if (ns == VDEV_FOREVER || s >= ~UINT64_C(0) / freq)
        return ALARM_NEVER;
    /* Rounded up: who waits until then does not look at the time before it. */
    return s * freq + (ns % NS_PER_S * freq + NS_PER_S - 1) / NS_PER_S;
}

uint64_t vdev_clock_ns(void)
{
    uint64_t freq = timer_freq(), now = timer_now();
    return now / freq * NS_PER_S + now % freq * NS_PER_S / freq;
}

struct thread *thread_current(void)
{
    uint64_t irqs = irq_mask(); /* or it might go to another core between the two loads */
    struct thread_arch *t = this_core_arch()->thread;
    irq_restore(irqs);
    return t ? container_of(t, struct thread, arch) : NULL;
}

vdev_thread_t *vdev_thread_self(void)
{
    return thread_current();
}

static void timeout_on_alarm(struct alarm *a)
{
    struct thread *t = container_of(a, struct thread, timeout);
    lock_acquire(&sched_lock);
    if (t->ctx.state == CONTEXT_BLOCKED && t->until <= timer_now()) {
        t->timed_out = true;
        thread_unwait(t);
        sched_wake_locked(&t->ctx);
    }
    lock_release(&sched_lock);
}

int thread_alloc(struct thread *t, struct guest_system *vm, struct core *home)
{
    void *pages = hyp_alloc_pages(CONFIG_THREAD_STACK_SIZE / PAGE_SIZE);
    if (!pages)
        return -ENOMEM;
    va_t top = mmu_thread_stack(stacks_made, pages);
    if (!top.raw)
        return error_at(-ENOMEM, "%s: no place for the stack of another thread, %u have theirs", vm->config->path,
                        stacks_made);
    stacks_made++;
    t->stack_top = top.raw;
    t->stack_bottom = top.raw - CONFIG_THREAD_STACK_SIZE;
    t->vm = vm;
    int err = context_init(&t->ctx, CONTEXT_THREAD, home);
    return err ? err : alarm_init(&t->timeout, home, timeout_on_alarm);
}

static __running void thread_end(struct thread *t) REQUIRES(sched_lock)
{
    mutexes_drop(t);
    thread_unwait(t);
    t->until = ALARM_NEVER; /* ended by force in its sleep: the alarm is not to wake whoever has its place then */
    alarm_cancel(&t->timeout);
    t->ended = true;
    if (t->joins)
        t->joins->joiner = NULL; /* killed in the middle of it */
    t->joins = NULL;
    if (t->joiner)
        sched_wake_locked(&t->joiner->ctx);
}

/* Where every thread begins, on its own stack. Never returns: what ended is not entered again. */
static void thread_main(void *arg)
{
    struct thread *t = arg;
    void *value = t->begins(t->arg);
    (void)irq_mask();
    lock_acquire(&sched_lock);
    t->value = value;
    phase_assume_running();
    thread_end(t);
    sched_block_locked(this_core());
    lock_release(&sched_lock);
    thread_leave();
    hyp_panic("thread %s goes on after its end", t->name);
}

void thread_begin_locked(struct thread *t, const char *name, const struct vdev_sched *sched, void *(*fn)(void *arg),
                         void *arg)
{
    alarm_cancel(&t->ctx.refill);
    context_set(&t->ctx, sched->priority, sched->cores);
    context_budget(&t->ctx, sched->budget, sched->period, sched->background);
    thread_arch_init(&t->arch, t->stack_top, thread_main, t);
    t->ended = t->cancelled = t->killed = t->signalled = t->waiting = false;
    t->joiner = t->joins = NULL;
    t->wants = NULL;
    t->name = name;
    t->begins = fn;
    t->arg = arg;
    list_init(&t->wait);
    list_init(&t->mutexes);
    sched_wake_locked(&t->ctx);
}

void thread_begin(struct thread *t, const char *name, const struct vdev_sched *sched, void *(*fn)(void *arg), void *arg)
{
    lock_acquire(&sched_lock); /* against a refill of its life before */
    thread_begin_locked(t, name, sched, fn, arg);
    lock_release(&sched_lock);
}

bool thread_may_enter(struct thread *t)
{
    if (!t->killed)
        return true;
    phase_assume_running();
    lock_acquire(&sched_lock);
    thread_end(t);
    sched_block_locked(this_core());
    lock_release(&sched_lock);
    sched_released(&t->ctx);
    return false;
}

bool thread_may_block(const char *function)
{
    uint64_t irqs = irq_mask();
    irq_restore(irqs);
    const struct thread *t = thread_current();
    if (t && !irq_was_masked(irqs))
        return true;
    log_error("%s refused: it may wait, and %s", function, t ? "the thread holds a lock" : "this is no thread");
    return false;
}

int thread_block(struct thread *t, uint64_t until)
{
    if (t->cancelled)
        return ECANCELED;
    phase_assume_running();
    t->timed_out = t->told = false;
    t->until = until;
    if (until != ALARM_NEVER)
        alarm_set(&t->timeout, until);
    /* Interrupts stay masked from here until it is back: the lock's release must not open them. */
    uint32_t irqs = sched_lock.irqs;
    sched_lock.irqs = (uint32_t)irq_mask();
    sched_block_locked(this_core());
    lock_release(&sched_lock);
    thread_leave();
    lock_acquire(&sched_lock);
    sched_lock.irqs = irqs;
    if (until != ALARM_NEVER)
        alarm_cancel(&t->timeout);
    /* What it was told nobody else was: that counts, though it was cancelled before it came to a core. */
    return t->timed_out ? ETIMEDOUT : t->cancelled && !t->told ? ECANCELED : EOK;
}

void thread_wait_signal(struct thread *t)
{
    lock_acquire(&sched_lock);
    while (!t->signalled)
        (void)thread_block(t, ALARM_NEVER);
    t->signalled = false;
    lock_release(&sched_lock);
}

void thread_signal(struct thread *t)
{
    lock_acquire(&sched_lock);
    t->signalled = true;
    sched_wake_locked(&t->ctx);
    lock_release(&sched_lock);
}

int vdev_thread_sleep_until(uint64_t when_ns)
{
    if (!MAY_BLOCK_HERE())
        return EPERM;
    lock_acquire(&sched_lock);
    int err = thread_block(thread_current(), timer_of_ns(when_ns));
    lock_release(&sched_lock);
    return err == ETIMEDOUT ? EOK : err;
}

void vdev_thread_cancel(vdev_thread_t *t)
{
    if (!phase_is(PHASE_RUNNING, t->vm->name))
        return;
    lock_acquire(&sched_lock);
    t->cancelled = true;
    if (!t->ended) {
        thread_unwait(t);
        sched_wake_locked(&t->ctx);
    }
    lock_release(&sched_lock);
}

int vdev_thread_join(vdev_thread_t *t, void **value)
{
    struct thread *self = thread_current();
    int err = EOK;
    if (!MAY_BLOCK_HERE())
        return EPERM;
    if (t == self)
        return EDEADLK;
    lock_acquire(&sched_lock);
    if (t->joiner)
        err = EBUSY;
    else {
        t->joiner = self;
        self->joins = t;
    }
    while (!err && !t->ended)
        err = thread_block(self, ALARM_NEVER);
    if (t->joiner == self)
        t->joiner = self->joins = NULL;
    while (!err && t->ctx.held) { /* it is on its way out of a core */
        lock_release(&sched_lock);
        spin_pause();
        lock_acquire(&sched_lock);
    }
    if (!err) {
        t->made = false;
        if (value)
            *value = t->value;
    }
    lock_release(&sched_lock);
    return err;
}
