/* SPDX-License-Identifier: Apache-2.0 */
/* A read that may not have happened leaves nothing to go by. */
/* fails: ignoring return value of function declared with 'warn_unused_result' attribute */
#include "hyp/api/guest.h"

uint64_t dev_value(guest_cpu *gcp, const qvm_state_block *from) __running;

#if defined(MUST_COMPILE)
uint64_t dev_value(guest_cpu *gcp, const qvm_state_block *from)
{
    uint64_t value = 0;
    return guest_cpu_read(gcp, GXF_NONE, from, 1, &value, sizeof(value)) ? 0 : value;
}
#else
uint64_t dev_value(guest_cpu *gcp, const qvm_state_block *from)
{
    uint64_t value = 0;
    guest_cpu_read(gcp, GXF_NONE, from, 1, &value, sizeof(value));
    return value;
}
#endif
