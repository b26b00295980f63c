/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU's list registers, as a cache of its queue: filled before entry when something changed, folded back after exit when the guest did.
 * Only the core that holds the vCPU comes here.
 */
#include "vdevs/vgic/lr.h"
#include "vdevs/vgic/vgic.h"

static void lr_write(struct vgic_cpu *cpu, unsigned n, uint64_t raw) REQUIRES(cpu->lock)
{
    if (cpu->lr_raw[n] == raw)
        return;
    cpu->lr_raw[n] = raw;
    gic_lr_write(n, raw);
}

static void lr_take(struct vgic_cpu *cpu, unsigned n, struct virq *v) REQUIRES(cpu->lock)
{
    cpu->lr_virq[n] = v;
    cpu->watch |= (uint32_t)BIT(n);
    v->lr = (int8_t)n;
}

static void lr_release(struct vgic_cpu *cpu, unsigned n) REQUIRES(cpu->lock)
{
    if (cpu->lr_virq[n])
        cpu->lr_virq[n]->lr = -1;
    cpu->lr_virq[n] = NULL;
    cpu->watch &= (uint32_t)~BIT(n);
}

/* Which link a virq is; it has hw. */
static unsigned link_of(const struct vgic_cpu *cpu, const struct virq *v)
{
    return v != cpu->link[0].virq;
}

static void link_watch(struct vgic_cpu *cpu, unsigned k) REQUIRES(cpu->lock)
{
    const struct virq *v = cpu->link[k].virq;
    if (v->phys_active && !v->active)
        cpu->watch |= (uint32_t)WATCH_LINK(k);
    else
        cpu->watch &= (uint32_t)~WATCH_LINK(k);
}

/* The physical interrupt is active exactly as long as the virtual one is pending or active: so it fires once, and again when the guest is done. */
static void links_apply(struct vgic_cpu *cpu) REQUIRES(cpu->lock)
{
    for (unsigned k = 0; k < cpu->vgic->link_count; k++) {
        struct virq *v = cpu->link[k].virq;
        bool want = v->active || virq_pending(v);
        if (cpu->links_stale)
            cpu->link[k].raw = 0;
        if (want != v->phys_active) {
            v->phys_active = want;
            if (want)
                gic_irq_set_active(v->pintid, true);
            else
                gic_deactivate(v->pintid);
        }
        link_watch(cpu, k);
    }
    cpu->links_stale = false;
}

/* What of ICH_HCR_EL2 follows from what found no place, and from how the guest ends interrupts. */
static uint64_t hcr_decide(const struct vgic *g, const struct lr_choice *c, uint64_t vmcr)
{
    uint64_t hcr = VGIC_HCR_EN, trap_dir = gic_info()->has_tds ? VGIC_HCR_TDIR : VGIC_HCR_TC;
    unsigned open = vmcr & (VGIC_VMCR_ENG0 | VGIC_VMCR_ENG1);
    if (c->active_out)
        hcr |= VGIC_HCR_LRENPIE | trap_dir;
    if (__atomic_load_n(&g->split_eoi, __ATOMIC_RELAXED))
        hcr |= trap_dir;
    if (c->pending_out)
        hcr |= VGIC_HCR_NPIE;
    if (c->closed_out & 1)
        hcr |= VGIC_HCR_GRP0_EIE;
    if (c->closed_out & 2)
        hcr |= VGIC_HCR_GRP1_EIE;
    if (c->pending_out && (open & 1))
        hcr |= VGIC_HCR_GRP0_DIE;
    if (c->pending_out && (open & 2))
        hcr |= VGIC_HCR_GRP1_DIE;
    return hcr;
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

/* An SPI of a guest that deactivates apart from EOI may be deactivated by another vCPU: from then on all of them trap ICC_DIR_EL1. */
static void split_eoi_check(struct vgic *g)
{
    if (g->cpu_count == 1 || __atomic_load_n(&g->split_eoi, __ATOMIC_RELAXED) || !(gic_vmcr_read() & VGIC_VMCR_EOIM))
        return;
    __atomic_store_n(&g->split_eoi, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < g->cpu_count; i++) {
        __atomic_store_n(&g->cpus[i]->dirty, 1, __ATOMIC_RELEASE);
        guest_cpu_kick(g->cpus[i]->gcp);
    }
}

/* Puts one chosen virq into its list register, or into the free one of the highest number: the low ones are the links'. */
static void lr_fill(struct vgic_cpu *cpu, struct virq *v, bool deliver, uint32_t *free) REQUIRES(cpu->lock)
{
    struct lr lr = virq_lr(v, deliver);
    uint64_t raw = gic_lr_encode(lr);
    if (v->lr < 0) {
        unsigned n = 31u - (unsigned)__builtin_clz(*free);
        *free &= ~(uint32_t)BIT(n);
        lr_take(cpu, n, v);
        if (v->intid >= VGIC_PRIVATE)
            split_eoi_check(cpu->vgic);
    }
    lr_write(cpu, (unsigned)v->lr, raw);
    v->again = false; /* what it says is in the list register */
    if (v->hw && lr.hw && lr.state == LR_PENDING)
        cpu->link[link_of(cpu, v)].raw = raw;
}

static void cpu_fill(struct vgic_cpu *cpu) REQUIRES(cpu->lock)
{
    unsigned lr_count = gic_info()->lr_count, open = 3;
    unsigned groups = cpu->asleep ? 0 : __atomic_load_n(&cpu->vgic->ctlr, __ATOMIC_RELAXED);
    uint64_t vmcr = 0;
    struct lr_choice c;
    links_apply(cpu);
    if (cpu->queued > lr_count) {
        vmcr = gic_vmcr_read();
        open = vmcr & (VGIC_VMCR_ENG0 | VGIC_VMCR_ENG1);
    }
    lr_choose(&cpu->queue, lr_count, groups, open, &c);
    uint32_t keep = 0, used = cpu->watch & (uint32_t)WATCH_LRS;
    for (unsigned i = 0; i < c.count; i++)
        if (c.virq[i]->lr >= 0)
            keep |= (uint32_t)BIT(c.virq[i]->lr);
    for (uint32_t drop = used & ~keep; drop; drop &= drop - 1)
        lr_release(cpu, (unsigned)__builtin_ctz(drop));
    uint32_t free = ~keep & (uint32_t)(BIT(lr_count) - 1);
    for (unsigned i = 0; i < c.count; i++)
        lr_fill(cpu, c.virq[i], c.deliver >> i & 1, &free);
    for (uint32_t empty = used & free; empty; empty &= empty - 1)
        lr_write(cpu, (unsigned)__builtin_ctz(empty), 0);
    hcr_write(cpu, hcr_decide(cpu->vgic, &c, vmcr));
}

void vgic_flush(guest_cpu *gcp)
{
    struct vgic_cpu *cpu = vintc_cpu_data(gcp);
    if (!__atomic_load_n(&cpu->dirty, __ATOMIC_RELAXED))
        return;
    lock_acquire(&cpu->lock);
    (void)__atomic_exchange_n(&cpu->dirty, 0, __ATOMIC_ACQUIRE); /* with split_eoi_check(), which has no lock of ours */
    cpu_fill(cpu);
    lock_release(&cpu->lock);
}

static void lr_fold(struct vgic_cpu *cpu, unsigned n, uint64_t raw) REQUIRES(cpu->lock)
{
    struct virq *v = cpu->lr_virq[n];
    struct lr was = gic_lr_decode(cpu->lr_raw[n]), now = gic_lr_decode(raw);
    cpu->lr_raw[n] = raw;
    if (now.state == LR_INVALID) {
        lr_release(cpu, n);
        /* An empty one that asked for maintenance keeps asking until it is rewritten. */
        if (now.eoi_maint)
            lr_write(cpu, n, 0);
        else
            cpu->lr_raw[n] = 0; /* as good as: not valid, asks for nothing */
    }
    if (!v)
        return;
    virq_fold(v, was.state, now.state);
    if (now.state == LR_INVALID && was.hw)
        v->phys_active = false; /* the guest's deactivation went through */
    if (v->moving && !v->active)
        cpu->moved = true;
    bool unlinked = v->phys_active && !v->active && !virq_pending(v);
    if ((virq_update(v) && v->lr < 0) || unlinked)
        vgic_cpu_touch(cpu);
}

/* EOIs that found no list register were of the active virqs that have none, highest priority first: nothing else can be the running priority. */
static void eois_replay(struct vgic_cpu *cpu, unsigned count) REQUIRES(cpu->lock)
{
    list_each_safe(at, &cpu->queue) {
        struct virq *v = container_of(at, struct virq, node);
        if (!count)
            return;
        if (!v->active || v->lr >= 0)
            continue;
        count--;
        cpu->moved |= v->moving;
        if (virq_set_active(v, false))
            vgic_cpu_touch(cpu);
    }
}

static void maintenance_fold(struct vgic_cpu *cpu) REQUIRES(cpu->lock)
{
    unsigned eois = (unsigned)field_get(VGIC_HCR_EOICOUNT, gic_vhcr_read());
    if (eois && !(gic_vmcr_read() & VGIC_VMCR_EOIM))
        eois_replay(cpu, eois);
    cpu->watch &= (uint32_t)~WATCH_MAINTENANCE;
    cpu->hcr = VGIC_HCR_EN; /* asks for nothing until the next entry; the count is 0 again */
    gic_vhcr_write(cpu->hcr);
    vgic_cpu_touch(cpu);
}

/* Lines that fell before the guest acknowledged them take their virtual interrupt along, as they would on the machine. */
static void links_sample(struct vgic_cpu *cpu) REQUIRES(cpu->lock)
{
    for (unsigned k = 0; k < cpu->vgic->link_count; k++) {
        struct virq *v = cpu->link[k].virq;
        if (cpu->watch & WATCH_LINK(k) && !v->active && v->phys_active && !cpu->vgic->link[k].asserted()) {
            v->sources = 0;
            if (!virq_update(v) || !virq_pending(v))
                vgic_cpu_touch(cpu);
        }
        link_watch(cpu, k);
    }
}

static void moved_finish(struct vgic_cpu *cpu)
{
    struct vgic *g = cpu->vgic;
    for (unsigned i = 0; i < VGIC_SPIS; i++)
        if (__atomic_load_n(&g->spi[i].home, __ATOMIC_RELAXED) == cpu && g->spi[i].moving)
            vgic_route_update(g, &g->spi[i], cpu->gcp);
}

void vgic_cpu_fold(struct vgic_cpu *cpu)
{
    lock_acquire(&cpu->lock);
    for (uint32_t used = cpu->watch & (uint32_t)WATCH_LRS; used; used &= used - 1) {
        unsigned n = (unsigned)__builtin_ctz(used);
        uint64_t raw = gic_lr_read(n);
        if (raw != cpu->lr_raw[n])
            lr_fold(cpu, n, raw);
    }
    if (cpu->watch & WATCH_MAINTENANCE)
        maintenance_fold(cpu);
    if (cpu->watch & WATCH_LINKS)
        links_sample(cpu);
    bool moved = cpu->moved;
    cpu->moved = false;
    lock_release(&cpu->lock);
    if (moved)
        moved_finish(cpu);
}

void vgic_sync(guest_cpu *gcp)
{
    struct vgic_cpu *cpu = vintc_cpu_data(gcp);
    if (cpu->watch)
        vgic_cpu_fold(cpu);
}

bool vgic_hw_fired(guest_cpu *gcp, uint32_t intid)
{
    struct vgic_cpu *cpu = vintc_cpu_data(gcp);
    unsigned k = intid != cpu->vgic->link[0].pintid;
    if (k && intid != cpu->vgic->link[1].pintid)
        return false;
    struct vgic_link *link = &cpu->link[k];
    struct virq *v = link->virq;
    lock_acquire(&cpu->lock);
    v->sources = 1;
    v->phys_active = cpu->core;
    /* The common case: nothing else is going on, and it was delivered before: straight into its own list register. */
    bool direct = link->raw && !cpu->dirty && !cpu->queued && !(cpu->watch & BIT(k));
    if (direct) {
        list_append(&cpu->queue, &v->node);
        cpu->queued = 1;
        lr_take(cpu, k, v);
        lr_write(cpu, k, link->raw);
        cpu->watch |= (uint32_t)WATCH_LINK(k);
    } else {
        virq_queue(v);
        vgic_cpu_touch(cpu);
    }
    lock_release(&cpu->lock);
    return direct;
}

bool vgic_wakes(guest_cpu *gcp)
{
    struct vgic_cpu *cpu = vintc_cpu_data(gcp);
    bool wakes = false;
    if (cpu->core == gic_core_key())
        cpu->vmcr = gic_vmcr_read();
    uint64_t vmcr = cpu->vmcr;
    unsigned groups =
        __atomic_load_n(&cpu->vgic->ctlr, __ATOMIC_RELAXED) & (unsigned)(vmcr & (VGIC_VMCR_ENG0 | VGIC_VMCR_ENG1));
    lock_acquire(&cpu->lock);
    list_each(at, &cpu->queue) {
        const struct virq *v = container_of(at, struct virq, node);
        if (wakes || cpu->asleep || v->priority >= field_get(VGIC_VMCR_PMR, vmcr))
            break;
        wakes = !v->active && virq_deliverable(v, groups);
    }
    lock_release(&cpu->lock);
    return wakes;
}

void vgic_load(guest_cpu *gcp)
{
    struct vgic_cpu *cpu = vintc_cpu_data(gcp);
    lock_acquire(&cpu->lock);
    cpu->core = gic_core_key();
    cpu->hcr = VGIC_HCR_EN; /* gic_vcpu_load() */
    for (unsigned k = 0; k < cpu->vgic->link_count; k++) {
        struct virq *v = cpu->link[k].virq;
        /* Its line is known again. If it is high, the physical interrupt is made active before it can fire. */
        v->sources = !v->active && cpu->vgic->link[k].asserted();
        virq_queue(v);
    }
    vgic_cpu_touch(cpu);
    lock_release(&cpu->lock);
}

void vgic_put(guest_cpu *gcp)
{
    struct vgic_cpu *cpu = vintc_cpu_data(gcp);
    vgic_sync(gcp);
    cpu->vmcr = gic_vmcr_read();
    lock_acquire(&cpu->lock);
    for (uint32_t used = cpu->watch & (uint32_t)WATCH_LRS; used; used &= used - 1) {
        unsigned n = (unsigned)__builtin_ctz(used);
        lr_release(cpu, n);
        lr_write(cpu, n, 0);
    }
    for (unsigned k = 0; k < cpu->vgic->link_count; k++) {
        struct virq *v = cpu->link[k].virq;
        cpu->link[k].raw = 0;
        if (v->phys_active)
            gic_deactivate(v->pintid); /* the next vCPU's timer may fire here */
        v->phys_active = false;
    }
    cpu->watch = 0;
    cpu->core = NULL;
    vgic_cpu_touch(cpu);
    lock_release(&cpu->lock);
}
