/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Spin locks: fair (ticket), never held across anything that blocks, interrupts masked while held: a thread is not preempted with one.
 * Released in the opposite order of acquiring, or handed on by lock_pass(). No lock before a core's MMU and caches are on: exclusives
 * need cacheable memory.
 *
 * Order, outermost first: vm->lock, gasp (address space), what vdevs of several VMs share (shmem_set_lock), vdev v_mtx, interrupt controller,
 * scheduler, console, a core's alarms, log. Of several VMs' gasp locks one is held at a time, so a vdev of one VM reaches another's through the
 * shared lock and the other's interrupt controller only.
 */
#include <stddef.h>
#include <stdint.h>
#include "config.h"
#include "irq.h"
#include "phase.h"

struct CAPABILITY("lock") spinlock {
    uint32_t next;  /* the next ticket to hand out */
    uint32_t owner; /* the ticket being served */
    uint64_t irqs;  /* the holder's: irq_mask() before it was taken */
};

/*
 * What a core holds, in the order taken: kept in builds with CONFIG_LOCK_RECORD (debug), for tests and assertions. Without it nothing is
 * recorded and nothing spent: the questions below answer 0 and false. This core only.
 */
#define LOCK_RECORD_SIZE 8
struct lock_record {
    unsigned core;  /* set at startup, then const: which it is */
    unsigned count; /* held; the first of them in `held` */
    unsigned peak;  /* the most held at once, since somebody set it lower */
    const struct spinlock *held[LOCK_RECORD_SIZE];
};
/* The calling core's; NULL: there is none. arch's. */
struct lock_record *lock_record_here(void);
void lock_record_take(struct lock_record *r, const struct spinlock *l);
void lock_record_drop(struct lock_record *r, const struct spinlock *l);
bool lock_record_has(const struct lock_record *r, const struct spinlock *l);
/* Does this core hold the lock? How many does it hold? Any phase, any core. */
bool lock_held_here(const struct spinlock *l);
unsigned locks_held_here(void);

/* On the host, in unit tests, there are no cores. */
#if defined(__aarch64__)
#define LOCK_RECORDED IS_ENABLED(CONFIG_LOCK_RECORD)
#else
#define LOCK_RECORDED 0
#endif

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
    if (LOCK_RECORDED)
        lock_record_take(lock_record_here(), l);
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
    if (LOCK_RECORDED && taken)
        lock_record_take(lock_record_here(), l);
    return taken;
}

static inline void lock_release(struct spinlock *l) RELEASE(l) NO_THREAD_SAFETY
{
    uint64_t irqs = l->irqs;
    if (LOCK_RECORDED)
        lock_record_drop(lock_record_here(), l);
    __atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
    irq_restore(irqs);
}

/* Releases it and leaves interrupts masked. */
static inline void lock_release_masked(struct spinlock *l) RELEASE(l) NO_THREAD_SAFETY
{
    if (LOCK_RECORDED)
        lock_record_drop(lock_record_here(), l);
    __atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
}

/* Releases the outer of two locks held and keeps the inner, which opens the interrupts that the outer would have opened. */
static inline void lock_pass(struct spinlock *outer, struct spinlock *inner) RELEASE(outer) NO_THREAD_SAFETY
{
    inner->irqs = outer->irqs;
    lock_release_masked(outer);
}
