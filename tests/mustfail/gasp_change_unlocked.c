/* SPDX-License-Identifier: Apache-2.0 */
/* Regions change at run time under the lock of the guest's address space. */
/* fails: calling function 'gasp_region_set_soft' requires holding guest address space 'v->v_gsp' exclusively */
#include "hyp/api/gasp.h"
#include "hyp/api/vdev.h"

void page_hide(vdev_t *v, const struct gasp_region *page) __running;

#if defined(MUST_COMPILE)
void page_hide(vdev_t *v, const struct gasp_region *page)
{
    int err;
    if (gasp_lock(v->v_gsp, QST_MEMORY) != EOK)
        return;
    if (gasp_region_set_soft(v->v_gsp, 1, page, &err) != 1)
        vdev_logf(LOG_ERROR, v, "the page stays (error %d)", err);
    gasp_unlock(v->v_gsp, QST_MEMORY);
}
#else
void page_hide(vdev_t *v, const struct gasp_region *page)
{
    int err;
    if (gasp_region_set_soft(v->v_gsp, 1, page, &err) != 1)
        vdev_logf(LOG_ERROR, v, "the page stays (error %d)", err);
}
#endif
