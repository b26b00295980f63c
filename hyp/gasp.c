/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/api/gasp.h"
#include "hyp/vm.h"

#include <errno.h>

#define GRF_VIRT (GRF_VIRT_RD | GRF_VIRT_WR | GRF_VIRT_EX)

static __startup int gasp_region_add(struct vdev_builder *b, const struct gasp_region *g)
{
    if (g->flags == GRF_NONE || g->guest.type != QST_MEMORY || g->guest.location == QSL_NO_LOCATION)
        return error_at(-EINVAL, "%s: a region that says neither where it is nor what it does", b->path);
    struct region r = {
        .base = IPA(g->guest.location),
        .size = g->guest.length,
        .flags = g->flags,
        .cookie = g->cookie,
        .host = PA(g->host_location),
        .owner = b->path,
    };
    if (g->flags & GRF_VIRT) {
        r.vdev = g->vdev ? g->vdev : b->vdev;
        r.regs = g->regs ? g->regs : r.vdev->v_factory->regs;
    }
    int err = r.regs ? reg_table_check(r.regs, b->path) : 0;
    if (r.regs && !err)
        err = reg_index_make(r.regs, &r.index);
    return err ? err : aspace_add(&b->gsp->as, &r);
}

int gasp_region_set(struct vdev_builder *b, unsigned n, const struct gasp_region *rgn)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    for (unsigned i = 0; i < n; i++) {
        int err = gasp_region_add(b, &rgn[i]);
        if (err)
            return -err;
    }
    return EOK;
}
