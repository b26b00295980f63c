/* SPDX-License-Identifier: Apache-2.0 */
/* After an exit: what the guest did with its list registers is in the virqs again. */
#include "vdevs/vgic/cpu.h"

/* Has it to leave this home when it is not active any more? */
static bool leaves(const struct vgic_cpu *cpu, const struct virq *v)
{
    return v->moving || (v->any && cpu->closed);
}

/* `was`: what the list register was written with, as lr_was[]. */
static void virq_take_back(struct vgic_cpu *cpu, struct virq *v, unsigned was, unsigned now) REQUIRES(cpu->lock)
{
    virq_fold(v, was & LR_PENDING_ACTIVE, now);
    if (v->hw && now == LR_INVALID) {
        if (was & LR_WAS_LINKED)
            v->phys_active = false; /* the guest's deactivation went through */
        else
            vgic_cpu_touch(cpu, DIRTY_LINKS);
    }
    cpu->moved |= !v->active && leaves(cpu, v);
    cpu->done |= v->done;
    virq_queue(v);
    if (!list_empty(&v->node) && v->lr < 0)
        vgic_cpu_touch(cpu, DIRTY_LRS);
}

static void lr_emptied(struct vgic_cpu *cpu, unsigned n) REQUIRES(cpu->lock)
{
    struct virq *v = cpu->lr_virq[n];
    cpu->lr_raw[n] = 0; /* as good as zero: not valid, asks for nothing */
    lr_release(cpu, n);
    if (v)
        virq_take_back(cpu, v, cpu->lr_was[n], LR_INVALID);
}

/* One that is valid still, or that is empty and asks for maintenance. */
static void lr_fold(struct vgic_cpu *cpu, unsigned n) REQUIRES(cpu->lock)
{
    uint64_t raw = gic_lr_read(n);
    if (raw == cpu->lr_raw[n])
        return;
    struct lr now = gic_lr_decode(raw);
    if (now.state == LR_INVALID) {
        gic_lr_write(n, 0); /* it would go on asking */
        lr_emptied(cpu, n);
        return;
    }
    unsigned was = cpu->lr_was[n];
    cpu->lr_raw[n] = raw;
    cpu->lr_was[n] = (uint8_t)((was & LR_WAS_LINKED) | now.state);
    if (cpu->lr_virq[n])
        virq_take_back(cpu, cpu->lr_virq[n], was, now.state);
}

static void lrs_fold(struct vgic_cpu *cpu, uint32_t used) REQUIRES(cpu->lock)
{
    uint32_t empty = used & (uint32_t)gic_elrsr_read();
    for (uint32_t rest = used & ~empty; rest; rest &= rest - 1)
        lr_fold(cpu, (unsigned)__builtin_ctz(rest));
    for (; empty; empty &= empty - 1)
        lr_emptied(cpu, (unsigned)__builtin_ctz(empty));
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
        cpu->moved |= leaves(cpu, v);
        if (virq_set_active(v, false) || v->hw)
            vgic_cpu_touch(cpu, DIRTY_LRS | DIRTY_LINKS);
        cpu->done |= v->done;
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
    vgic_cpu_touch(cpu, DIRTY_LRS);
}

/* Lines that fell before the guest acknowledged them take their virtual interrupt along, as they would on the machine. */
static void links_sample(struct vgic_cpu *cpu) REQUIRES(cpu->lock)
{
    for (unsigned k = 0; k < cpu->vgic->link_count; k++) {
        struct virq *v = cpu->link[k];
        if (cpu->watch & WATCH_LINK(k) && !v->active && v->phys_active && !cpu->vgic->link[k].asserted()) {
            v->sources = 0;
            virq_queue(v);
            vgic_cpu_touch(cpu, DIRTY_LRS | DIRTY_LINKS);
        }
        link_watch(cpu, k);
    }
}

void vgic_moved_finish(struct vgic_cpu *cpu)
{
    struct vgic *g = cpu->vgic;
    for (unsigned i = 0; i < VGIC_SPIS; i++)
        if (__atomic_load_n(&g->spi[i].home, __ATOMIC_RELAXED) == cpu && leaves(cpu, &g->spi[i]))
            vgic_route_update(g, &g->spi[i], cpu->gcp);
}

void vgic_cpu_fold(struct vgic_cpu *cpu)
{
    phase_assume_running();
    lock_acquire(&cpu->lock);
    if (cpu->watch & WATCH_LRS)
        lrs_fold(cpu, cpu->watch & (uint32_t)WATCH_LRS);
    if (cpu->watch & WATCH_MAINTENANCE)
        maintenance_fold(cpu);
    if (cpu->watch & WATCH_LINKS)
        links_sample(cpu);
    bool moved = cpu->moved, done = cpu->done;
    cpu->moved = cpu->done = false;
    lock_release(&cpu->lock);
    if (moved)
        vgic_moved_finish(cpu);
    if (done)
        vgic_watched_tell(cpu->vgic);
}

void vgic_sync(guest_cpu *gcp)
{
    struct vgic_cpu *cpu = vintc_cpu_data(gcp);
    if (cpu->watch)
        vgic_cpu_fold(cpu);
}
