/* SPDX-License-Identifier: Apache-2.0 */
#include "vdevs/vgic/sgi_v2.h"

#define SGIR_INTID FIELD(3, 0)
#define SGIR_TARGET_LIST FIELD(23, 16)
#define SGIR_FILTER FIELD(25, 24)
enum sgir_filter { FILTER_LIST, FILTER_OTHERS, FILTER_SELF };

unsigned sgir_targets(uint32_t value, unsigned self, unsigned count)
{
    unsigned all = (1u << count) - 1;
    switch (field_get(SGIR_FILTER, value)) {
    case FILTER_LIST: return (unsigned)field_get(SGIR_TARGET_LIST, value) & all;
    case FILTER_OTHERS: return all & ~(1u << self);
    case FILTER_SELF: return 1u << self;
    }
    return 0; /* reserved */
}

static void sgi_send(struct vgic_cpu *from, struct vgic_cpu *to, struct virq *v)
{
    lock_acquire(&to->lock);
    bool changed = !(to == from && vgic_sgi_again(to, v, (unsigned)BIT(from->index))) &&
                   virq_latch_from(v, (unsigned)BIT(from->index));
    if (changed)
        vgic_cpu_touch_sgi(to, v);
    lock_release(&to->lock);
    if (changed && to != from)
        guest_cpu_kick(to->gcp);
}

void vgic_sgi_v2(struct vgic_cpu *from, uint32_t value)
{
    const struct vgic *g = from->vgic;
    for (unsigned rest = sgir_targets(value, from->index, g->cpu_count); rest; rest &= rest - 1) {
        struct vgic_cpu *to = g->cpus[__builtin_ctz(rest)];
        sgi_send(from, to, &to->banked[field_get(SGIR_INTID, value)]);
    }
}
