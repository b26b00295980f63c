/* SPDX-License-Identifier: Apache-2.0 */
/* An early return gives the lock back too. */
/* fails: mutex 'v->v_mtx' is not held on every path through here */
#include "hyp/api/vdev.h"

void dev_settle(vdev_t *v) REQUIRES(v->v_mtx);
bool dev_ready(const vdev_t *v);
void dev_reset(vdev_t *v);

#if defined(MUST_COMPILE)
void dev_reset(vdev_t *v)
{
    lock_acquire(&v->v_mtx);
    if (dev_ready(v))
        dev_settle(v);
    lock_release(&v->v_mtx);
}
#else
void dev_reset(vdev_t *v)
{
    lock_acquire(&v->v_mtx);
    if (!dev_ready(v))
        return;
    dev_settle(v);
    lock_release(&v->v_mtx);
}
#endif
