/* SPDX-License-Identifier: Apache-2.0 */
/* Who takes a lock gives it back before returning. */
/* fails: mutex 'v->v_mtx' is still held at the end of function */
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
}
#endif
