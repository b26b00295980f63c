/* SPDX-License-Identifier: Apache-2.0 */
/* No interrupt line is driven before there is a machine to interrupt. */
/* fails: calling function 'guest_intr_signal' requires holding phase 'RUNNING' */
#include "hyp/api/guest.h"
#include "hyp/api/vdev.h"

int dev_startup(struct vdev_builder *b, unsigned ctrl, const void *arg) __startup;
int dev_control(vdev_t *v, unsigned ctrl, const void *arg) __running;

#if defined(MUST_COMPILE)
int dev_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    (void)arg;
    return ctrl == VDEV_CTRL_GUEST_STARTING ? guest_intr_signal(&v->v_intr, GIS_ON) : EOK;
}
#else
int dev_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    (void)arg;
    return ctrl == VDEV_CTRL_ASSIGN ? guest_intr_signal(&b->vdev->v_intr, GIS_ON) : EOK;
}
#endif
