/* SPDX-License-Identifier: Apache-2.0 */
/* Which vdev is the interrupt controller is settled before the machine runs. */
/* fails: calling function 'vintc_register' requires holding phase 'STARTUP' exclusively */
#include "hyp/api/vintc.h"

extern struct vdev_builder *const kept;
extern const struct vintc_ops own_ops;
int pic_startup(struct vdev_builder *b, unsigned ctrl, const void *arg) __startup;
int pic_control(vdev_t *v, unsigned ctrl, const void *arg) __running;

#if defined(MUST_COMPILE)
int pic_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    (void)arg;
    return ctrl == VDEV_CTRL_OPTIONS_START ? vintc_register(b, &own_ops) : EOK;
}
#else
int pic_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    (void)v;
    (void)arg;
    return ctrl == VDEV_CTRL_GUEST_CONFIGURED ? vintc_register(kept, &own_ops) : EOK;
}
#endif
