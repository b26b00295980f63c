/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Spin locks: fair (ticket), never held across anything that blocks, interrupts masked while held: a thread is not preempted with one.
 * Released in the opposite order of acquiring, or handed on by lock_pass(). No lock before a core's MMU and caches are on: exclusives
 * need cacheable memory.
 *
 * Their order is that of enum lock_rank: a core that holds one takes only what comes behind it. Of several VMs' gasp locks one is held at a time,
 * so a vdev of one VM reaches another's through LOCK_SHARED and the other's interrupt controller only.
 */
#include <stddef.h>
#include <stdint.h>
#include "config.h"
#include "irq.h"
#include "phase.h"

/*
 * Outermost first. A lock that nobody ranked, all zero, is a vdev's. What may be held together with another of its rank has a number besides,
 * and is taken by rising number. docs/ARCHITECTURE.md has the table.
 */
enum lock_rank {
    LOCK_VM = -3,   /* a VM's life */
    LOCK_GASP,      /* who changes an address space, over several calls */
    LOCK_SHARED,    /* what vdevs of several VMs share */
    LOCK_VDEV = 0,  /* v_mtx, or a lock of a vdev's own */
    LOCK_CLOCK,     /* a VM's clock and guest timers */
    LOCK_ASPACE,    /* regions and stage 2 */
    LOCK_MMU,       /* EL2's own tables */
    LOCK_POOL,      /* free memory */
    LOCK_INTC,      /* where interrupts of a VM go */
    LOCK_INTC_CPU,  /* a vCPU's interrupts; numbered */
    LOCK_SCHED,     /* contexts, threads and what they wait for */
    LOCK_CONSOLE,   /* ports and what goes to the UART */
    LOCK_ALARMS,    /* a core's alarms */
    LOCK_RESULTS,   /* the results channel */
    LOCK_LOG_LIMIT, /* budgets of log lines */
    LOCK_LOG,       /* the log's ring */
};

struct CAPABILITY("lock") spinlock {
    uint32_t next;  /* the next ticket to hand out */
    uint32_t owner; /* the ticket being served */
    uint32_t irqs;  /* the holder's: irq_mask() before it was taken */
    /* set at startup, then const; read in builds with CONFIG_LOCK_RECORD: */
    int16_t rank;    /* enum lock_rank */
    uint16_t number; /* from 1 on; 0: never held together with another of its rank */
};

/*
 * What a core holds, in the order taken: kept in builds with CONFIG_LOCK_RECORD (debug), which end in a panic before a lock is taken out of its
 * order. Without it nothing is recorded and nothing spent: the questions below answer 0 and false. This core only.
 */
#define LOCK_RECORD_SIZE 8
struct lock_held {
    const struct spinlock *lock;
    uintptr_t at; /* the code that took it */
};
struct lock_record {
    unsigned core;  /* set at startup, then const: which it is */
    unsigned count; /* held; the first of them in `held` */
    unsigned peak;  /* the most held at once, since somebody set it lower */
    struct lock_held held[LOCK_RECORD_SIZE];
};
/* The calling core's; NULL: there is none. arch's. */
struct lock_record *lock_record_here(void);
void lock_record_take(struct lock_record *r, const struct spinlock *l, uintptr_t at);
void lock_record_drop(struct lock_record *r, const struct spinlock *l);
bool lock_record_has(const struct lock_record *r, const struct spinlock *l);
/* What is held and has to be taken after `l`; NULL: `l` may be taken. */
const struct lock_held *lock_record_bars(const struct lock_record *r, const struct spinlock *l);
/* Says so, and ends the machine: a defect of ours. */
_Noreturn void lock_order_broken(const struct lock_held *held, const struct spinlock *l, uintptr_t at);
/* Does this core hold the lock? How many does it hold? Any phase, any core. */
bool lock_held_here(const struct spinlock *l);
unsigned locks_held_here(void);

/* On the host, in unit tests, there are no cores. */
#if defined(__aarch64__)
#define LOCK_RECORDED IS_ENABLED(CONFIG_LOCK_RECORD)
#else
#define LOCK_RECORDED 0
#endif

/* Static ones; one inside a large static struct is given its rank by lock_rank(), so that the struct stays zero. */
#define LOCK_RANKED(r) \
    { \
        .rank = LOCK_RECORDED ? (r) : 0 \
    }

/* Before it is taken first. */
static inline void lock_rank(struct spinlock *l, enum lock_rank rank, unsigned number)
{
    if (!LOCK_RECORDED)
        return;
    l->rank = (int16_t)rank;
    l->number = (uint16_t)number;
}

static inline void spin_pause(void)
{
#if defined(__aarch64__)
    __asm__ volatile("yield" ::: "memory");
#endif
}

/* The lock alone, as it is in every build. */
static inline void lock_wait(struct spinlock *l) NO_THREAD_SAFETY
{
    uint32_t irqs = (uint32_t)irq_mask();
    uint32_t mine = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
    /* Pairs with the release store in lock_serve_next(). */
    while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != mine)
        spin_pause();
    l->irqs = irqs;
}

static inline void lock_serve_next(struct spinlock *l)
{
    __atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
}

/* With the record around it. */
void lock_wait_recorded(struct spinlock *l);
void lock_try_recorded(const struct spinlock *l);
void lock_serve_next_recorded(struct spinlock *l);

/* Any phase; spins, bounded by the other holders' critical sections. */
static inline void lock_acquire(struct spinlock *l) ACQUIRE(l) NO_THREAD_SAFETY
{
    if (LOCK_RECORDED)
        lock_wait_recorded(l);
    else
        lock_wait(l);
}

/* Takes it if it is free. Never waits, so the order does not matter. */
static inline bool lock_try(struct spinlock *l) TRY_ACQUIRE(true, l) NO_THREAD_SAFETY
{
    uint64_t irqs = irq_mask();
    uint32_t owner = __atomic_load_n(&l->owner, __ATOMIC_RELAXED);
    uint32_t want = owner;
    bool taken = __atomic_compare_exchange_n(&l->next, &want, owner + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
    if (taken)
        l->irqs = (uint32_t)irqs;
    else
        irq_restore(irqs);
    if (LOCK_RECORDED && taken)
        lock_try_recorded(l);
    return taken;
}

/* Releases it and leaves interrupts masked. */
static inline void lock_release_masked(struct spinlock *l) RELEASE(l) NO_THREAD_SAFETY
{
    if (LOCK_RECORDED)
        lock_serve_next_recorded(l);
    else
        lock_serve_next(l);
}

static inline void lock_release(struct spinlock *l) RELEASE(l) NO_THREAD_SAFETY
{
    uint64_t irqs = l->irqs;
    lock_release_masked(l);
    irq_restore(irqs);
}

/* Releases the outer of two locks held and keeps the inner, which opens the interrupts that the outer would have opened. */
static inline void lock_pass(struct spinlock *outer, struct spinlock *inner) RELEASE(outer) NO_THREAD_SAFETY
{
    inner->irqs = outer->irqs;
    lock_release_masked(outer);
}
