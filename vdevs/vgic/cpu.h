/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A vCPU's list registers as a cache of its queue: filled before entry when something changed (fill.c), folded back after an exit when the guest did
 * something (fold.c). Only the core that holds the vCPU comes here.
 */
#include "vdevs/vgic/vgic.h"

static inline void lr_write(struct vgic_cpu *cpu, unsigned n, uint64_t raw) REQUIRES(cpu->lock)
{
    if (cpu->lr_raw[n] == raw)
        return;
    cpu->lr_raw[n] = raw;
    gic_lr_write(n, raw);
}

static inline void lr_take(struct vgic_cpu *cpu, unsigned n, struct virq *v) REQUIRES(cpu->lock)
{
    cpu->lr_virq[n] = v;
    cpu->watch |= (uint32_t)BIT(n);
    v->lr = (int8_t)n;
}

/* What is in it is nobody's from now on. */
static inline void lr_release(struct vgic_cpu *cpu, unsigned n) REQUIRES(cpu->lock)
{
    if (cpu->lr_virq[n])
        cpu->lr_virq[n]->lr = -1;
    cpu->lr_virq[n] = NULL;
    cpu->watch &= (uint32_t)~BIT(n);
}

/* Those that have to leave this vCPU and are not active here go now: its list registers are known. No lock held. */
void vgic_moved_finish(struct vgic_cpu *cpu);

/* The physical interrupt is active exactly as long as the virtual one is pending or active: so it fires once, and again when the guest is done. */
void vgic_links_apply(struct vgic_cpu *cpu) REQUIRES(cpu->lock);

static inline void link_watch(struct vgic_cpu *cpu, unsigned k) REQUIRES(cpu->lock)
{
    const struct virq *v = cpu->link[k];
    if (v->phys_active && !v->active)
        cpu->watch |= (uint32_t)WATCH_LINK(k);
    else
        cpu->watch &= (uint32_t)~WATCH_LINK(k);
}
