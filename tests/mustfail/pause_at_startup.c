/* SPDX-License-Identifier: Apache-2.0 */
/* No vCPU is in the guest while the machine starts up, and none is brought out. */
/* fails: calling function 'guest_cpu_pause' requires holding phase 'RUNNING' */
#include "hyp/api/vintc.h"

void pic_flush(guest_cpu *gcp) __running;
void pic_create(guest_cpu *gcp) __startup;

#if defined(MUST_COMPILE)
void pic_flush(guest_cpu *gcp)
{
    guest_cpu_pause(gcp);
    guest_cpu_resume(gcp);
}
#else
void pic_create(guest_cpu *gcp)
{
    guest_cpu_pause(gcp);
}
#endif
