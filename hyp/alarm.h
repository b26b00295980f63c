/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * EL2's timers: a function that is called at a count of the system counter, on the core that was chosen for it. One queue a core, a
 * heap: setting and cancelling cost the logarithm of its size.
 */
#include "hyp/base/bits.h"
#include "hyp/base/lock.h"

#define ALARM_NEVER (~UINT64_C(0))
#define ALARM_BATCH 8 /* functions called for one interrupt; what is due beyond that has the next one, at once */

struct core;
struct alarm;
/*
 * On the alarm's core, interrupts masked, no lock held, running; must not wait. The alarm is not set any more; the function may set it again. Who sets or
 * cancels it on another core meanwhile does not stop the call under way: what the function acts upon has its own lock, and says whether there still is something to do.
 */
typedef void (*alarm_fn)(struct alarm *a);

struct alarm {
    /* set at startup, then const: */
    struct core *core;
    alarm_fn fn;
    /* under its queue's lock: */
    uint64_t when;
    uint32_t place; /* in the heap; 0: not set */
};

struct alarm_queue {
    uint32_t made; /* set at startup, then const: alarms that may be in it */
    struct spinlock lock;
    /* under lock: */
    uint32_t count;
    struct alarm *heap[1 + CONFIG_MAX_ALARMS]; /* from 1 on; none is due before its parent, i / 2 */
    /* written under lock, atomic: */
    uint64_t first; /* when the first is due; ALARM_NEVER: none is set */
};

/* The queue alone. Answers whether the first deadline moved to an earlier time. Any core. */
bool alarm_queue_set(struct alarm_queue *q, struct alarm *a, uint64_t when);
void alarm_queue_cancel(struct alarm_queue *q, struct alarm *a);
/* Takes out one that is due at `now`; NULL: none is. Equals come in no order. */
struct alarm *alarm_queue_take(struct alarm_queue *q, uint64_t now);
static inline uint64_t alarm_queue_first(const struct alarm_queue *q)
{
    return __atomic_load_n(&q->first, __ATOMIC_SEQ_CST);
}

/* Makes an alarm of that core. 0, or -E2BIG, traced: CONFIG_MAX_ALARMS are its already. */
int alarm_init(struct alarm *a, struct core *c, alarm_fn fn) __startup __must_check;
/* Its function is called once the counter is at `when` or beyond; a count that has passed: as soon as may be. One that is set moves. ALARM_NEVER cancels. Any
 * core, any lock but a queue's held; running. */
void alarm_set(struct alarm *a, uint64_t when) __running;
/* No call of its function begins from now on. Any core, as above. */
void alarm_cancel(struct alarm *a) __running;

/* For the core loop, on the core itself. Before its first entry of the loop: */
void core_alarms_init(struct core *c) __startup;
/* EL2's timer of this core interrupts at `when`, or at the first alarm if that is earlier. */
void core_deadline(struct core *c, uint64_t when);
/* The timer has fired: calls the functions of up to ALARM_BATCH alarms that are due. */
void core_alarms_due(struct core *c) __running;
