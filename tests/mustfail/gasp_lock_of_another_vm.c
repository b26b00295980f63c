/* SPDX-License-Identifier: Apache-2.0 */
/* The lock of one VM's address space is not another's. */
/* fails: calling function 'gasp_region_set_soft' requires holding guest address space 'to' exclusively */
#include "hyp/api/gasp.h"

unsigned page_share(guest_system *from, guest_system *to, const struct gasp_region *page) __running;

unsigned page_share(guest_system *from, guest_system *to, const struct gasp_region *page)
{
    int err;
    unsigned done = 0;
#if defined(MUST_COMPILE)
    (void)from;
    if (gasp_lock(to, QST_MEMORY) != EOK)
        return 0;
    done = gasp_region_set_soft(to, 1, page, &err);
    gasp_unlock(to, QST_MEMORY);
#else
    if (gasp_lock(from, QST_MEMORY) != EOK)
        return 0;
    done = gasp_region_set_soft(to, 1, page, &err);
    gasp_unlock(from, QST_MEMORY);
#endif
    return done;
}
