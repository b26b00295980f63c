/* SPDX-License-Identifier: Apache-2.0 */
/* A vCPU comes to a core, leaves it, sleeps; its timers fire. */
#include "vdevs/vgic/cpu.h"

static void link_fired(struct vgic_cpu *cpu, struct virq *v)
{
    if (cpu->watch)
        vgic_cpu_fold(cpu); /* that its last delivery has ended must be known before this one */
    lock_acquire(&cpu->lock);
    v->sources = 1;
    v->phys_active = cpu->core;
    virq_queue(v);
    vgic_cpu_touch(cpu, DIRTY_LRS | DIRTY_LINKS);
    lock_release(&cpu->lock);
}

bool vgic_hw_fired(guest_cpu *gcp, uint32_t intid)
{
    struct vgic_cpu *cpu = vintc_cpu_data(gcp);
    struct virq *v = cpu->link[intid != GIC_PPI_VTIMER];
    /*
     * The common case: as far as is known it is still pending, by its line, in a list register, and that it fired again says that the guest is done with it. So all
     * that is known becomes true again by the same word. No lock: nothing is changed, and who changes something makes it dirty.
     */
    int lr = v ? __atomic_load_n(&v->lr, __ATOMIC_RELAXED) : -1; /* once: a reset may take it away */
    uint64_t raw = lr >= 0 ? cpu->lr_raw[lr] : 0;
    if (lr >= 0 && raw == v->word && !v->latch && !__atomic_load_n(&cpu->dirty, __ATOMIC_RELAXED)) {
        gic_lr_write((unsigned)lr, raw);
        return true;
    }
    if (v && v->pintid == intid)
        link_fired(cpu, v);
    return false;
}

/* It may have opened or closed its CPU interface since its last entry, and sleep now. */
static void vmcr_look(struct vgic_cpu *cpu)
{
    cpu->vmcr = gic_vmcr_read();
    if (!__atomic_load_n(&cpu->vgic->one_of_n, __ATOMIC_RELAXED))
        return;
    lock_acquire(&cpu->lock);
    bool turned = vgic_closed_update(cpu, cpu->vmcr);
    if (turned)
        vgic_cpu_touch(cpu, DIRTY_LRS);
    lock_release(&cpu->lock);
    if (turned)
        vgic_route_any(cpu->vgic, cpu->gcp);
}

/* Powered down, the interface has no say: what the redistributor or distributor would forward to it asks for power (GICR_WAKER: WakeRequest). */
bool vgic_wakes(guest_cpu *gcp, bool powered_down)
{
    struct vgic_cpu *cpu = vintc_cpu_data(gcp);
    bool wakes = false;
    if (cpu->core == gic_core_key())
        vmcr_look(cpu);
    uint64_t vmcr = cpu->vmcr;
    unsigned groups = __atomic_load_n(&cpu->vgic->ctlr, __ATOMIC_RELAXED) & (VGIC_VMCR_ENG0 | VGIC_VMCR_ENG1);
    if (!powered_down)
        groups &= (unsigned)vmcr;
    lock_acquire(&cpu->lock);
    /* It may sleep in the hardware, without a flush: what is active there would not fire. */
    if (cpu->core == gic_core_key() && cpu->dirty & DIRTY_LINKS)
        vgic_links_apply(cpu);
    wakes = cpu->moved; /* its flush sees to that */
    list_each(at, &cpu->queue) {
        const struct virq *v = container_of(at, struct virq, node);
        bool closed = cpu->asleep || v->priority >= field_get(VGIC_VMCR_PMR, vmcr);
        if (wakes || (closed && !powered_down))
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
    cpu->hcr = VGIC_HCR_EN;                   /* gic_vcpu_load() */
    (void)vgic_closed_update(cpu, cpu->vmcr); /* who put it has told */
    for (unsigned k = 0; k < cpu->vgic->link_count; k++) {
        struct virq *v = cpu->link[k];
        /* Its line is known again. If it is high, the physical interrupt is made active before it can fire. */
        v->sources = !v->active && cpu->vgic->link[k].asserted();
        virq_queue(v);
    }
    vgic_cpu_touch(cpu, DIRTY_ALL);
    lock_release(&cpu->lock);
}

void vgic_off(guest_cpu *gcp)
{
    struct vgic_cpu *cpu = vintc_cpu_data(gcp);
    lock_acquire(&cpu->lock);
    cpu->vmcr = 0;
    lock_release(&cpu->lock);
    vgic_route_any(cpu->vgic, gcp);
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
        struct virq *v = cpu->link[k];
        if (v->phys_active)
            gic_deactivate(v->pintid); /* the next vCPU's timer may fire here */
        v->phys_active = false;
    }
    cpu->watch = 0;
    cpu->core = NULL;
    bool turned = vgic_closed_update(cpu, cpu->vmcr), moved = cpu->moved;
    cpu->moved = false;
    vgic_cpu_touch(cpu, DIRTY_ALL);
    lock_release(&cpu->lock);
    if (turned)
        vgic_route_any(cpu->vgic, gcp);
    if (moved)
        vgic_moved_finish(cpu);
}
