/* SPDX-License-Identifier: Apache-2.0 */
/* What of the machine a vdev has is settled at startup. */
/* fails: calling function 'host_device_claim' requires holding phase 'STARTUP' exclusively */
#include "hyp/api/host.h"

#if defined(MUST_COMPILE)
int registers_take(const struct vdev_builder *b) __startup;
#else
int registers_take(const struct vdev_builder *b) __running;
#endif

int registers_take(const struct vdev_builder *b)
{
    return host_device_claim(b, 0x9010000, 0x1000);
}
