/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv3's distributor (IHI 0069 12.9), with one security state and affinity routing always on: GICD_CTLR.DS and .ARE are RAO/WI, what belongs to the
 * legacy view (GICD_ITARGETSR, GICD_SGIR, banked registers) or to another security state is RES0.
 */
#include "vdevs/vgic/dist.h"

#define GICD_CTLR_ARE BIT(4)
#define GICD_CTLR_DS BIT(6)
/* ITLinesNumber; IDbits: 10 bits of INTID; A3V. No LPIs, MBIs, extended SPIs; CPUNumber is 0 without the legacy view. */
#define GICD_TYPER_VALUE (VGIC_SPIS / 32 | UINT64_C(9) << 19 | BIT(24))

static uint64_t ctlr_v3_read(const struct reg_access *a)
{
    return __atomic_load_n(&vgic_of(a)->ctlr, __ATOMIC_RELAXED) | GICD_CTLR_ARE | GICD_CTLR_DS;
}

/* 64 bits, either half of which can be accessed alone. */
static uint64_t irouter_read(const struct reg_access *a)
{
    uint64_t route = __atomic_load_n(&vgic_of(a)->spi[a->index].route, __ATOMIC_RELAXED);
    return route >> 8 * (a->offset & 4);
}

static void irouter_write(const struct reg_access *a, uint64_t value)
{
    struct vgic *g = vgic_of(a);
    struct virq *v = &g->spi[a->index];
    uint64_t half = a->offset & 4 ? FIELD(63, 32) : FIELD(31, 0), old = __atomic_load_n(&v->route, __ATOMIC_RELAXED);
    uint64_t route = a->size == 8 ? value : field_set(half, old, value);
    vgic_route_set(g, v, route & (IROUTER_IRM | IROUTER_AFFINITY), a->gcp);
}

static const struct reg dist_rows[] = {
    DIST_CTLR_ROW(ctlr_v3_read),
    DIST_ID_ROW(0x0004, GICD_TYPER_VALUE),
    DIST_ID_ROW(0x0008, VGIC_IIDR),
    DIST_COMMON_ROWS,
    DIST_ICFGR_ROW,
    { .offset = 0x6000 + 8 * VGIC_PRIVATE,
      .span = 8 * VGIC_SPIS,
      .stride = 8,
      .quick = true,
      .sizes = REG_SIZE_4 | REG_SIZE_8,
      .read = irouter_read,
      .write = irouter_write },
    DIST_ID_ROW(0xffd0, 0x44), /* GICD_PIDR4 */
    DIST_ID_ROW(0xffe0, 0x92), /* GICD_PIDR0 */
    DIST_ID_ROW(0xffe4, 0xb4),
    DIST_ID_ROW(0xffe8, VGIC_PIDR2),
    DIST_ID_ROW(0xfff0, 0x0d), /* GICD_CIDR0 */
    DIST_ID_ROW(0xfff4, 0xf0),
    DIST_ID_ROW(0xfff8, 0x05),
    DIST_ID_ROW(0xfffc, 0xb1),
};

const struct reg_table vgic_dist_v3_regs = { .rows = dist_rows, .count = ARRAY_LEN(dist_rows), .other = REG_RAZ_WI };
