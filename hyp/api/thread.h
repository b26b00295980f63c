/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Threads of a vdev: code that may wait. A vCPU's exit and a notification may not: they do what is short and leave the rest to a thread
 * or a pulse. Threads run at EL2 beside the vCPUs, by the same priorities (0 to 255, higher first) and turns, with interrupts open:
 * preempted like a guest, and never while they hold a spin lock. A thread's function begins with thread_assume(), for the analysis.
 *
 * Times are nanoseconds since the machine's counter began. In tables "thread" stands for: called by a thread, holding no lock but what is said.
 */
#include "hyp/api/vdev.h"
#include "hyp/base/list.h"

typedef struct thread vdev_thread_t;

#define VDEV_FOREVER (~UINT64_C(0))

/* What differs from the vdev's v_sched. */
struct vdev_thread_attr {
    int priority;   /* -1: v_sched's */
    uint64_t cores; /* a bit for each host core it may run on; 0: v_sched's */
};

/*
 * Makes a thread that runs fn(arg); it ends when that returns. `attr` may be NULL. EOK; EPERM: startup; EAGAIN: the vdev has its factory's
 * number of threads already; ENXIO: the VM's threads are being ended, after TERMINATE; EINVAL: a priority above 255, or no core of the mask runs. Running, from GUEST_CONFIGURED on; takes the scheduler's lock.
 */
int vdev_thread_create(vdev_t *vdp, const char *name, vdev_thread_t **thr, const struct vdev_thread_attr *attr,
                       void *(*fn)(void *arg), void *arg) __running __must_check;
/* From now on whatever would block in the thread answers ECANCELED, and what blocks does so at once. Running; takes the scheduler's lock. */
void vdev_thread_cancel(vdev_thread_t *thr) __running;
/*
 * Waits until it has ended; *value (may be NULL) is what its function returned. The place for another is free then. EOK; EDEADLK: itself;
 * EBUSY: another waits for it already. Running, a thread or control() with TERMINATE; no lock; blocks.
 */
int vdev_thread_join(vdev_thread_t *thr, void **value) REQUIRES(MAY_BLOCK) __must_check;
/* The calling thread; NULL: not a thread. Any phase, any context. */
vdev_thread_t *vdev_thread_self(void);

/* The time now. Any phase, any context. */
uint64_t vdev_clock_ns(void);
/* Waits until that time, at once if it has passed. EOK; ECANCELED. Running, thread; no lock; blocks. */
int vdev_thread_sleep_until(uint64_t when_ns) REQUIRES(MAY_BLOCK);

/*
 * A lock for threads that may be held while they wait. A holder has the priority of the highest that waits for it, along any chain of
 * holders. Released by its holder. All zero is free; a vdev keeps it in its own data.
 */
struct CAPABILITY("mutex") vdev_mutex {
    /* under the scheduler's lock: */
    vdev_thread_t *owner;
    struct list waiters; /* as they came */
    struct list held;    /* in its owner's list */
    uint64_t taken_at;   /* debug builds: the code that took it */
    /* set before it is used, then const: */
    uint32_t
        rank; /* a thread that holds one takes only those of higher rank, which debug builds check: a panic otherwise; 0: in no order */
};
/* Takes it, once it is free. EOK; EDEADLK: the caller holds it, or waits for itself through others; ECANCELED. Running, thread; no lock; blocks. */
int vdev_mutex_lock(struct vdev_mutex *m) TRY_ACQUIRE(0, m) REQUIRES(MAY_BLOCK) __must_check;
/* Takes it if it is free. EOK; EBUSY: somebody has it. Running, thread; does not block. */
int vdev_mutex_trylock(struct vdev_mutex *m) TRY_ACQUIRE(0, m) REQUIRES(MAY_BLOCK) __must_check;
/* The highest waiter has it then. EOK; EPERM, traced: the caller does not hold it. Running, thread; does not block. */
int vdev_mutex_unlock(struct vdev_mutex *m) RELEASE(m) REQUIRES(MAY_BLOCK);

/* Something that threads wait for. All zero is one that nobody waits for. */
struct vdev_cond {
    struct list waiters; /* under the scheduler's lock: as they came */
};
/*
 * Lets go of the lock, waits, and takes it again, which nobody sees between the first two. EOK; ETIMEDOUT at `until`; ECANCELED. The lock is
 * held in any case but EDEADLK: who has it waits for the caller. With the vdev's spin lock (the only lock held) whoever holds that can signal, a vCPU's handler too. Running, thread; blocks.
 */
int vdev_cond_wait(struct vdev_cond *c, struct vdev_mutex *m, uint64_t until) REQUIRES(MAY_BLOCK, m);
int vdev_cond_wait_mtx(struct vdev_cond *c, struct spinlock *l, uint64_t until) REQUIRES(MAY_BLOCK, l);
/* Lets the highest waiter, or all, go on. Running; any context, any lock but the scheduler's; does not block. */
void vdev_cond_signal(struct vdev_cond *c) __running;
void vdev_cond_broadcast(struct vdev_cond *c) __running;

/* What delivers a pulse: the vdev's factory->pulse() is called with `code`, on the vdev's own pulse thread, once for each delivery. */
struct vdev_event {
    vdev_t *vdev;
    struct list node; /* under the scheduler's lock, and: */
    uint32_t pending;
    int8_t code;
    uint8_t priority;
};
/*
 * Makes `event` one that pulses the vdev. Pulses come by falling priority, and the thread has the pulse's for as long. EOK; EINVAL, traced: the
 * factory has no pulse(), or a priority above 255. From OPTIONS_START on, any phase.
 */
int vdev_pulse(vdev_t *vdp, int8_t code, unsigned priority, struct vdev_event *event) __must_check;
/* Delivers it once more. EOK; ENXIO: the VM has ended; EAGAIN: 2^32 - 1 are pending. Running; any context, any lock but the scheduler's; does not block. */
int vdev_event_deliver(struct vdev_event *event) __running;

/* For the analysis: the function is a thread's, or control() with TERMINATE. */
static inline void thread_assume(void) ASSERT_HELD(MAY_BLOCK) NO_THREAD_SAFETY
{
}
