/* SPDX-License-Identifier: Apache-2.0 */
/* What control() is given opens none of the doors of startup: the phase is a type. */
/* fails: incompatible pointer types passing 'vdev_t \*' */
#include "hyp/api/vintc.h"

void *table_make(struct vdev_builder *b, vdev_t *v) __startup;

#if defined(MUST_COMPILE)
void *table_make(struct vdev_builder *b, vdev_t *v)
{
    (void)v;
    return vdev_alloc(b, 64);
}
#else
void *table_make(struct vdev_builder *b, vdev_t *v)
{
    (void)b;
    return vdev_alloc(v, 64);
}
#endif
