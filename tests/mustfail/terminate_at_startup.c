/* SPDX-License-Identifier: Apache-2.0 */
/* At startup a VM is refused, by an error; it is not ended. */
/* fails: calling function 'guest_terminate' requires holding phase 'RUNNING' */
#include "hyp/api/guest.h"
#include "hyp/api/vdev.h"

int dev_startup(struct vdev_builder *b, unsigned ctrl, const void *arg) __startup;

#if defined(MUST_COMPILE)
int dev_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    (void)arg;
    return ctrl == VDEV_CTRL_OPTIONS_END && b->vdev->v_block.location == 0 ? 1 : EOK;
}
#else
int dev_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    (void)arg;
    if (ctrl == VDEV_CTRL_OPTIONS_END && b->vdev->v_block.location == 0)
        guest_terminate(b->gsp, GTC_CRASH);
    return EOK;
}
#endif
