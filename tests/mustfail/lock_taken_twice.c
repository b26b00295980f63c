/* SPDX-License-Identifier: Apache-2.0 */
/* A ticket lock that its holder takes again waits for itself, for ever. */
/* fails: acquiring lock 'v->v_mtx' that is already held */
#include "hyp/api/vdev.h"

void dev_notify(vdev_t *v);

#if defined(MUST_COMPILE)
void dev_notify(vdev_t *v)
{
    lock_acquire(&v->v_mtx);
    lock_release(&v->v_mtx);
}
#else
void dev_notify(vdev_t *v)
{
    lock_acquire(&v->v_mtx);
    lock_acquire(&v->v_mtx);
    lock_release(&v->v_mtx);
}
#endif
