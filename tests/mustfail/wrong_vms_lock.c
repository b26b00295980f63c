/* SPDX-License-Identifier: Apache-2.0 */
/* A vdev of one VM is not guarded by the lock of another's. */
/* fails: calling function 'dev_settle' requires holding lock 'b->v_mtx' exclusively */
#include "hyp/api/vdev.h"

void dev_settle(vdev_t *v) REQUIRES(v->v_mtx);
void pair_write(vdev_t *a, vdev_t *b);

#if defined(MUST_COMPILE)
void pair_write(vdev_t *a, vdev_t *b)
{
    (void)a;
    lock_acquire(&b->v_mtx);
    dev_settle(b);
    lock_release(&b->v_mtx);
}
#else
void pair_write(vdev_t *a, vdev_t *b)
{
    lock_acquire(&a->v_mtx);
    dev_settle(b);
    lock_release(&a->v_mtx);
}
#endif
