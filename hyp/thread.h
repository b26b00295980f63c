/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Threads of EL2: those of vdevs (hyp/api/thread.h), and one a VM that loads and ends it. */
#include "arch/arm64/thread.h"
#include "hyp/api/thread.h"
#include "hyp/sched.h"

struct thread {
    struct context ctx;
    struct thread_arch arch;
    /* set at startup, then const: */
    uint64_t stack_bottom, stack_top;
    struct guest_system *vm;
    vdev_t *vdev; /* NULL: the VM's own */
    struct alarm timeout;
    /* under the scheduler's lock: */
    bool made; /* from its creation until it was joined */
    bool ended, cancelled, killed, signalled, timed_out;
    bool told;      /* a condition that it waited for was signalled to it */
    bool waiting;   /* a pulse thread: for a pulse */
    uint64_t until; /* when its wait is over in any case; ALARM_NEVER */
    void *value;
    struct thread *joiner, *joins; /* who waits for its end; whose end it waits for */
    struct vdev_mutex *wants;      /* waits for it */
    struct list wait;              /* in the list of what it waits for */
    struct list mutexes;           /* that it holds */
    struct list events;            /* a pulse thread's: delivered, by priority */
    /* set when made: */
    const char *name;
    void *(*begins)(void *arg);
    void *arg;
};

/* A thread of the VM, made but not begun; its timer belongs to `home`. 0, or a traced negative errno. */
int thread_alloc(struct thread *t, struct guest_system *vm, struct core *home) __startup __must_check;
/* Gives it something to do and lets it begin. */
void thread_begin(struct thread *t, const char *name, const struct vdev_sched *sched, void *(*fn)(void *arg),
                  void *arg) __running;
/* The same for who has looked at other threads and holds the lock since. */
void thread_begin_locked(struct thread *t, const char *name, const struct vdev_sched *sched, void *(*fn)(void *arg),
                         void *arg) REQUIRES(sched_lock) __running;
/* Waits until it was signalled since the last time. Own threads of the hypervisor. */
void thread_wait_signal(struct thread *t) REQUIRES(MAY_BLOCK);
void thread_signal(struct thread *t) __running;
/* The core's loop: has it still something to run here? False: it was ended by force, and is over. */
bool thread_may_enter(struct thread *t);

/* The threads of the VM's vdevs. */
int threads_create(struct guest_system *vm) __startup __must_check;
/* GUEST_CONFIGURED: pulse threads begin. */
void threads_start(struct guest_system *vm) __running;
/* After TERMINATE: those that have not ended are cancelled, then, a while later, ended by force, and named. */
void threads_end(struct guest_system *vm) REQUIRES(MAY_BLOCK);
void threads_report(struct guest_system *vm);

/* Between thread.c and thread_sync.c. */
struct thread *thread_current(void);
/* May the caller block? Refused by name otherwise. */
bool thread_may_block(const char *function);
#define MAY_BLOCK_HERE() thread_may_block(__func__)
/* The current thread leaves the core until it is woken; `until` in ticks. The scheduler's lock is held before and after. EOK, ETIMEDOUT, ECANCELED. */
int thread_block(struct thread *t, uint64_t until) REQUIRES(sched_lock);
/* Its own priority, while it may wait for a mutex: whoever has that is lent it. */
void thread_base(struct thread *t, unsigned priority) REQUIRES(sched_lock);
/* Whatever it waits for it waits for no longer. */
void thread_unwait(struct thread *t) REQUIRES(sched_lock);
/* A mutex about to be taken against its rank: a panic, a defect of ours. `at`: where. */
_Noreturn void mutex_order_broken(const struct thread *t, const struct vdev_mutex *held, const struct vdev_mutex *m,
                                  uintptr_t at);
void mutexes_drop(struct thread *t) REQUIRES(sched_lock);
uint64_t timer_of_ns(uint64_t ns);
