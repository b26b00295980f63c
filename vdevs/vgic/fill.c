/* SPDX-License-Identifier: Apache-2.0 */
/* Before entry: list registers made to hold what should be seen. */
#include "vdevs/vgic/cpu.h"
#include "vdevs/vgic/lr.h"

#define GROUPS_OPEN (VGIC_VMCR_ENG0 | VGIC_VMCR_ENG1)

void vgic_links_apply(struct vgic_cpu *cpu)
{
    for (unsigned k = 0; k < cpu->vgic->link_count; k++) {
        struct virq *v = cpu->link[k];
        bool want = v->active || virq_pending(v);
        if (want != v->phys_active) {
            v->phys_active = want;
            if (want)
                gic_irq_set_active(v->pintid, true);
            else
                gic_deactivate(v->pintid);
        }
        link_watch(cpu, k);
    }
}

/* Anything but the plain case, or the first time. */
static __attribute__((noinline)) void lr_fill_any(struct vgic_cpu *cpu, struct virq *v, unsigned n, bool deliver)
    REQUIRES(cpu->lock)
{
    struct lr lr = virq_lr(v, deliver);
    uint64_t raw = gic_lr_encode(lr);
    lr_write(cpu, n, raw);
    cpu->lr_was[n] = (uint8_t)(lr.state | (lr.hw ? LR_WAS_LINKED : 0));
    if (deliver && virq_is_plain(v))
        v->word = raw;
}

/* Puts a virq into its list register, or into the free one of the highest number: the low ones are the links'. */
static inline void lr_fill(struct vgic_cpu *cpu, struct virq *v, bool deliver, uint32_t *free) REQUIRES(cpu->lock)
{
    if (v->lr < 0) {
        unsigned n = v->hw ? (unsigned)__builtin_ctz(*free) : 31u - (unsigned)__builtin_clz(*free);
        *free &= ~(uint32_t)BIT(n);
        lr_take(cpu, n, v);
    }
    unsigned n = (unsigned)v->lr;
    v->again = 0; /* what it says is in the list register */
    if (!v->word || !deliver || !virq_is_plain(v)) {
        lr_fill_any(cpu, v, n, deliver);
        return;
    }
    lr_write(cpu, n, v->word);
    cpu->lr_was[n] = LR_PENDING | (v->link ? LR_WAS_LINKED : 0);
}

static void lrs_drop(struct vgic_cpu *cpu, uint32_t drop) REQUIRES(cpu->lock)
{
    for (; drop; drop &= drop - 1)
        lr_release(cpu, (unsigned)__builtin_ctz(drop));
}

static void lrs_clear(struct vgic_cpu *cpu, uint32_t empty) REQUIRES(cpu->lock)
{
    for (; empty; empty &= empty - 1)
        lr_write(cpu, (unsigned)__builtin_ctz(empty), 0);
}

/* What of ICH_HCR_EL2 follows from what found no place. */
static uint64_t hcr_decide(const struct lr_choice *c, uint64_t vmcr)
{
    uint64_t hcr = VGIC_HCR_EN;
    if (c->active_out)
        hcr |= VGIC_HCR_LRENPIE | gic_info()->vhcr_trap_dir;
    if (c->pending_out)
        hcr |= VGIC_HCR_NPIE;
    if (c->closed_out & 1)
        hcr |= VGIC_HCR_GRP0_EIE;
    if (c->closed_out & 2)
        hcr |= VGIC_HCR_GRP1_EIE;
    /* With one group open there is nothing to choose anew when that closes, only when another opens. */
    if (c->pending_out && (vmcr & GROUPS_OPEN) == GROUPS_OPEN)
        hcr |= VGIC_HCR_GRP0_DIE | VGIC_HCR_GRP1_DIE;
    return hcr;
}

/* More than fit: the choice is lr_choose()'s. Answers ICH_HCR_EL2. */
static __attribute__((noinline)) uint64_t lrs_fill_some(struct vgic_cpu *cpu, unsigned groups) REQUIRES(cpu->lock)
{
    uint64_t vmcr = gic_vmcr_read();
    uint32_t keep = 0, used = cpu->watch & (uint32_t)WATCH_LRS;
    struct lr_choice c;
    lr_choose(&cpu->queue, cpu->vgic->lr_count, groups, (unsigned)(vmcr & GROUPS_OPEN), &c);
    for (unsigned i = 0; i < c.count; i++)
        if (c.virq[i]->lr >= 0)
            keep |= (uint32_t)BIT(c.virq[i]->lr);
    lrs_drop(cpu, used & ~keep);
    uint32_t free = ~keep & (uint32_t)(BIT(cpu->vgic->lr_count) - 1);
    for (unsigned i = 0; i < c.count; i++)
        lr_fill(cpu, c.virq[i], c.deliver >> i & 1, &free);
    lrs_clear(cpu, used & free);
    return hcr_decide(&c, vmcr);
}

/*
 * An interrupt of 1-of-N routing waits for this vCPU only as long as its CPU interface would signal it: what EL2 wants to be told of. It may run for long with
 * an interface that it has closed, or open it without an exit. Answers bits of ICH_HCR_EL2.
 */
static uint64_t open_watch(struct vgic_cpu *cpu, bool *turned) REQUIRES(cpu->lock)
{
    bool one_of_n = false;
    list_each(at, &cpu->queue) {
        const struct virq *v = container_of(at, struct virq, node);
        one_of_n |= v->any && !v->active;
    }
    if (!one_of_n && !cpu->closed)
        return 0;
    uint64_t vmcr = gic_vmcr_read(), hcr = 0;
    *turned = vgic_closed_update(cpu, vmcr);
    if (cpu->closed & VGIC_VMCR_ENG0)
        hcr |= VGIC_HCR_GRP0_EIE;
    if (cpu->closed & VGIC_VMCR_ENG1)
        hcr |= VGIC_HCR_GRP1_EIE;
    if (one_of_n && vmcr & VGIC_VMCR_ENG0 && (gic_info()->vgrp0_die || vmcr & VGIC_VMCR_ENG1))
        hcr |= VGIC_HCR_GRP0_DIE;
    if (one_of_n && vmcr & VGIC_VMCR_ENG1)
        hcr |= VGIC_HCR_GRP1_DIE;
    return hcr;
}

/* There is a list register for each that is queued. */
static void lrs_fill_all(struct vgic_cpu *cpu, unsigned groups) REQUIRES(cpu->lock)
{
    uint32_t used = cpu->watch & (uint32_t)WATCH_LRS, drop = 0;
    for (uint32_t rest = used; rest; rest &= rest - 1) {
        unsigned n = (unsigned)__builtin_ctz(rest);
        const struct virq *v = cpu->lr_virq[n];
        if (!v || !(v->active || virq_deliverable(v, groups)))
            drop |= (uint32_t)BIT(n);
    }
    lrs_drop(cpu, drop);
    uint32_t free = ~(used & ~drop) & (uint32_t)(BIT(cpu->vgic->lr_count) - 1);
    list_each(at, &cpu->queue) {
        struct virq *v = container_of(at, struct virq, node);
        bool deliver = virq_deliverable(v, groups);
        if (v->active || deliver)
            lr_fill(cpu, v, deliver, &free);
    }
    lrs_clear(cpu, drop & free);
}

static void hcr_write(struct vgic_cpu *cpu, uint64_t hcr) REQUIRES(cpu->lock)
{
    const uint64_t maintenance = VGIC_HCR_LRENPIE | VGIC_HCR_NPIE | VGIC_HCR_GRP0_EIE | VGIC_HCR_GRP1_EIE |
                                 VGIC_HCR_GRP0_DIE | VGIC_HCR_GRP1_DIE;
    if (hcr & maintenance)
        cpu->watch |= (uint32_t)WATCH_MAINTENANCE;
    if (hcr == cpu->hcr)
        return;
    cpu->hcr = hcr;
    gic_vhcr_write(hcr);
}

/* *turned: its CPU interface was found closed or opened. */
static void cpu_fill(struct vgic_cpu *cpu, uint32_t dirty, bool *turned) REQUIRES(cpu->lock)
{
    unsigned groups = cpu->asleep ? 0 : __atomic_load_n(&cpu->vgic->ctlr, __ATOMIC_RELAXED);
    uint64_t hcr = VGIC_HCR_EN;
    if (dirty & DIRTY_LINKS)
        vgic_links_apply(cpu);
    if (cpu->queued > cpu->vgic->lr_count)
        hcr = lrs_fill_some(cpu, groups);
    else
        lrs_fill_all(cpu, groups);
    if (__atomic_load_n(&cpu->vgic->one_of_n, __ATOMIC_RELAXED))
        hcr |= open_watch(cpu, turned);
    if (__atomic_load_n(&cpu->vgic->split_eoi, __ATOMIC_RELAXED))
        hcr |= gic_info()->vhcr_trap_dir;
    hcr_write(cpu, hcr);
}

/* The guest has EOIs and deactivations apart, so an SPI may be deactivated by another vCPU than took it: all of them trap ICC_DIR_EL1 from now on. */
static void split_eoi_set(struct vgic *g)
{
    __atomic_store_n(&g->split_eoi, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < g->cpu_count; i++) {
        lock_acquire(&g->cpus[i]->lock);
        vgic_cpu_touch(g->cpus[i], DIRTY_LRS);
        lock_release(&g->cpus[i]->lock);
        guest_cpu_kick(g->cpus[i]->gcp);
    }
}

/* Looked at when a vCPU gets an SPI. */
static void split_eoi_check(struct vgic *g)
{
    if (g->cpu_count > 1 && !__atomic_load_n(&g->split_eoi, __ATOMIC_RELAXED) && gic_vmcr_read() & VGIC_VMCR_EOIM)
        split_eoi_set(g);
}

/* What was sent elsewhere after the last fold, which another may not follow. */
static __attribute__((noinline)) void moved_take(struct vgic_cpu *cpu)
{
    lock_acquire(&cpu->lock);
    bool moved = cpu->moved;
    cpu->moved = false;
    lock_release(&cpu->lock);
    if (moved)
        vgic_moved_finish(cpu);
}

/*
 * Twice where it finds that the CPU interface was closed or opened: then 1-of-N interrupts go elsewhere, or come. Nothing of the guest's runs in between. But not
 * as long as another vCPU sends interrupts to and fro: what that does meanwhile is for the next flush.
 */
static __attribute__((noinline)) void cpu_flush(struct vgic_cpu *cpu)
{
    uint32_t dirty = 0;
    bool turned;
    if (__atomic_load_n(&cpu->moved, __ATOMIC_RELAXED))
        moved_take(cpu);
    do {
        lock_acquire(&cpu->lock);
        uint32_t now = cpu->dirty;
        __atomic_store_n(&cpu->dirty, 0, __ATOMIC_RELAXED);
        turned = false;
        cpu_fill(cpu, now, &turned);
        if (cpu->moved)
            vgic_cpu_touch(cpu, DIRTY_LRS);
        lock_release(&cpu->lock);
        dirty |= now;
        if (turned)
            vgic_route_any(cpu->vgic, cpu->gcp);
    } while (turned);
    if (dirty & DIRTY_SPI && cpu->vgic->version == 3) /* a GICv2's deactivations always trap */
        split_eoi_check(cpu->vgic);
}

void vgic_flush(guest_cpu *gcp)
{
    struct vgic_cpu *cpu = vintc_cpu_data(gcp);
    if (__atomic_load_n(&cpu->dirty, __ATOMIC_RELAXED))
        cpu_flush(cpu);
}

/* What vgic_sgi_again() does for an SGI of another. */
static bool again_fill(struct vgic_cpu *cpu)
{
    lock_acquire(&cpu->lock);
    struct virq *v = cpu->again;
    /* A fold meanwhile may have found it active. */
    bool plain =
        cpu->dirty == DIRTY_AGAIN && v->lr >= 0 && cpu->lr_raw[v->lr] == v->word && gic_elrsr_read() >> v->lr & 1;
    if (plain) {
        v->again = 0;
        gic_lr_write((unsigned)v->lr, v->word);
        __atomic_store_n(&cpu->dirty, 0, __ATOMIC_RELAXED);
    }
    lock_release(&cpu->lock);
    return plain;
}

void vgic_refresh(guest_cpu *gcp)
{
    struct vgic_cpu *cpu = vintc_cpu_data(gcp);
    if (__atomic_load_n(&cpu->dirty, __ATOMIC_RELAXED) == DIRTY_AGAIN && again_fill(cpu))
        return;
    gic_lr_settle(); /* vgic_sgi_again() may have filled one */
    vgic_sync(gcp);
    vgic_flush(gcp);
    vgic_flush(gcp); /* the first may have found that deactivations have to trap from now on */
}
