/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Spin locks: fair (ticket), never held across anything that blocks. EL2 runs with interrupts masked, so holding one
 * needs no masking of its own. No lock before a core's MMU and caches are on: exclusives need cacheable memory.
 *
 * Order, outermost first: vm->lock, gasp (address space), what vdevs of several VMs share (shmem_set_lock), vdev v_mtx, interrupt controller, console, log.
 * Of several VMs' gasp locks one is held at a time, so a vdev of one VM reaches another's through the shared lock and the other's interrupt controller only.
 */
#include <stdint.h>
#include "phase.h"

struct CAPABILITY("lock") spinlock {
    uint32_t next;  /* the next ticket to hand out */
    uint32_t owner; /* the ticket being served */
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
    uint32_t mine = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
    /* Pairs with the release store in lock_release(). */
    while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != mine)
        spin_pause();
}

/* Takes it if it is free. Never waits. */
static inline bool lock_try(struct spinlock *l) TRY_ACQUIRE(true, l) NO_THREAD_SAFETY
{
    uint32_t owner = __atomic_load_n(&l->owner, __ATOMIC_RELAXED);
    uint32_t want = owner;
    return __atomic_compare_exchange_n(&l->next, &want, owner + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void lock_release(struct spinlock *l) RELEASE(l) NO_THREAD_SAFETY
{
    __atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
}
