/* SPDX-License-Identifier: Apache-2.0 */
/* What a thread has taken it gives back, on every path. */
/* fails: mutex 'queue' is not held on every path through here */
#include "hyp/api/thread.h"

extern struct vdev_mutex queue;
extern bool empty;
void disk_work(void) REQUIRES(MAY_BLOCK);

void disk_work(void)
{
    if (vdev_mutex_lock(&queue))
        return;
#if !defined(MUST_COMPILE)
    if (empty)
        return;
#endif
    (void)vdev_mutex_unlock(&queue);
}
