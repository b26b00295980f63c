/* SPDX-License-Identifier: Apache-2.0 */
#include "lock.h"

void lock_record_take(struct lock_record *r, const struct spinlock *l, uintptr_t at)
{
    if (!r)
        return;
    if (r->count < LOCK_RECORD_SIZE)
        r->held[r->count] = (struct lock_held){ l, at };
    r->count++;
    r->peak = r->count > r->peak ? r->count : r->peak;
}

static unsigned listed(const struct lock_record *r)
{
    return r->count < LOCK_RECORD_SIZE ? r->count : LOCK_RECORD_SIZE;
}

/* Most often the one taken last; those behind it move up. */
void lock_record_drop(struct lock_record *r, const struct spinlock *l)
{
    if (!r || !r->count)
        return;
    unsigned n = listed(r), at = n;
    while (at > 0 && r->held[at - 1].lock != l)
        at--;
    for (; at && at < n; at++)
        r->held[at - 1] = r->held[at];
    if (at)
        r->held[n - 1] = (struct lock_held){ .lock = NULL };
    r->count--;
}

bool lock_record_has(const struct lock_record *r, const struct spinlock *l)
{
    for (unsigned i = 0; r && i < listed(r); i++)
        if (r->held[i].lock == l)
            return true;
    return false;
}

static bool comes_before(const struct spinlock *outer, const struct spinlock *inner)
{
    return outer->rank < inner->rank || (outer->rank == inner->rank && outer->number < inner->number);
}

/* All that is held, not the last only: what lock_try() took is in no order. */
const struct lock_held *lock_record_bars(const struct lock_record *r, const struct spinlock *l)
{
    for (unsigned i = 0; r && i < listed(r); i++)
        if (!comes_before(r->held[i].lock, l))
            return &r->held[i];
    return NULL;
}

/* None in builds that keep none. */
static struct lock_record *record_here(void)
{
    return LOCK_RECORDED ? lock_record_here() : NULL;
}

/* Before it waits, so that what would be a deadlock is told. Interrupts are masked: the core stays the same. */
void lock_wait_recorded(struct spinlock *l)
{
    uintptr_t at = (uintptr_t)__builtin_return_address(0);
    uint64_t irqs = irq_mask();
    struct lock_record *r = record_here();
    const struct lock_held *held = lock_record_bars(r, l);
    if (LOCK_RECORDED && held)
        lock_order_broken(held, l, at);
    lock_wait(l);
    l->irqs = (uint32_t)irqs;
    lock_record_take(r, l, at);
}

void lock_try_recorded(const struct spinlock *l)
{
    lock_record_take(record_here(), l, (uintptr_t)__builtin_return_address(0));
}

void lock_serve_next_recorded(struct spinlock *l)
{
    lock_record_drop(record_here(), l);
    lock_serve_next(l);
}

bool lock_held_here(const struct spinlock *l)
{
    return lock_record_has(record_here(), l);
}

unsigned locks_held_here(void)
{
    const struct lock_record *r = record_here();
    return r ? r->count : 0;
}
