/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv2's distributor (IHI 0048 4.3) without the Security Extensions. What it holds for SGIs and PPIs is banked by vCPU. CPU interface n, bit n of a
 * target list, is vCPU n. SGIs are always enabled, and pending by sender.
 */
#include "vdevs/vgic/dist.h"
#include "vdevs/vgic/sgi_v2.h"

#define GICD_PIDR2_V2 UINT32_C(0x2b) /* ArchRev 2 */
#define EVERY_BYTE UINT64_C(0x01010101)

static struct vgic_cpu *self_of(const struct reg_access *a)
{
    return vintc_cpu_data(a->gcp);
}

static uint64_t ctlr_v2_read(const struct reg_access *a)
{
    return __atomic_load_n(&vgic_of(a)->ctlr, __ATOMIC_RELAXED);
}

/* ITLinesNumber, CPUNumber; no Security Extensions, no lockable SPIs. */
static uint64_t typer_v2_read(const struct reg_access *a)
{
    return VGIC_SPIS / 32 | (uint64_t)(vgic_of(a)->cpu_count - 1) << 5;
}

/* Those of SGIs and PPIs say which CPU interface reads them. All of them are RAZ/WI where there is but one (4.3.12). */
static uint64_t itargetsr_read(const struct reg_access *a)
{
    const struct vgic *g = vgic_of(a);
    uint64_t value = 0;
    if (g->cpu_count == 1)
        return 0;
    if (a->index < VGIC_PRIVATE)
        return EVERY_BYTE << self_of(a)->index;
    for (unsigned n = 0; n < a->size; n++)
        value |= __atomic_load_n(&g->spi[a->index - VGIC_PRIVATE + n].route, __ATOMIC_RELAXED) << 8 * n;
    return value;
}

static void itargetsr_write(const struct reg_access *a, uint64_t value)
{
    struct vgic *g = vgic_of(a);
    if (g->cpu_count == 1 || a->index < VGIC_PRIVATE)
        return;
    for (unsigned n = 0; n < a->size; n++, value >>= 8)
        vgic_route_set(g, &g->spi[a->index - VGIC_PRIVATE + n], value & (BIT(g->cpu_count) - 1), a->gcp);
}

static void sgir_write(const struct reg_access *a, uint64_t value)
{
    vgic_sgi_v2(self_of(a), (uint32_t)value);
}

static __running uint64_t pendsgir_read(const struct reg_access *a)
{
    return virq_senders_read(&self_of(a)->banked[a->index], a->size, a->gcp);
}

static bool op_senders_add(struct virq *v, unsigned senders)
{
    return virq_latch_from(v, senders);
}

static bool op_senders_remove(struct virq *v, unsigned senders)
{
    return virq_unlatch_from(v, senders);
}

/* A byte an SGI: the senders of which it is, or is no longer, pending on the writing vCPU. */
static __running void senders_write(const struct reg_access *a, uint64_t value, virq_op op)
{
    uint64_t exist = BIT(vgic_of(a)->cpu_count) - 1;
    for (unsigned n = 0; n < a->size; n++, value >>= 8)
        if (value & exist)
            virq_apply_folded(&self_of(a)->banked[a->index + n], a->gcp, op, (unsigned)(value & exist));
}

static __running void cpendsgir_write(const struct reg_access *a, uint64_t value)
{
    senders_write(a, value, op_senders_remove);
}

static __running void spendsgir_write(const struct reg_access *a, uint64_t value)
{
    senders_write(a, value, op_senders_add);
}

static const struct reg dist_rows[] = {
    DIST_CTLR_ROW(ctlr_v2_read),
    { .offset = 0x0004, .span = 4, .stride = 4, .quick = true, .sizes = REG_SIZE_4, .read = typer_v2_read },
    DIST_ID_ROW(0x0008, VGIC_IIDR),
    DIST_COMMON_ROWS,
    { .offset = 0x0800,
      .span = DIST_INTIDS,
      .stride = 1,
      .quick = true,
      .sizes = REG_SIZE_1 | REG_SIZE_4,
      .read = itargetsr_read,
      .write = itargetsr_write },
    DIST_ICFGR_ROW,
    { .offset = 0x0f00, .span = 4, .stride = 4, .quick = true, .sizes = REG_SIZE_4, .write = sgir_write },
    { .offset = 0x0f10,
      .span = VGIC_SGIS,
      .stride = 1,
      .sizes = REG_SIZE_1 | REG_SIZE_4,
      .read = pendsgir_read,
      .write = cpendsgir_write },
    { .offset = 0x0f20,
      .span = VGIC_SGIS,
      .stride = 1,
      .sizes = REG_SIZE_1 | REG_SIZE_4,
      .read = pendsgir_read,
      .write = spendsgir_write },
    DIST_ID_ROW(0x0fd0, 0x04), /* ICPIDR4 */
    DIST_ID_ROW(0x0fe0, 0x90), /* ICPIDR0 */
    DIST_ID_ROW(0x0fe4, 0xb4),
    DIST_ID_ROW(0x0fe8, GICD_PIDR2_V2),
    DIST_ID_ROW(0x0ff0, 0x0d), /* ICCIDR0 */
    DIST_ID_ROW(0x0ff4, 0xf0),
    DIST_ID_ROW(0x0ff8, 0x05),
    DIST_ID_ROW(0x0ffc, 0xb1),
};

const struct reg_table vgic_dist_v2_regs = { .rows = dist_rows, .count = ARRAY_LEN(dist_rows), .other = REG_RAZ_WI };
