/* SPDX-License-Identifier: Apache-2.0 */
/* gasp_region_set() is how regions are made at startup, not how they change later. */
/* fails: calling function 'gasp_region_set' requires holding phase 'STARTUP' exclusively */
#include "hyp/api/gasp.h"
#include "hyp/api/vdev.h"

int window_startup(struct vdev_builder *b, const struct gasp_region *r) __startup;
int window_register_write(struct vdev_builder *kept, const struct gasp_region *r) __running;

#if defined(MUST_COMPILE)
int window_startup(struct vdev_builder *b, const struct gasp_region *r)
{
    return gasp_region_set(b, 1, r);
}
#else
int window_register_write(struct vdev_builder *kept, const struct gasp_region *r)
{
    return gasp_region_set(kept, 1, r);
}
#endif
