/* SPDX-License-Identifier: Apache-2.0 */
/* A character back end takes nothing before the machine runs. */
/* fails: calling function 'cdev_write' requires holding phase 'RUNNING' */
#include "hyp/api/cdev.h"

size_t dev_banner(struct cdev_state *cs);

#if defined(MUST_COMPILE)
size_t dev_banner(struct cdev_state *cs)
{
    phase_assume_running();
    return cdev_write(cs, "hello", 5);
}
#else
size_t dev_banner(struct cdev_state *cs)
{
    phase_assume_startup();
    return cdev_write(cs, "hello", 5);
}
#endif
