/* SPDX-License-Identifier: Apache-2.0 */
/* fails: calling function 'gram_reserve' requires holding .*STARTUP */
#include "hyp/api/gasp.h"
#include "hyp/api/vdev.h"

int page_take(struct vdev_builder *b);
#ifdef MUST_COMPILE
__startup
#endif
    int
    page_take(struct vdev_builder *b)
{
    return gram_reserve(b, 0x40000000, 0x1000);
}
