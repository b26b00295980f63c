/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's tree is made once, by GEN_FDT. */
/* fails: calling function 'vdev_fdt_string' requires holding phase 'STARTUP' exclusively */
#include "hyp/api/vdev.h"

int dev_gen_fdt(struct vdev_fdt *f) __startup;
int dev_reset(struct vdev_fdt *kept) __running;

#if defined(MUST_COMPILE)
int dev_gen_fdt(struct vdev_fdt *f)
{
    return vdev_fdt_string(f, "status", "okay");
}
#else
int dev_reset(struct vdev_fdt *kept)
{
    return vdev_fdt_string(kept, "status", "okay");
}
#endif
