/* SPDX-License-Identifier: Apache-2.0 */
/* An option that cannot be read refuses the VM. */
/* fails: ignoring return value of function declared with 'warn_unused_result' attribute */
#include "hyp/api/vdev.h"

int dev_option(struct vdev_builder *b, const struct vdev_option *o, uint32_t *out) __startup;

#if defined(MUST_COMPILE)
int dev_option(struct vdev_builder *b, const struct vdev_option *o, uint32_t *out)
{
    return vdev_option_u32(b, o, out);
}
#else
int dev_option(struct vdev_builder *b, const struct vdev_option *o, uint32_t *out)
{
    vdev_option_u32(b, o, out);
    return EOK;
}
#endif
