/* SPDX-License-Identifier: Apache-2.0 */
/* A control code is not an outcome of an access. */
/* fails: implicit conversion from enumeration type 'enum vdev_ctrl' to different enumeration type 'enum vdev_ref_status' */
#include "hyp/api/vdev.h"

enum vdev_ref_status dev_read(vdev_t *v);

#if defined(MUST_COMPILE)
enum vdev_ref_status dev_read(vdev_t *v)
{
    (void)v;
    return VRS_TERMINATE;
}
#else
enum vdev_ref_status dev_read(vdev_t *v)
{
    (void)v;
    return VDEV_CTRL_TERMINATE;
}
#endif
