/* SPDX-License-Identifier: Apache-2.0 */
/* Only a thread may wait, never a vCPU's access. */
/* fails: calling function 'vdev_thread_sleep_until' requires holding phase 'MAY_BLOCK' exclusively */
#include "hyp/api/thread.h"

void disk_register_write(const struct reg_access *a, uint64_t value) __running;
void *disk_thread(void *arg);

#if defined(MUST_COMPILE)
void *disk_thread(void *arg)
{
    thread_assume();
    (void)vdev_thread_sleep_until(0);
    return arg;
}
#else
void disk_register_write(const struct reg_access *a, uint64_t value)
{
    (void)a;
    (void)vdev_thread_sleep_until(value);
}
#endif
