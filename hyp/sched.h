/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What runs where: contexts (vCPUs, and the threads of vdevs) by fixed priority, turns among equals, a budget if they have one, each on any
 * core of its mask. A core with one context that can run has no tick and takes no lock of ours.
 */
#include "hyp/alarm.h"
#include "hyp/base/list.h"
#include "hyp/base/lock.h"
#include "hyp/budget.h"

#define SCHED_TURN_MS 10
#define SCHED_URGENT \
    256 /* above every priority: something has to be done about it on its core, then it blocks or goes on as before */

struct core;

enum context_kind { CONTEXT_VCPU, CONTEXT_THREAD };
enum context_state {
    CONTEXT_BLOCKED,
    CONTEXT_READY,   /* in the queue, or waiting for a refill of its budget */
    CONTEXT_RUNNING, /* some core's `current` */
};

/* A context's turn among its equals. */
struct turn {
    uint64_t left;   /* ticks */
    uint64_t ticket; /* its place: who has the lower one comes first. Kept until the turn is over */
};

struct context {
    enum context_kind kind; /* set at startup, then const */
    /* set while it is blocked and nobody wakes it: */
    uint64_t cores; /* a bit for each core that it may run on */
    uint16_t base;  /* its priority */
    int background; /* its priority while its budget is spent; -1: it does not run */
    /* under the scheduler's lock; state and core are read without it: */
    uint32_t state;
    uint16_t priority;   /* as it counts now */
    uint16_t lent;       /* by those who wait for what it holds */
    struct list node;    /* in the queue, or alone */
    struct core *core;   /* where it runs or ran last */
    struct core *held;   /* whose hardware or stack has its registers */
    struct core *target; /* who was told to take it */
    struct budget budget;
    struct alarm refill;
    struct turn turns[2]; /* at its priority; at its background priority, which goes on when it comes back to that */
    uint64_t since, ready_since; /* counts */
    uint64_t ran, waited;        /* ticks it ran, and was ready without running, in its life */
};

/* A core's part of it; under the scheduler's lock unless said otherwise. */
struct core_sched {
    struct context *current; /* this core only */
    int target_priority;     /* the highest that it was told to take and has not looked for yet; -1: none */
    int waiting_priority; /* the highest that waits and could run here; -1: none. Read by its own core without the lock */
    uint64_t turn_end;    /* when to look again; ~0: no need. This core only */
};

void sched_init(void) __startup;
void sched_core_init(struct core_sched *s);
/* Blocked, with priority 0 and no core; `home` keeps the time of its budget. 0, or a traced negative errno. */
int context_init(struct context *x, enum context_kind kind, struct core *home) __startup __must_check;
/* Before it is woken first, or after its end: a new life. */
void context_set(struct context *x, unsigned priority, uint64_t cores);
/* Ticks in each period; capacity 0: no limit. background: see struct context. */
void context_budget(struct context *x, uint64_t capacity, uint64_t period, int background);

/* A blocked context can run again; any other is left alone. Any core, interrupts masked by the lock. Never waits. */
void sched_wake(struct context *x);
/* Blocked or ready, it comes to a core before all others; running, it comes out of its guest. */
void sched_wake_urgent(struct context *x);
/* This core's current context cannot run on. Who decides so looks for a reason to wake it afterwards. */
void sched_block(struct core *c);
/* Its registers are no core's any more. */
void sched_released(struct context *x);
/* This core's current goes behind its equals. */
void sched_turn_over(struct core *c);
/* Decides what this core runs, c->sched.current, and when to look again. */
void sched_pick(struct core *c);
/* Times as they are now. Any core. */
void sched_times(const struct context *x, uint64_t *ran, uint64_t *waited);

/* Makes a core choose anew what it runs: an SGI if it is not this one. Any core, any lock (core.c). */
void core_kick(struct core *c);
/* The scheduler's lock, for those who change several things at once (thread_sync.c). */
extern struct spinlock sched_lock;
void sched_wake_locked(struct context *x) REQUIRES(sched_lock);
void sched_block_locked(struct core *c) REQUIRES(sched_lock);
/* Its own priority, without what others lend it. */
void sched_base_locked(struct context *x, unsigned priority) REQUIRES(sched_lock);
/* The priority that others lend it; 0: none. */
void sched_lend_locked(struct context *x, unsigned priority) REQUIRES(sched_lock);
/* A blocked thread has another priority, by its budget: so has whoever holds what it waits for (thread_sync.c). */
void thread_reprioritised(struct context *x) REQUIRES(sched_lock);
