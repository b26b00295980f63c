/* SPDX-License-Identifier: Apache-2.0 */
/* An instance does not change its factory: all instances in all VMs share it. */
/* fails: read-only|cannot assign to .*const */
#include "hyp/api/vdev.h"

const char *dev_rename(vdev_t *v);

#if defined(MUST_COMPILE)
const char *dev_rename(vdev_t *v)
{
    return v->v_name = "dev";
}
#else
const char *dev_rename(vdev_t *v)
{
    return v->v_factory->option_list[0] = "dev";
}
#endif
