/* SPDX-License-Identifier: Apache-2.0 */
/* Virqs from outside: by registers and lines, on any core. */
#include "vdevs/vgic/vgic.h"

static struct vgic_cpu *home_of(const struct virq *v)
{
    return __atomic_load_n(&v->home, __ATOMIC_ACQUIRE);
}

struct vgic_cpu *virq_lock(struct virq *v)
{
    struct vgic_cpu *home = home_of(v);
    lock_acquire(&home->lock);
    if (home == home_of(v))
        return home;
    /* It moved meanwhile. Who holds route_lock sees it stay. */
    lock_release(&home->lock);
    struct vgic *g = home->vgic;
    lock_acquire(&g->route_lock);
    home = home_of(v);
    lock_acquire(&home->lock);
    lock_release(&g->route_lock);
    return home;
}

/* May the guest have changed its state behind our back? */
static bool virq_is_ahead(const struct virq *v, const struct vgic_cpu *home)
{
    return v->lr >= 0 && guest_cpu_in_guest(home->gcp);
}

/*
 * Locks it with the truth in it. A vCPU that runs with it in a list register is brought out and answered in *paused: the caller lets it go
 * on. Tried again if the virq moves meanwhile, as often as there are vCPUs to move to; then what is known has to do.
 */
static struct vgic_cpu *virq_lock_folded(struct virq *v, guest_cpu *self, guest_cpu **paused) NO_THREAD_SAFETY
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

static void virq_after(struct virq *v, struct vgic_cpu *home, bool changed, guest_cpu *self,
                       guest_cpu *paused) NO_THREAD_SAFETY
{
    bool route = v->moving && !v->active,
         any = v->route & IROUTER_IRM && virq_pending(v) && !vgic_cpu_participates(home);
    if (changed)
        vgic_cpu_touch(home, v->hw ? DIRTY_ALL : v->intid < VGIC_PRIVATE ? DIRTY_LRS : DIRTY_LRS | DIRTY_SPI);
    virq_unlock(home);
    if (paused)
        guest_cpu_resume(paused); /* it looks at its list registers before it goes on */
    else if (changed && home->gcp != self)
        guest_cpu_kick(home->gcp);
    if (route || any)
        vgic_route_update(home->vgic, v, self);
}

void virq_apply(struct virq *v, guest_cpu *self, enum virq_truth truth, virq_op op, uint64_t arg)
{
    guest_cpu *paused = NULL;
    struct vgic_cpu *home = truth == VIRQ_FOLDED ? virq_lock_folded(v, self, &paused) : virq_lock(v);
    bool changed = op(v, arg);
    virq_after(v, home, changed, self, paused);
}

void virq_apply_bits(struct virq *first, uint32_t bits, guest_cpu *self, enum virq_truth truth, virq_op op,
                     uint64_t arg)
{
    for (; bits; bits &= bits - 1)
        virq_apply(first + __builtin_ctz(bits), self, truth, op, arg);
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

/* While its virtual interrupt is active nobody watches the line; and no one else can ask another core's. */
void virq_sample(struct virq *v)
{
    struct vgic_cpu *home = v->home;
    if (!v->hw || home->core != gic_core_key())
        return;
    v->sources = home->vgic->link[v != home->link[0]].asserted();
}
