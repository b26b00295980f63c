/* SPDX-License-Identifier: Apache-2.0 */
/* Which instructions a vdev serves is settled at startup. */
/* fails: calling function 'guest_instr_register' requires holding phase 'STARTUP' exclusively */
#include "hyp/api/instr.h"

enum vdev_ref_status call_serve(vdev_t *v, guest_cpu *gcp, unsigned git, uint64_t function);

#if defined(MUST_COMPILE)
int calls_add(struct vdev_builder *b) __startup;
#else
int calls_add(struct vdev_builder *b) __running;
#endif

int calls_add(struct vdev_builder *b)
{
    return guest_instr_register(b, GIT_ARM_HVC, GIT_CALLS(0x86000000, 0x8600000f), call_serve);
}
