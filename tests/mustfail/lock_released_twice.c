/* SPDX-License-Identifier: Apache-2.0 */
/* A lock is given back once. */
/* fails: releasing lock 'v->v_mtx' that was not held */
#include "hyp/api/vdev.h"

void dev_settle(vdev_t *v) REQUIRES(v->v_mtx);
void dev_reset(vdev_t *v);

#if defined(MUST_COMPILE)
void dev_reset(vdev_t *v)
{
    lock_acquire(&v->v_mtx);
    dev_settle(v);
    lock_release(&v->v_mtx);
}
#else
void dev_reset(vdev_t *v)
{
    lock_acquire(&v->v_mtx);
    dev_settle(v);
    lock_release(&v->v_mtx);
    lock_release(&v->v_mtx);
}
#endif
