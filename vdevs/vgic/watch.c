/* SPDX-License-Identifier: Apache-2.0 */
/* Shared interrupts that stand for one of the machine's: who masked that is told when the guest is done with its own. */
#include "vdevs/vgic/vgic.h"

#include <errno.h>

int vgic_watch(struct vgic *g, uint32_t intid)
{
    struct virq *v = &g->spi[intid - VGIC_PRIVATE];
    if (v->watched)
        return EOK;
    if (g->watched_count == VGIC_WATCHED)
        return ENOSPC;
    v->watched = true;
    g->watched[g->watched_count++] = v;
    return EOK;
}

void vgic_watched_unmask(const struct virq *v, guest_cpu *self)
{
    const struct vgic_cpu *cpu = vintc_cpu_data(self);
    guest_intr_notify(vintc_vdev(cpu->vgic->gsp), v->intid, GIN_UNMASK);
}

static bool done_take(struct virq *v)
{
    struct vgic_cpu *home = virq_lock(v);
    bool done = v->done;
    v->done = false;
    virq_unlock(home);
    return done;
}

void vgic_watched_tell(struct vgic *g)
{
    for (unsigned i = 0; i < g->watched_count; i++)
        if (done_take(g->watched[i]))
            guest_intr_notify(vintc_vdev(g->gsp), g->watched[i]->intid, GIN_ACK);
}
