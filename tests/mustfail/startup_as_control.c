/* SPDX-License-Identifier: Apache-2.0 */
/* The two entries of a factory do not stand in for each other. */
/* fails: incompatible function pointer types initializing */
#include "hyp/api/vdev.h"

extern const struct vdev_factory dev_factory;
static int dev_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    (void)b;
    (void)arg;
    return ctrl == VDEV_CTRL_OPTIONS_START ? EOK : 1;
}

#if defined(MUST_COMPILE)
const struct vdev_factory dev_factory = { .abi = QVM_VDEV_ABI, .name = "dev", .startup = dev_startup };
#else
const struct vdev_factory dev_factory = { .abi = QVM_VDEV_ABI, .name = "dev", .control = dev_startup };
#endif
