/* SPDX-License-Identifier: Apache-2.0 */
#include "vdevs/vgic/lr.h"

static void choice_set(struct lr_choice *c, unsigned n, struct virq *v, bool deliver)
{
    c->virq[n] = v;
    c->deliver = (uint16_t)(deliver ? c->deliver | BIT(n) : c->deliver & ~BIT(n));
}

/* There is no place left. The first that is pending and not active replaces an active one if only those were chosen: it may preempt. */
static void choice_refuse(struct lr_choice *c, struct virq *v, bool *preempts)
{
    if (v->active) {
        c->active_out = true;
        return;
    }
    c->pending_out = true;
    if (*preempts)
        return;
    *preempts = true;
    c->active_out = true;
    choice_set(c, c->count - 1u, v, true);
}

void lr_choose(const struct list *queue, unsigned lr_count, unsigned groups, unsigned open, struct lr_choice *out)
{
    bool preempts = false; /* one that is pending and not active is in */
    /* Not the array: what is behind `count` is nobody's. */
    out->deliver = 0;
    out->count = out->closed_out = 0;
    out->active_out = out->pending_out = false;
    list_each(at, queue) {
        struct virq *v = container_of(at, struct virq, node);
        bool deliver = virq_deliverable(v, groups & open);
        if (!deliver && virq_deliverable(v, groups))
            out->closed_out |= (uint8_t)(virq_group1(v) ? 2 : 1);
        if (!v->active && !deliver)
            continue;
        if (out->count == lr_count) {
            choice_refuse(out, v, &preempts);
            continue;
        }
        choice_set(out, out->count++, v, deliver);
        preempts |= !v->active;
    }
}
