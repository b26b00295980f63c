/* SPDX-License-Identifier: Apache-2.0 */
/* The vdev API to a guest's address space: regions. */
#include "hyp/api/gasp.h"
#include "hyp/vm.h"

#include <errno.h>

/* What an entry says, as a region. */
static struct region region_of(const struct gasp_region *g, const char *owner)
{
    struct region r = {
        .base = IPA(g->guest.location),
        .size = g->guest.length,
        .flags = g->flags,
        .cookie = g->cookie,
        .host = PA(g->host_location),
        .owner = owner,
    };
    if (g->flags & (GRF_VIRT | GRF_PASSTHRU))
        r.vdev = g->vdev;
    if (g->flags & GRF_VIRT && g->vdev)
        r.regs = g->regs ? g->regs : g->vdev->v_factory->regs;
    return r;
}

static bool entry_is_placed(const struct gasp_region *g)
{
    return g->guest.type == QST_MEMORY && g->guest.location != QSL_NO_LOCATION;
}

static __startup int gasp_region_add(struct vdev_builder *b, const struct gasp_region *g)
{
    struct gasp_region own = *g;
    if (g->flags == GRF_NONE || !entry_is_placed(g))
        return error_at(-EINVAL, "%s: a region that says neither where it is nor what it does", b->path);
    own.vdev = g->vdev ? g->vdev : b->vdev;
    struct region r = region_of(&own, b->path);
    int err = r.regs ? reg_table_check(r.regs, b->path) : 0;
    if (r.regs && !err)
        err = reg_index_make(r.regs, &r.index);
    return err ? err : aspace_add(&b->gsp->as, &r);
}

int gasp_region_set(struct vdev_builder *b, unsigned n, const struct gasp_region *rgn)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    for (unsigned i = 0; i < n; i++) {
        int err = gasp_region_add(b, &rgn[i]);
        if (err)
            return -err;
    }
    return EOK;
}

int gasp_regs_prepare(struct vdev_builder *b, const struct reg_table *regs)
{
    struct reg_index index;
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    int err = reg_table_check(regs, b->path);
    return -(err ? err : reg_index_make(regs, &index));
}

int gasp_window_prepare(struct vdev_builder *b, const qvm_state_block *window, unsigned regions)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    struct aspace_window w = { IPA(window->location), window->length, b->vdev, b->path };
    return -aspace_prepare(&b->gsp->as, &w, regions);
}

int gasp_lock(guest_system *gsp, unsigned type) NO_THREAD_SAFETY
{
    if (type != QST_MEMORY)
        return error_at(EINVAL, "%s: gasp_lock: no address space of type %u", gsp->name, type);
    lock_acquire(&gsp->as.change);
    return EOK;
}

void gasp_unlock(guest_system *gsp, unsigned type) NO_THREAD_SAFETY
{
    (void)type;
    lock_release(&gsp->as.change);
}

bool gasp_lock_held(const guest_system *gsp, unsigned type)
{
    return type == QST_MEMORY && lock_held_here(&gsp->as.change);
}

static int gasp_region_change(guest_system *gsp, const struct gasp_region *g) NO_THREAD_SAFETY
{
    struct region r = region_of(g, g->vdev ? g->vdev->v_name : gsp->name);
    if (!entry_is_placed(g))
        return error_at(-EINVAL, "%s: a region that says not where it is", r.owner);
    if (g->flags & GRF_VIRT && !r.vdev)
        return error_at(-EINVAL, "%s: a region at 0x%llx with exits and no vdev for them", r.owner,
                        (unsigned long long)g->guest.location);
    r.vdev = g->vdev;
    if (r.regs && !reg_index_find(r.regs, &r.index))
        return error_at(-EINVAL, "%s: a register table that startup did not prepare", r.owner);
    return aspace_change(&gsp->as, &r);
}

unsigned gasp_region_set_soft(guest_system *gsp, unsigned n, const struct gasp_region *rgn, int *err)
{
    *err = phase_is(PHASE_RUNNING, gsp->name) ? EOK : EPERM;
    for (unsigned i = 0; i < n; i++) {
        if (*err == EOK)
            *err = -gasp_region_change(gsp, &rgn[i]);
        if (*err)
            return i;
    }
    return n;
}

/* A region, as an entry. */
static struct gasp_region entry_of(const struct region *r)
{
    return (struct gasp_region){
        .flags = r->flags,
        .cookie = r->cookie,
        .vdev = r->vdev,
        .regs = r->regs,
        .host_location = r->host.raw,
        .guest = { .type = QST_MEMORY, .location = r->base.raw, .length = r->size },
    };
}

int gasp_region_info(guest_system *gsp, const qvm_state_block *blk, struct gasp_region *rgn)
{
    struct region_cache found = { .generation = 0 };
    const struct region *r = blk->type == QST_MEMORY ? aspace_find_cached(&gsp->as, &found, IPA(blk->location)) : NULL;
    if (!r)
        return ENOENT;
    *rgn = entry_of(r);
    return EOK;
}

void gasp_walk_init(struct gasp_walk *w)
{
    *w = (struct gasp_walk){ .from = 0 };
}

bool gasp_walk_next(guest_system *gsp, struct gasp_walk *w, struct gasp_region *rgn)
{
    lock_acquire(&gsp->as.lock);
    unsigned i = region_index(&gsp->as.regions, w->from);
    w->ended |= i == gsp->as.regions.count;
    if (!w->ended)
        *rgn = entry_of(&gsp->as.regions.at[i]);
    lock_release(&gsp->as.lock);
    if (!w->ended)
        w->from = rgn->guest.location + rgn->guest.length;
    return !w->ended;
}

unsigned gasp_walk_count(guest_system *gsp)
{
    lock_acquire(&gsp->as.lock);
    unsigned count = gsp->as.regions.count;
    lock_release(&gsp->as.lock);
    return count;
}

int gasp_find_free(guest_system *gsp, uint64_t size, uint64_t align, qvm_state_block *blk)
{
    return gasp_find_free_range(gsp, ASPACE_DEVICES_FROM, UINT64_MAX, size, align, blk);
}

int gasp_find_free_range(guest_system *gsp, uint64_t first, uint64_t last, uint64_t size, uint64_t align,
                         qvm_state_block *blk)
{
    if (!align || align & (align - 1))
        return error_at(EINVAL, "%s: gasp_find_free: alignment 0x%llx is no power of two", gsp->name,
                        (unsigned long long)align);
    uint64_t at, taken = first;
    do {
        lock_acquire(&gsp->as.lock);
        at = aspace_find_free(&gsp->as, gsp->config, taken, size, align);
        lock_release(&gsp->as.lock);
        taken = at != QSL_NO_LOCATION && gsp->place_taken ? gsp->place_taken(gsp, at, size) : 0;
    } while (taken);
    if (at == QSL_NO_LOCATION || at > last || size - 1 > last - at)
        return ENOSPC;
    *blk = (qvm_state_block){ .type = QST_MEMORY, .location = at, .length = size };
    return EOK;
}
