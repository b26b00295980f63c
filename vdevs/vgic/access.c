/* SPDX-License-Identifier: Apache-2.0 */
/* Virqs from outside: by registers and lines, on any core. */
#include "vdevs/vgic/vgic.h"

struct vgic_cpu *virq_lock_moved(struct virq *v, struct vgic_cpu *from)
{
    struct vgic *g = from->vgic;
    lock_release(&from->lock);
    /* Who holds route_lock sees it stay. */
    lock_acquire(&g->route_lock);
    struct vgic_cpu *home = v->home;
    lock_acquire(&home->lock);
    lock_pass(&g->route_lock, &home->lock);
    return home;
}

void virq_unlock_changed(struct virq *v, struct vgic_cpu *home, guest_cpu *self)
{
    bool any = v->any && virq_pending(v) && !vgic_cpu_participates(home, v);
    vgic_cpu_touch(home, v->hw ? DIRTY_ALL : v->intid < VGIC_PRIVATE ? DIRTY_LRS : DIRTY_LRS | DIRTY_SPI);
    virq_unlock(home);
    if (home->gcp != self)
        guest_cpu_kick(home->gcp);
    if (any)
        vgic_route_update(home->vgic, v, self);
}

/* Pairs with the entry: that publishes in_guest, then looks whether there is something to flush. One of both sees the other. */
bool virq_is_ahead(const struct virq *v, struct vgic_cpu *home)
{
    if (v->lr < 0)
        return false;
    vgic_cpu_touch(home, DIRTY_LRS);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return guest_cpu_in_guest(home->gcp);
}

/*
 * Locks it with the truth in it. A vCPU that runs with it in a list register is brought out and answered in *paused: the caller lets it go
 * on. Tried again if the virq moves meanwhile, as often as there are vCPUs to move to; then what is known has to do.
 */
static __running struct vgic_cpu *virq_lock_folded(struct virq *v, guest_cpu *self, guest_cpu **paused) NO_THREAD_SAFETY
{
    *paused = NULL;
    struct vgic_cpu *home = virq_lock(v);
    if (home->gcp == self && home->watch) {
        virq_unlock(home);
        vgic_cpu_fold(home); /* an exit that is served at once has not done it */
        home = virq_lock(v);
    }
    for (unsigned i = 0; i < home->vgic->cpu_count && home->gcp != self && virq_is_ahead(v, home); i++) {
        virq_unlock(home);
        if (*paused)
            guest_cpu_resume(*paused);
        *paused = home->gcp;
        guest_cpu_pause(*paused);
        home = virq_lock(v);
        if (home->gcp == *paused)
            break;
    }
    return home;
}

void virq_apply_folded(struct virq *v, guest_cpu *self, virq_op op, unsigned with)
{
    guest_cpu *paused;
    struct vgic_cpu *home = virq_lock_folded(v, self, &paused);
    bool changed = op(v, with), route = v->moving && !v->active, done = v->done;
    virq_unlock_after(v, home, changed, self);
    if (done)
        vgic_watched_tell(home->vgic);
    if (paused)
        guest_cpu_resume(paused);
    if (route)
        vgic_route_update(home->vgic, v, self);
}

void virq_apply_bits_folded(struct virq *first, uint32_t bits, guest_cpu *self, virq_op op)
{
    for (; bits; bits &= bits - 1)
        virq_apply_folded(first + __builtin_ctz(bits), self, op, 0);
}

uint32_t virq_read_bits(struct virq *first, guest_cpu *self, bool (*is)(const struct virq *v))
{
    uint32_t bits = 0;
    for (unsigned n = 0; n < 32; n++) {
        guest_cpu *paused;
        struct vgic_cpu *home = virq_lock_folded(&first[n], self, &paused);
        virq_sample(&first[n]);
        bits |= (uint32_t)is(&first[n]) << n;
        virq_unlock(home);
        if (paused)
            guest_cpu_resume(paused);
    }
    return bits;
}

uint32_t virq_senders_read(struct virq *first, unsigned count, guest_cpu *self)
{
    uint32_t senders = 0;
    for (unsigned n = 0; n < count; n++) {
        guest_cpu *paused;
        struct vgic_cpu *home = virq_lock_folded(&first[n], self, &paused);
        senders |= (uint32_t)first[n].latch << 8 * n;
        virq_unlock(home);
        if (paused)
            guest_cpu_resume(paused);
    }
    return senders;
}

/* While its virtual interrupt is active nobody watches the line; and no one else can ask another core's. */
void virq_sample(struct virq *v)
{
    struct vgic_cpu *home = v->home;
    if (!v->hw || home->core != gic_core_key())
        return;
    v->sources = home->vgic->link[v != home->link[0]].asserted();
}
