/* SPDX-License-Identifier: Apache-2.0 */
/* Shared memory's regions are looked at under the lock that all VMs have in common. */
/* fails: calling function 'region_named' requires holding lock 'shmem_set_lock' exclusively */
#include "vdevs/shmem/shmem.h"

uint32_t pages_of(const char *name);

#if defined(MUST_COMPILE)
uint32_t pages_of(const char *name)
{
    lock_acquire(&shmem_set_lock);
    const struct shmem_region *r = region_named(name);
    uint32_t pages = r ? r->pages : 0;
    lock_release(&shmem_set_lock);
    return pages;
}
#else
uint32_t pages_of(const char *name)
{
    const struct shmem_region *r = region_named(name);
    return r ? r->pages : 0;
}
#endif
