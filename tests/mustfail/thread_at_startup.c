/* SPDX-License-Identifier: Apache-2.0 */
/* No thread before GUEST_CONFIGURED. */
/* fails: calling function 'vdev_thread_create' requires holding phase 'RUNNING' */
#include "hyp/api/thread.h"

void *disk_thread(void *arg);

#if defined(MUST_COMPILE)
int disk_begin(vdev_t *v, vdev_thread_t **t) __running;
#else
int disk_begin(vdev_t *v, vdev_thread_t **t) __startup;
#endif

int disk_begin(vdev_t *v, vdev_thread_t **t)
{
    return vdev_thread_create(v, "disk", t, NULL, disk_thread, v);
}
