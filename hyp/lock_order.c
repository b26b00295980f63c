/* SPDX-License-Identifier: Apache-2.0 */
/* Locks and mutexes about to be taken out of their order (builds with CONFIG_LOCK_RECORD). */
#include "arch/arm64/panic.h"
#include "hyp/base/lock.h"
#include "hyp/base/log.h"
#include "hyp/thread.h"

static const char *rank_name(int rank)
{
    switch ((enum lock_rank)rank) {
    case LOCK_VM: return "VM";
    case LOCK_GASP: return "GASP";
    case LOCK_SHARED: return "SHARED";
    case LOCK_VDEV: return "VDEV";
    case LOCK_CLOCK: return "CLOCK";
    case LOCK_ASPACE: return "ASPACE";
    case LOCK_MMU: return "MMU";
    case LOCK_POOL: return "POOL";
    case LOCK_INTC: return "INTC";
    case LOCK_INTC_CPU: return "INTC_CPU";
    case LOCK_SCHED: return "SCHED";
    case LOCK_CONSOLE: return "CONSOLE";
    case LOCK_ALARMS: return "ALARMS";
    case LOCK_RESULTS: return "RESULTS";
    case LOCK_LOG_LIMIT: return "LOG_LIMIT";
    case LOCK_LOG: return "LOG";
    }
    return "unknown";
}

static const char *where(uintptr_t at)
{
    uint64_t offset;
    const char *name = symbol_find(at - 4, &offset);
    return name ? name : "unknown";
}

void lock_order_broken(const struct lock_held *held, const struct spinlock *l, uintptr_t at)
{
    hyp_panic("lock order: %s %u wanted in %s, %s %u held since %s%s", rank_name(l->rank), l->number, where(at),
              rank_name(held->lock->rank), held->lock->number, where(held->at),
              held->lock == l ? ", the same lock" : "");
}

void mutex_order_broken(const struct thread *t, const struct vdev_mutex *held, const struct vdev_mutex *m, uintptr_t at)
{
    hyp_panic("mutex order: %s: rank %u wanted in %s, rank %u held since %s", t->name, m->rank, where(at), held->rank,
              where(held->taken_at));
}
