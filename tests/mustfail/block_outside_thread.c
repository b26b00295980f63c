/* SPDX-License-Identifier: Apache-2.0 */
/* Only a vdev thread may wait. */
/* fails: calling function 'disk_wait' requires holding phase 'MAY_BLOCK' exclusively */
#include "hyp/base/phase.h"

void disk_wait(void) REQUIRES(MAY_BLOCK);
void disk_register_write(void) __running;
void disk_thread(void) REQUIRES(MAY_BLOCK);

#if defined(MUST_COMPILE)
void disk_thread(void)
{
    disk_wait();
}
#else
void disk_register_write(void)
{
    disk_wait();
}
#endif
