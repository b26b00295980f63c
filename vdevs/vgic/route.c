/* SPDX-License-Identifier: Apache-2.0 */
/* Which vCPU a shared interrupt goes to (GICD_IROUTER, GICD_ITARGETSR), and its move to another home. */
#include "vdevs/vgic/vgic.h"

bool vgic_cpu_participates(const struct vgic_cpu *cpu, const struct virq *v)
{
    unsigned group = virq_group1(v) ? VGIC_VMCR_ENG1 : VGIC_VMCR_ENG0;
    bool open = cpu->core ? !(__atomic_load_n(&cpu->closed, __ATOMIC_RELAXED) & group) : cpu->vmcr & group;
    return !cpu->asleep && open;
}

bool vgic_closed_update(struct vgic_cpu *cpu, uint64_t vmcr)
{
    const struct vgic *g = cpu->vgic;
    uint32_t groups = __atomic_load_n(&g->one_of_n, __ATOMIC_RELAXED) & __atomic_load_n(&g->ctlr, __ATOMIC_RELAXED);
    uint8_t was = cpu->closed, now = (uint8_t)(groups & ~vmcr);
    __atomic_store_n(&cpu->closed, now, __ATOMIC_RELAXED);
    return now != was;
}

/* The vCPUs that a route names, bit by bit. */
static uint64_t route_targets(const struct vgic *g, uint64_t route)
{
    if (g->version == 2)
        return route;
    if (route & IROUTER_IRM)
        return ~UINT64_C(0) >> (64 - g->cpu_count);
    const struct vgic_cpu *one = vgic_cpu_at(g, route & IROUTER_AFFINITY);
    return one ? BIT(one->index) : 0;
}

/* 1 of N: the home stays if it is one and takes part, else the first that does, else it stays if it is one. NULL: there is none. */
static struct vgic_cpu *route_target(const struct vgic *g, const struct virq *v)
{
    uint64_t set = route_targets(g, v->route);
    if (!set)
        return NULL;
    bool stays = set & BIT(v->home->index);
    if (stays && (!v->any || vgic_cpu_participates(v->home, v)))
        return v->home;
    for (uint64_t rest = set; rest && v->any; rest &= rest - 1)
        if (vgic_cpu_participates(g->cpus[__builtin_ctzll(rest)], v))
            return g->cpus[__builtin_ctzll(rest)];
    return stays ? v->home : g->cpus[__builtin_ctzll(set)];
}

static void pair_lock(struct vgic_cpu *a, struct vgic_cpu *b) NO_THREAD_SAFETY
{
    lock_acquire(a->index < b->index ? &a->lock : &b->lock);
    if (a != b)
        lock_acquire(a->index < b->index ? &b->lock : &a->lock);
}

static void pair_unlock(struct vgic_cpu *a, struct vgic_cpu *b) NO_THREAD_SAFETY
{
    if (a != b)
        lock_release(a->index < b->index ? &b->lock : &a->lock);
    lock_release(a->index < b->index ? &a->lock : &b->lock);
}

/* Both locked. Its old home's list register is emptied at the next entry there. */
static void home_change(struct virq *v, struct vgic_cpu *to) NO_THREAD_SAFETY
{
    struct vgic_cpu *from = v->home;
    if (v->lr >= 0)
        from->lr_virq[v->lr] = NULL;
    v->lr = -1;
    if (!list_empty(&v->node))
        virq_dequeue(v);
    __atomic_store_n(&v->home, to, __ATOMIC_RELEASE);
    vgic_cpu_touch(from, DIRTY_LRS);
    if (virq_update(v))
        vgic_cpu_touch(to, DIRTY_LRS | DIRTY_SPI);
}

/*
 * With route_lock held, so that the home is what it is. A vCPU that is in its guest with it in a list register may have acknowledged it: true, and it moves
 * when that is known, at its next fold at the latest; but for `folded`, of which it is known now. An active one stays where it was taken until it is deactivated.
 */
static bool route_apply(struct vgic *g, struct virq *v, const guest_cpu *folded) NO_THREAD_SAFETY
{
    struct vgic_cpu *from = v->home, *target = route_target(g, v), *to = target ? target : from;
    pair_lock(from, to);
    bool taken = from->gcp != folded && virq_is_ahead(v, from);
    v->nowhere = !target;
    v->moving = to != from && (v->active || taken);
    from->moved |= to != from && taken;
    if (to != from && !v->moving)
        home_change(v, to);
    else if (virq_update(v))
        vgic_cpu_touch(from, DIRTY_LRS);
    pair_unlock(from, to);
    return taken;
}

static void homes_kick(guest_cpu *old, guest_cpu *new, guest_cpu *self)
{
    if (old != self)
        guest_cpu_kick(old);
    if (new != self &&new != old)
        guest_cpu_kick(new);
}

void vgic_route_set(struct vgic *g, struct virq *v, uint64_t route, guest_cpu *self)
{
    lock_acquire(&g->route_lock);
    guest_cpu *old = v->home->gcp;
    v->route = route;
    uint64_t set = route_targets(g, route);
    __atomic_store_n(&v->any, (set & (set - 1)) != 0, __ATOMIC_RELAXED);
    if (v->any)
        vgic_one_of_n(g, v);
    bool taken = route_apply(g, v, NULL);
    guest_cpu *new = v->home->gcp;
    lock_release(&g->route_lock);
    homes_kick(old, new, self);
    if (taken && old == self)
        guest_cpu_kick(self); /* folded before it goes on */
}

void vgic_route_update(struct vgic *g, struct virq *v, guest_cpu *self)
{
    lock_acquire(&g->route_lock);
    guest_cpu *old = v->home->gcp;
    (void)route_apply(g, v, self);
    guest_cpu *new = v->home->gcp;
    lock_release(&g->route_lock);
    homes_kick(old, new, self);
}

/* Who makes one 1 of N meanwhile comes after us and finds what we came for, or before us and is found. */
void vgic_route_any(struct vgic *g, guest_cpu *self)
{
    lock_acquire(&g->route_lock);
    bool some = __atomic_load_n(&g->one_of_n, __ATOMIC_RELAXED);
    lock_release(&g->route_lock);
    for (unsigned i = 0; some && i < VGIC_SPIS; i++)
        if (__atomic_load_n(&g->spi[i].any, __ATOMIC_RELAXED))
            vgic_route_update(g, &g->spi[i], self);
}

void vgic_spi_reset(struct vgic *g, struct virq *v) NO_THREAD_SAFETY
{
    struct vgic_cpu *first = g->cpus[0];
    lock_acquire(&g->route_lock);
    struct vgic_cpu *home = v->home ? v->home : first; /* none before the first reset */
    pair_lock(home, first);
    if (v->home && !list_empty(&v->node))
        virq_dequeue(v);
    virq_reset(v, first);
    v->nowhere = g->version == 2 && g->cpu_count > 1;
    v->route = g->version == 2 && g->cpu_count == 1;
    pair_unlock(home, first);
    lock_release(&g->route_lock);
}
