/* SPDX-License-Identifier: Apache-2.0 */
/* Queues of alarms: binary heaps, each alarm knowing its place. */
#include "hyp/alarm.h"

static void heap_place(struct alarm_queue *q, uint32_t at, struct alarm *a) REQUIRES(q->lock)
{
    q->heap[at] = a;
    a->place = at;
}

static void heap_up(struct alarm_queue *q, uint32_t at, struct alarm *a) REQUIRES(q->lock)
{
    for (uint32_t parent = at / 2; parent && q->heap[parent]->when > a->when; parent = at / 2) {
        heap_place(q, at, q->heap[parent]);
        at = parent;
    }
    heap_place(q, at, a);
}

static void heap_down(struct alarm_queue *q, uint32_t at, struct alarm *a) REQUIRES(q->lock)
{
    for (uint32_t child = 2 * at; child <= q->count; child = 2 * at) {
        if (child < q->count && q->heap[child + 1]->when < q->heap[child]->when)
            child++;
        if (q->heap[child]->when >= a->when)
            break;
        heap_place(q, at, q->heap[child]);
        at = child;
    }
    heap_place(q, at, a);
}

/* Puts `a` where there is a gap, or something that no longer fits. */
static void heap_settle(struct alarm_queue *q, uint32_t at, struct alarm *a) REQUIRES(q->lock)
{
    if (at > 1 && q->heap[at / 2]->when > a->when)
        heap_up(q, at, a);
    else
        heap_down(q, at, a);
}

static void heap_remove(struct alarm_queue *q, struct alarm *a) REQUIRES(q->lock)
{
    if (!a->place)
        return;
    uint32_t at = a->place;
    struct alarm *last = q->heap[q->count--];
    a->place = 0;
    if (last != a)
        heap_settle(q, at, last);
}

static void first_publish(struct alarm_queue *q) REQUIRES(q->lock)
{
    __atomic_store_n(&q->first, q->count ? q->heap[1]->when : ALARM_NEVER, __ATOMIC_SEQ_CST);
}

bool alarm_queue_set(struct alarm_queue *q, struct alarm *a, uint64_t when)
{
    lock_acquire(&q->lock);
    uint64_t before = q->first;
    if (when == ALARM_NEVER) {
        heap_remove(q, a);
    } else {
        a->when = when;
        if (a->place)
            heap_settle(q, a->place, a);
        else
            heap_up(q, ++q->count, a);
    }
    first_publish(q);
    bool earlier = q->first < before;
    lock_release(&q->lock);
    return earlier;
}

void alarm_queue_cancel(struct alarm_queue *q, struct alarm *a)
{
    (void)alarm_queue_set(q, a, ALARM_NEVER);
}

struct alarm *alarm_queue_take(struct alarm_queue *q, uint64_t now)
{
    if (alarm_queue_first(q) > now)
        return NULL;
    lock_acquire(&q->lock);
    struct alarm *a = q->count && q->heap[1]->when <= now ? q->heap[1] : NULL;
    if (a) {
        heap_remove(q, a);
        first_publish(q);
    }
    lock_release(&q->lock);
    return a;
}
