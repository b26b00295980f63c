/* SPDX-License-Identifier: Apache-2.0 */
/* A guest that does not run yet has no registers to read. */
/* fails: calling function 'guest_cpu_read' requires holding phase 'RUNNING' */
#include "hyp/api/guest.h"
#include "hyp/api/vdev.h"

int dev_startup(struct vdev_builder *b, const qvm_state_block *from, uint32_t *out) __startup;
int dev_write(guest_cpu *gcp, const qvm_state_block *from, uint32_t *out) __running;

#if defined(MUST_COMPILE)
int dev_write(guest_cpu *gcp, const qvm_state_block *from, uint32_t *out)
{
    return guest_cpu_read(gcp, GXF_NONE, from, 1, out, sizeof(*out));
}
#else
int dev_startup(struct vdev_builder *b, const qvm_state_block *from, uint32_t *out)
{
    return guest_cpu_read(guest_cpu_get(b->gsp, 0), GXF_NONE, from, 1, out, sizeof(*out));
}
#endif
