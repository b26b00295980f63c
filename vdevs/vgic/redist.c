/* SPDX-License-Identifier: Apache-2.0 */
/* A vCPU's redistributor (IHI 0069 12.11, 12.12): its RD frame, then its SGI frame. One region a vCPU, its index is the region's cookie. No LPIs. */
#include "vdevs/vgic/vgic.h"

#define GICR_WAKER_PROCESSOR_SLEEP BIT(1)
#define GICR_WAKER_CHILDREN_ASLEEP BIT(2)
#define GICR_TYPER_LAST BIT(4)
#define GICR_TYPER_PROCESSOR_NUMBER FIELD(23, 8)
#define SGI_FRAME 0x10000

static struct vgic_cpu *cpu_of(const struct reg_access *a)
{
    return vgic_of(a)->cpus[a->cookie];
}

static uint64_t typer_read(const struct reg_access *a)
{
    const struct vgic_cpu *cpu = cpu_of(a);
    uint64_t value = field_get(FIELD(39, 32), cpu->affinity) << 56 | (cpu->affinity & FIELD(23, 0)) << 32;
    value |= field_make(GICR_TYPER_PROCESSOR_NUMBER, cpu->index);
    if (cpu->index + 1 == cpu->vgic->cpu_count)
        value |= GICR_TYPER_LAST;
    return value >> 8 * (a->offset & 4);
}

/* A vCPU's interface to its redistributor is always quiet when EL2 looks: ChildrenAsleep follows ProcessorSleep at once. */
static uint64_t waker_read(const struct reg_access *a)
{
    return cpu_of(a)->asleep ? GICR_WAKER_PROCESSOR_SLEEP | GICR_WAKER_CHILDREN_ASLEEP : 0;
}

static __running void waker_write(const struct reg_access *a, uint64_t value)
{
    struct vgic_cpu *cpu = cpu_of(a);
    bool asleep = value & GICR_WAKER_PROCESSOR_SLEEP, pause = asleep && cpu->gcp != a->gcp;
    if (pause)
        guest_cpu_pause(cpu->gcp);
    lock_acquire(&cpu->lock);
    bool changed = cpu->asleep != asleep;
    cpu->asleep = asleep;
    vgic_cpu_touch(cpu, DIRTY_LRS);
    lock_release(&cpu->lock);
    if (pause)
        guest_cpu_resume(cpu->gcp);
    else if (cpu->gcp != a->gcp)
        guest_cpu_kick(cpu->gcp);
    if (changed)
        vgic_route_any(cpu->vgic, a->gcp);
}

#define WORD_FUNCTIONS(name, word) \
    static __running uint64_t name##_read(const struct reg_access *a) \
    { \
        return virq_word_read(cpu_of(a)->banked, word, a->gcp); \
    } \
    static __running void name##_write(const struct reg_access *a, uint64_t value) \
    { \
        virq_word_write(cpu_of(a)->banked, word, (uint32_t)value, a->gcp); \
    }
WORD_FUNCTIONS(igroupr0, WORD_GROUP)
WORD_FUNCTIONS(isenabler0, WORD_SENABLE)
WORD_FUNCTIONS(icenabler0, WORD_CENABLE)
WORD_FUNCTIONS(ispendr0, WORD_SPEND)
WORD_FUNCTIONS(icpendr0, WORD_CPEND)
WORD_FUNCTIONS(isactiver0, WORD_SACTIVE)
WORD_FUNCTIONS(icactiver0, WORD_CACTIVE)

static uint64_t ipriorityr_read(const struct reg_access *a)
{
    return virq_priority_read(&cpu_of(a)->banked[a->index], a->size);
}

static void ipriorityr_write(const struct reg_access *a, uint64_t value)
{
    virq_priority_write(&cpu_of(a)->banked[a->index], a->size, value, vgic_of(a)->priority_mask, a->gcp);
}

/* GICR_ICFGR0, of the SGIs, is read-only: they are edge-triggered. */
static uint64_t icfgr_read(const struct reg_access *a)
{
    return virq_config_read(&cpu_of(a)->banked[a->index * 16]);
}

static __running void icfgr_write(const struct reg_access *a, uint64_t value)
{
    if (a->index)
        virq_config_write(&cpu_of(a)->banked[16], (uint32_t)value, a->gcp);
}

#define WORD_ROW(at, name, is_quick) \
    { \
        .offset = SGI_FRAME + at, .span = 4, .stride = 4, .quick = is_quick, .sizes = REG_SIZE_4, .read = name##_read, \
        .write = name##_write \
    }
#define ID_ROW(at, v) \
    { \
        .offset = at, .span = 4, .stride = 4, .sizes = REG_SIZE_4, .value = v \
    }

static const struct reg redist_rows[] = {
    ID_ROW(0x0000, 0), /* GICR_CTLR: no LPIs to enable, nothing ever in progress */
    ID_ROW(0x0004, VGIC_IIDR),
    { .offset = 0x0008, .span = 8, .stride = 8, .sizes = REG_SIZE_4 | REG_SIZE_8, .read = typer_read },
    { .offset = 0x0014, .span = 4, .stride = 4, .sizes = REG_SIZE_4, .read = waker_read, .write = waker_write },
    ID_ROW(0xffd0, 0x44), /* GICR_PIDR4 */
    ID_ROW(0xffe0, 0x93), /* GICR_PIDR0 */
    ID_ROW(0xffe4, 0xb4),
    ID_ROW(0xffe8, VGIC_PIDR2),
    ID_ROW(0xfff0, 0x0d), /* GICR_CIDR0 */
    ID_ROW(0xfff4, 0xf0),
    ID_ROW(0xfff8, 0x05),
    ID_ROW(0xfffc, 0xb1),
    WORD_ROW(0x0080, igroupr0, true),
    WORD_ROW(0x0100, isenabler0, true),
    WORD_ROW(0x0180, icenabler0, false),
    WORD_ROW(0x0200, ispendr0, false),
    WORD_ROW(0x0280, icpendr0, false),
    WORD_ROW(0x0300, isactiver0, false),
    WORD_ROW(0x0380, icactiver0, false),
    { .offset = SGI_FRAME + 0x0400,
      .span = VGIC_PRIVATE,
      .stride = 1,
      .quick = true,
      .sizes = REG_SIZE_1 | REG_SIZE_4,
      .read = ipriorityr_read,
      .write = ipriorityr_write },
    { .offset = SGI_FRAME + 0x0c00,
      .span = 8,
      .stride = 4,
      .sizes = REG_SIZE_4,
      .read = icfgr_read,
      .write = icfgr_write },
};

const struct reg_table vgic_redist_regs = { .rows = redist_rows, .count = ARRAY_LEN(redist_rows), .other = REG_RAZ_WI };
