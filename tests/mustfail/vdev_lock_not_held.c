/* SPDX-License-Identifier: Apache-2.0 */
/* What drives the line belongs under the lock of the vdev. */
/* fails: calling function 'dev_settle' requires holding lock 'a->vdev->v_mtx' exclusively */
#include "hyp/api/vdev.h"

void dev_settle(vdev_t *v) REQUIRES(v->v_mtx);
void dev_write(const struct reg_access *a, uint64_t value);

#if defined(MUST_COMPILE)
void dev_write(const struct reg_access *a, uint64_t value)
{
    (void)value;
    lock_acquire(&a->vdev->v_mtx);
    dev_settle(a->vdev);
    lock_release(&a->vdev->v_mtx);
}
#else
void dev_write(const struct reg_access *a, uint64_t value)
{
    (void)value;
    dev_settle(a->vdev);
}
#endif
