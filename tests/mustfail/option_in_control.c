/* SPDX-License-Identifier: Apache-2.0 */
/* Options are read by startup(); control() comes when the description may be gone. */
/* fails: calling function 'vdev_option_u32' requires holding phase 'STARTUP' exclusively */
#include "hyp/api/vdev.h"

extern struct vdev_builder *const kept;
extern uint32_t period;
int dev_startup(struct vdev_builder *b, unsigned ctrl, const void *arg) __startup;
int dev_control(vdev_t *v, unsigned ctrl, const void *arg) __running;

#if defined(MUST_COMPILE)
int dev_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    return ctrl == VDEV_CTRL_FIRST_OPTIDX ? vdev_option_u32(b, arg, &period) : EOK;
}
#else
int dev_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    (void)v;
    return ctrl == VDEV_CTRL_FIRST_OPTIDX ? vdev_option_u32(kept, arg, &period) : EOK;
}
#endif
