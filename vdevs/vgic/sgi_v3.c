/* SPDX-License-Identifier: Apache-2.0 */
/* Software generated interrupts: ICC_SGI1R_EL1, ICC_ASGI1R_EL1, ICC_SGI0R_EL1 (IHI 0069 12.2). */
#include "vdevs/vgic/sgi_v3.h"

#define SGI_TARGET_LIST FIELD(15, 0)
#define SGI_AFF1 FIELD(23, 16)
#define SGI_INTID FIELD(27, 24)
#define SGI_AFF2 FIELD(39, 32)
#define SGI_IRM BIT(40)
#define SGI_RS FIELD(47, 44)
#define SGI_AFF3 FIELD(55, 48)

uint64_t sgi_affinity(uint64_t value)
{
    return field_get(SGI_AFF3, value) << 32 | field_get(SGI_AFF2, value) << 16 | field_get(SGI_AFF1, value) << 8 |
           field_get(SGI_RS, value) << 4;
}

static void sgi_send(struct vgic_cpu *from, struct vgic_cpu *to, uint64_t value, bool group1)
{
    struct virq *v = &to->banked[field_get(SGI_INTID, value)];
    if (!group1 && virq_group1(v))
        return;
    lock_acquire(&to->lock);
    bool changed = !(to == from && vgic_sgi_again(to, v, 1)) && virq_latch(v);
    if (changed)
        vgic_cpu_touch_sgi(to, v);
    lock_release(&to->lock);
    if (changed && to != from)
        guest_cpu_kick(to->gcp);
}

void vgic_sgi(struct vgic_cpu *from, uint64_t value, bool group1)
{
    struct vgic *g = from->vgic;
    if (value & SGI_IRM) {
        for (unsigned i = 0; i < g->cpu_count; i++)
            if (g->cpus[i] != from)
                sgi_send(from, g->cpus[i], value, group1);
        return;
    }
    for (uint32_t list = (uint32_t)(value & SGI_TARGET_LIST); list; list &= list - 1) {
        struct vgic_cpu *to = vgic_cpu_at(g, sgi_affinity(value) + (unsigned)__builtin_ctz(list));
        if (to)
            sgi_send(from, to, value, group1);
    }
}
