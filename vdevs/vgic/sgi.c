/* SPDX-License-Identifier: Apache-2.0 */
/* Software generated interrupts: ICC_SGI1R_EL1, ICC_ASGI1R_EL1, ICC_SGI0R_EL1 (IHI 0069 12.2). */
#include "vdevs/vgic/sgi.h"

#define SGI_TARGET_LIST FIELD(15, 0)
#define SGI_AFF1 FIELD(23, 16)
#define SGI_INTID FIELD(27, 24)
#define SGI_AFF2 FIELD(39, 32)
#define SGI_IRM BIT(40)
#define SGI_RS FIELD(47, 44)
#define SGI_AFF3 FIELD(55, 48)

bool sgi_targets(uint64_t value, uint64_t affinity, bool self)
{
    if (value & SGI_IRM)
        return !self;
    uint64_t aff0 = affinity & 0xff;
    return field_get(SGI_AFF3, value) == field_get(FIELD(39, 32), affinity) &&
           field_get(SGI_AFF2, value) == field_get(FIELD(23, 16), affinity) &&
           field_get(SGI_AFF1, value) == field_get(FIELD(15, 8), affinity) && field_get(SGI_RS, value) == aff0 >> 4 &&
           (value & SGI_TARGET_LIST & BIT(aff0 & 15));
}

static bool op_sgi(struct virq *v, uint64_t group1)
{
    return (group1 || !virq_group1(v)) && virq_latch(v);
}

void vgic_sgi(struct vgic_cpu *from, uint64_t value, bool group1)
{
    struct vgic *g = from->vgic;
    unsigned intid = (unsigned)field_get(SGI_INTID, value);
    for (unsigned i = 0; i < g->cpu_count; i++)
        if (sgi_targets(value, g->cpus[i]->affinity, g->cpus[i] == from))
            virq_apply(&g->cpus[i]->private[intid], from -> gcp, VIRQ_AS_KNOWN, op_sgi, group1);
}
