/* SPDX-License-Identifier: Apache-2.0 */
#include "vdevs/vgic/virq.h"
#include "vdevs/vgic/vgic.h"

void virq_reset(struct virq *v, struct vgic_cpu *home)
{
    *v = (struct virq){ .bank = v->bank,
                        .intid = v->intid,
                        .pintid = v->pintid,
                        .hw = v->hw,
                        .watched = v->watched,
                        .home = home,
                        .lr = -1 };
    list_init(&v->node);
}

/* By priority, then by INTID: the order in which they would be taken. */
void virq_enqueue(struct virq *v)
{
    struct list *queue = &v->home->queue, *at = queue->next;
    for (; at != queue; at = at->next) {
        const struct virq *other = container_of(at, struct virq, node);
        if (other->priority > v->priority || (other->priority == v->priority && other->intid > v->intid))
            break;
    }
    list_insert_before(at, &v->node);
    v->home->queued++;
}

void virq_dequeue(struct virq *v)
{
    list_remove(&v->node);
    v->home->queued--;
}

bool virq_requeue(struct virq *v)
{
    v->word = 0;
    if (!list_empty(&v->node))
        virq_dequeue(v);
    return virq_update(v);
}

bool virq_line(struct virq *v, uint32_t source, bool high)
{
    bool was = v->sources;
    v->sources = high ? v->sources | source : v->sources & ~source;
    bool is = v->sources;
    if (was == is)
        return false;
    if (!virq_edge(v))
        return virq_update(v);
    return is && virq_latch(v);
}

bool virq_unlatch(struct virq *v)
{
    v->latch = false;
    v->again = false;
    return virq_update(v);
}

bool virq_set_active(struct virq *v, bool active)
{
    v->done |= v->watched && v->active && !active;
    v->active = active;
    if (v->hw && !active)
        v->sources = 0; /* the physical interrupt is deactivated with it, and fires if the line is high */
    return virq_update(v);
}

void virq_fold(struct virq *v, unsigned was, unsigned now)
{
    bool acknowledged = (was & LR_PENDING) && !(now & LR_PENDING);
    if (acknowledged)
        v->latch = v->again;
    v->again = false;
    v->active = now & LR_ACTIVE;
    /* Taken and ended: all of it between two looks, or what was active. */
    v->done |= v->watched && ((was & LR_ACTIVE && !v->active) || (was != LR_INVALID && now == LR_INVALID));
    if (!v->hw)
        return;
    /* The line of the device behind it shows again when the physical interrupt is deactivated, which the guest does with the virtual one. */
    if (acknowledged || now == LR_INVALID)
        v->sources = 0;
}

struct lr virq_lr(const struct virq *v, bool deliver)
{
    /* A list register that is linked to hardware cannot be pending and active: then the link is ours to keep. */
    bool linked = v->hw && !(v->active && v->latch);
    bool pending = deliver && !(linked && v->active);
    bool level = v->sources && !virq_edge(v);
    return (struct lr){
        .vintid = v->intid,
        .pintid = v->pintid,
        .priority = v->priority,
        .state = (uint8_t)((pending ? LR_PENDING : 0) | (v->active ? LR_ACTIVE : 0)),
        .group1 = virq_group1(v),
        .hw = linked,
        /* When the guest is done with it: the line is high still, or the link, the route or its owner wait for that. */
        .eoi_maint = !linked && (v->hw || v->moving || v->watched || (deliver && level)),
    };
}
