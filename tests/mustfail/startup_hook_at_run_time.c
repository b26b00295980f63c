/* SPDX-License-Identifier: Apache-2.0 */
/* A back end's startup part does not serve control(). */
/* fails: calling function 'cdev_startup' requires holding phase 'STARTUP' exclusively */
#include "hyp/api/cdev.h"

int dev_control(vdev_t *v, unsigned ctrl, const void *arg) __running;
extern struct vdev_builder *const kept;

#if defined(MUST_COMPILE)
int dev_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    return cdev_control(v->v_device, ctrl, arg);
}
#else
int dev_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    return cdev_startup(kept, v->v_device, ctrl, arg);
}
#endif
