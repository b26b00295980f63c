/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Spin locks: fair (ticket), never held across anything that blocks, interrupts masked while held: a thread is not preempted with one.
 * Released in the opposite order of acquiring, or handed on by lock_pass(). No lock before a core's MMU and caches are on: exclusives
 * need cacheable memory.
 *
 * Order, outermost first: vm->lock, gasp (address space), vdev v_mtx, interrupt controller, scheduler, console, a core's
 * alarms, log.
 */
#include <stdint.h>
#include "irq.h"
#include "phase.h"

struct CAPABILITY("lock") spinlock {
    uint32_t next;  /* the next ticket to hand out */
    uint32_t owner; /* the ticket being served */
    uint64_t irqs;  /* the holder's: irq_mask() before it was taken */
};

static inline void spin_pause(void)
{
#if defined(__aarch64__)
    __asm__ volatile("yield" ::: "memory");
#endif
}

/* Any phase; spins, bounded by the other holders' critical sections. */
static inline void lock_acquire(struct spinlock *l) ACQUIRE(l) NO_THREAD_SAFETY
{
    uint64_t irqs = irq_mask();
    uint32_t mine = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
    /* Pairs with the release store in lock_release(). */
    while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != mine)
        spin_pause();
    l->irqs = irqs;
}

/* Takes it if it is free. Never waits. */
static inline bool lock_try(struct spinlock *l) TRY_ACQUIRE(true, l) NO_THREAD_SAFETY
{
    uint64_t irqs = irq_mask();
    uint32_t owner = __atomic_load_n(&l->owner, __ATOMIC_RELAXED);
    uint32_t want = owner;
    bool taken = __atomic_compare_exchange_n(&l->next, &want, owner + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
    if (taken)
        l->irqs = irqs;
    else
        irq_restore(irqs);
    return taken;
}

static inline void lock_release(struct spinlock *l) RELEASE(l) NO_THREAD_SAFETY
{
    uint64_t irqs = l->irqs;
    __atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
    irq_restore(irqs);
}

/* Releases it and leaves interrupts masked. */
static inline void lock_release_masked(struct spinlock *l) RELEASE(l) NO_THREAD_SAFETY
{
    __atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
}

/* Releases the outer of two locks held and keeps the inner, which opens the interrupts that the outer would have opened. */
static inline void lock_pass(struct spinlock *outer, struct spinlock *inner) RELEASE(outer) NO_THREAD_SAFETY
{
    inner->irqs = outer->irqs;
    __atomic_store_n(&outer->owner, outer->owner + 1, __ATOMIC_RELEASE);
}
