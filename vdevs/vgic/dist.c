/* SPDX-License-Identifier: Apache-2.0 */
#include "vdevs/vgic/dist.h"

#define GICD_CTLR_ENABLES (CTLR_ENABLE_GRP0 | CTLR_ENABLE_GRP1)

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

void dist_ctlr_write(const struct reg_access *a, uint64_t value)
{
    struct vgic *g = vgic_of(a);
    uint32_t new = (uint32_t)(value & GICD_CTLR_ENABLES);
    uint32_t old = __atomic_exchange_n(&g->ctlr, new, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < g->cpu_count && new != old; i++)
        ctlr_apply(g->cpus[i], old & ~new, a->gcp);
}

/* The virqs from `intid` on as the accessing vCPU sees them here; NULL: it is RES0. */
static struct virq *virqs_at(const struct reg_access *a, uint32_t intid)
{
    struct vgic *g = vgic_of(a);
    if (intid >= VGIC_PRIVATE)
        return &g->spi[intid - VGIC_PRIVATE];
    return g->version == 2 ? vgic_virq(vintc_cpu_data(a->gcp), intid) : NULL;
}

/* The bits of a first word that cannot be written: a GICv2's SGIs are always enabled, and made pending by GICD_SPENDSGIR. */
static uint32_t fixed_bits(const struct reg_access *a, enum virq_word word)
{
    bool fixed = word == WORD_SENABLE || word == WORD_CENABLE || word == WORD_SPEND || word == WORD_CPEND;
    return fixed && !a->index ? (uint32_t)(BIT(VGIC_SGIS) - 1) : 0;
}

/* Registers of a bit an interrupt. */
static __running uint64_t word_read(const struct reg_access *a, enum virq_word word)
{
    struct virq *first = virqs_at(a, a->index * 32);
    return first ? virq_word_read(first, word, a->gcp) : 0;
}

static __running void word_write(const struct reg_access *a, enum virq_word word, uint64_t value)
{
    struct virq *first = virqs_at(a, a->index * 32);
    if (first)
        virq_word_write(first, word, (uint32_t)value & ~fixed_bits(a, word), a->gcp);
}

#define WORD_FUNCTIONS(name, word) \
    uint64_t dist_##name##_read(const struct reg_access *a) \
    { \
        return word_read(a, word); \
    } \
    void dist_##name##_write(const struct reg_access *a, uint64_t value) \
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

uint64_t dist_ipriorityr_read(const struct reg_access *a)
{
    const struct virq *first = virqs_at(a, a->index);
    return first ? virq_priority_read(first, a->size) : 0;
}

void dist_ipriorityr_write(const struct reg_access *a, uint64_t value)
{
    struct virq *first = virqs_at(a, a->index);
    if (first)
        virq_priority_write(first, a->size, value, vgic_of(a)->priority_mask, a->gcp);
}

uint64_t dist_icfgr_read(const struct reg_access *a)
{
    const struct virq *first = virqs_at(a, a->index * 16);
    return first ? virq_config_read(first) : 0;
}

/* The first register, of the SGIs, is read-only: they are edge-triggered. */
void dist_icfgr_write(const struct reg_access *a, uint64_t value)
{
    struct virq *first = virqs_at(a, a->index * 16);
    if (first && a->index)
        virq_config_write(first, (uint32_t)value, a->gcp);
}
