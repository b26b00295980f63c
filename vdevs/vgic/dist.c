/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The distributor (IHI 0069 12.9), with one security state and affinity routing always on: GICD_CTLR.DS and .ARE are RAO/WI, what belongs to the
 * legacy view (GICD_ITARGETSR, GICD_SGIR, banked registers) or to another security state is RES0.
 */
#include "vdevs/vgic/vgic.h"

#define GICD_CTLR_ENABLES (CTLR_ENABLE_GRP0 | CTLR_ENABLE_GRP1)
#define GICD_CTLR_ARE BIT(4)
#define GICD_CTLR_DS BIT(6)
/* ITLinesNumber; IDbits: 10 bits of INTID; A3V. No LPIs, MBIs, extended SPIs; CPUNumber is 0 without the legacy view. */
#define GICD_TYPER_VALUE (VGIC_SPIS / 32 | UINT64_C(9) << 19 | BIT(24))

static uint64_t ctlr_read(const struct reg_access *a)
{
    return __atomic_load_n(&vgic_of(a)->ctlr, __ATOMIC_RELAXED) | GICD_CTLR_ARE | GICD_CTLR_DS;
}

/* When a group goes off, no vCPU takes an interrupt of it after the write (GICD_CTLR.RWP reads as 0): who runs is brought out. */
static __running void ctlr_apply(struct vgic_cpu *cpu, bool off, guest_cpu *self)
{
    bool pause = off && cpu->gcp != self;
    if (pause)
        guest_cpu_pause(cpu->gcp);
    lock_acquire(&cpu->lock);
    vgic_cpu_touch(cpu, DIRTY_LRS);
    lock_release(&cpu->lock);
    if (pause)
        guest_cpu_resume(cpu->gcp);
    else if (cpu->gcp != self)
        guest_cpu_kick(cpu->gcp);
}

static __running void ctlr_write(const struct reg_access *a, uint64_t value)
{
    struct vgic *g = vgic_of(a);
    uint32_t new = (uint32_t)(value & GICD_CTLR_ENABLES);
    uint32_t old = __atomic_exchange_n(&g->ctlr, new, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < g->cpu_count && new != old; i++)
        ctlr_apply(g->cpus[i], old & ~new, a->gcp);
}

/* Registers of a bit an interrupt: index 0 holds SGIs and PPIs, which are in GICR; RES0 here. */
static __running uint64_t word_read(const struct reg_access *a, enum virq_word word)
{
    return a->index ? virq_word_read(&vgic_of(a)->spi[(a->index - 1) * 32], word, a->gcp) : 0;
}

static __running void word_write(const struct reg_access *a, enum virq_word word, uint64_t value)
{
    if (a->index)
        virq_word_write(&vgic_of(a)->spi[(a->index - 1) * 32], word, (uint32_t)value, a->gcp);
}

#define WORD_FUNCTIONS(name, word) \
    static __running uint64_t name##_read(const struct reg_access *a) \
    { \
        return word_read(a, word); \
    } \
    static __running void name##_write(const struct reg_access *a, uint64_t value) \
    { \
        word_write(a, word, value); \
    }
WORD_FUNCTIONS(igroupr, WORD_GROUP)
WORD_FUNCTIONS(isenabler, WORD_SENABLE)
WORD_FUNCTIONS(icenabler, WORD_CENABLE)
WORD_FUNCTIONS(ispendr, WORD_SPEND)
WORD_FUNCTIONS(icpendr, WORD_CPEND)
WORD_FUNCTIONS(isactiver, WORD_SACTIVE)
WORD_FUNCTIONS(icactiver, WORD_CACTIVE)

static uint64_t ipriorityr_read(const struct reg_access *a)
{
    return a->index < VGIC_PRIVATE ? 0 : virq_priority_read(&vgic_of(a)->spi[a->index - VGIC_PRIVATE], a->size);
}

static void ipriorityr_write(const struct reg_access *a, uint64_t value)
{
    struct vgic *g = vgic_of(a);
    if (a->index >= VGIC_PRIVATE)
        virq_priority_write(&g->spi[a->index - VGIC_PRIVATE], a->size, value, g->priority_mask, a->gcp);
}

static uint64_t icfgr_read(const struct reg_access *a)
{
    return a->index < 2 ? 0 : virq_config_read(&vgic_of(a)->spi[(a->index - 2) * 16]);
}

static void icfgr_write(const struct reg_access *a, uint64_t value)
{
    if (a->index >= 2)
        virq_config_write(&vgic_of(a)->spi[(a->index - 2) * 16], (uint32_t)value, a->gcp);
}

/* 64 bits, either half of which can be accessed alone. */
static uint64_t irouter_read(const struct reg_access *a)
{
    uint64_t route = __atomic_load_n(&vgic_of(a)->spi[a->index].route, __ATOMIC_RELAXED);
    return route >> 8 * (a->offset & 4);
}

static __running void irouter_write(const struct reg_access *a, uint64_t value)
{
    struct vgic *g = vgic_of(a);
    struct virq *v = &g->spi[a->index];
    uint64_t half = a->offset & 4 ? FIELD(63, 32) : FIELD(31, 0), old = __atomic_load_n(&v->route, __ATOMIC_RELAXED);
    vgic_route_set(g, v, a->size == 8 ? value : field_set(half, old, value), a->gcp);
}

/* Arrays of a bit an interrupt end where this distributor's interrupts do; what is behind is RES0, as is the whole of what has no row. */
#define BITS_SPAN ((VGIC_SPIS + VGIC_PRIVATE) / 8)
#define WORD_ROW(at, name, is_quick) \
    { \
        .offset = at, .span = BITS_SPAN, .stride = 4, .quick = is_quick, .sizes = REG_SIZE_4, .read = name##_read, \
        .write = name##_write \
    }
#define ID_ROW(at, v) \
    { \
        .offset = at, .span = 4, .stride = 4, .sizes = REG_SIZE_4, .value = v \
    }

static const struct reg dist_rows[] = {
    { .offset = 0x0000, .span = 4, .stride = 4, .sizes = REG_SIZE_4, .read = ctlr_read, .write = ctlr_write },
    ID_ROW(0x0004, GICD_TYPER_VALUE),
    ID_ROW(0x0008, VGIC_IIDR),
    WORD_ROW(0x0080, igroupr, true),
    WORD_ROW(0x0100, isenabler, true),
    WORD_ROW(0x0180, icenabler, false),
    WORD_ROW(0x0200, ispendr, false),
    WORD_ROW(0x0280, icpendr, false),
    WORD_ROW(0x0300, isactiver, false),
    WORD_ROW(0x0380, icactiver, false),
    { .offset = 0x0400,
      .span = VGIC_SPIS + VGIC_PRIVATE,
      .stride = 1,
      .quick = true,
      .sizes = REG_SIZE_1 | REG_SIZE_4,
      .read = ipriorityr_read,
      .write = ipriorityr_write },
    { .offset = 0x0c00,
      .span = (VGIC_SPIS + VGIC_PRIVATE) / 4,
      .stride = 4,
      .sizes = REG_SIZE_4,
      .read = icfgr_read,
      .write = icfgr_write },
    { .offset = 0x6000 + 8 * VGIC_PRIVATE,
      .span = 8 * VGIC_SPIS,
      .stride = 8,
      .sizes = REG_SIZE_4 | REG_SIZE_8,
      .read = irouter_read,
      .write = irouter_write },
    ID_ROW(0xffd0, 0x44), /* GICD_PIDR4 */
    ID_ROW(0xffe0, 0x92), /* GICD_PIDR0 */
    ID_ROW(0xffe4, 0xb4),
    ID_ROW(0xffe8, VGIC_PIDR2),
    ID_ROW(0xfff0, 0x0d), /* GICD_CIDR0 */
    ID_ROW(0xfff4, 0xf0),
    ID_ROW(0xfff8, 0x05),
    ID_ROW(0xfffc, 0xb1),
};

const struct reg_table vgic_dist_regs = { .rows = dist_rows, .count = ARRAY_LEN(dist_rows), .other = REG_RAZ_WI };
