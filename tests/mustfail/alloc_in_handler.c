/* SPDX-License-Identifier: Apache-2.0 */
/* No memory is allocated once the machine runs, not even by a device that kept its builder. */
/* fails: calling function 'vdev_alloc' requires holding phase 'STARTUP' exclusively */
#include "hyp/api/vintc.h"

struct log_device {
    struct vdev_builder *kept;
    void *buffer;
};

int log_create(struct log_device *d) __startup;
void log_register_write(const struct reg_access *a, uint64_t value) __running;

#if defined(MUST_COMPILE)
int log_create(struct log_device *d)
{
    d->buffer = vdev_alloc(d->kept, 4096);
    return d->buffer ? EOK : 1;
}
#else
void log_register_write(const struct reg_access *a, uint64_t value)
{
    struct log_device *d = a->vdev->v_device;
    d->buffer = vdev_alloc(d->kept, value);
}
#endif
