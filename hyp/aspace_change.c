/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of an address space while its vCPUs run: all is checked first, then the tables change, then the regions. */
#include "hyp/aspace_parts.h"
#include "hyp/base/log.h"
#include "hyp/ranges.h"

#include <errno.h>

#define MEMORY_STICKY (GRF_MEMORY | GRF_ACTIVE)
#define TABLES_AT_ENDS 4

static uint64_t region_end(const struct region *r)
{
    return r->base.raw + r->size;
}

/* What is shown of the machine is added and removed; its place does not change under it. */
static bool piece_is_elsewhere(const struct region *r, const struct region *old)
{
    return r->flags & GRF_PASSTHRU &&
           (!(old->flags & GRF_PASSTHRU) || old->host.raw - old->base.raw != r->host.raw - r->base.raw);
}

/* May `r` say what is to be where `old` is? */
static int piece_check(const struct region *r, const struct region *old)
{
    if (old->flags & (GRF_PRECIOUS | GRF_NOPERMS))
        return error_at(-EPERM, "%s: 0x%llx bytes at 0x%llx belong to %s and cannot be changed", r->owner,
                        (unsigned long long)r->size, (unsigned long long)r->base.raw, old->owner);
    if ((old->flags & GRF_PASS || region_is_ram(old)) && !is_aligned(r->base.raw | r->size, PAGE_SIZE))
        return error_at(-EINVAL,
                        "%s: 0x%llx bytes at 0x%llx are no whole pages of %s, which the guest accesses directly",
                        r->owner, (unsigned long long)r->size, (unsigned long long)r->base.raw, old->owner);
    if (piece_is_elsewhere(r, old))
        return error_at(-EINVAL, "%s: other memory of the machine for 0x%llx bytes at 0x%llx, where %s is", r->owner,
                        (unsigned long long)r->size, (unsigned long long)r->base.raw, old->owner);
    bool whoever = r->flags == GRF_NONE && !r->vdev;
    if (old->vdev ? whoever || old->vdev == r->vdev : region_is_ram(old))
        return 0;
    return region_refuse(old->vdev ? -EEXIST : -EPERM, r, old);
}

/* 1: all of the range is regions, 0: none is; or a negative error, traced. */
static int range_kind(const struct aspace *as, const struct region *r)
{
    uint64_t at = r->base.raw;
    unsigned i = region_index(&as->regions, at);
    if (i == as->regions.count || as->regions.at[i].base.raw >= region_end(r))
        return r->flags == GRF_NONE
                   ? error_at(-ENOENT, "%s: nothing to remove at 0x%llx", r->owner, (unsigned long long)at)
                   : 0;
    for (; at < region_end(r); at = region_end(&as->regions.at[i++])) {
        const struct region *old = &as->regions.at[i];
        if (i == as->regions.count || old->base.raw > at)
            return error_at(-EINVAL, "%s: of 0x%llx bytes at 0x%llx some are regions and some are free", r->owner,
                            (unsigned long long)r->size, (unsigned long long)r->base.raw);
        int err = piece_check(r, old);
        if (err)
            return err;
    }
    return 1;
}

/* What a piece becomes. */
static struct region piece_changed(const struct region *old, const struct region *r)
{
    struct region n = *old;
    bool memory = region_is_ram(old), gone = r->flags == GRF_NONE;
    n.flags =
        memory ? (old->flags & MEMORY_STICKY) | (gone ? old->home : r->flags & ~(uint32_t)MEMORY_STICKY) : r->flags;
    n.vdev = gone ? NULL : r->vdev;
    n.regs = gone ? NULL : r->regs;
    n.index = r->index;
    n.cookie = gone ? 0 : r->cookie;
    /* A piece of memory that a vdev serves has its offset 0 where the change begins. */
    if (memory)
        n.skip = n.vdev ? old->base.raw - r->base.raw : 0;
    return n;
}

/* Stage 2 of a piece made to fit. The pages that it needs are there. */
static int piece_map(struct aspace *as, const struct region *old, const struct region *n)
{
    uint64_t ia = n->base.raw;
    bool was = old && old->flags & GRF_PASS, is = n->flags & GRF_PASS;
    if (was && is)
        return pt_protect(&as->pt, ia, n->size, region_attrs(n->flags));
    if (was)
        return pt_unmap(&as->pt, ia, n->size);
    return is ? pt_map(&as->pt, ia, n->host, n->size, region_attrs(n->flags)) : 0;
}

/* 2 MiB that are one region again become one block again: the table page goes back to the spare ones. Who meets the gap tries again. */
static int block_join(struct aspace *as, uint64_t at)
{
    const struct region *r = aspace_find(as, IPA(at));
    if (!r || !(r->flags & GRF_PASS) || r->base.raw > at || region_end(r) < at + BLOCK_SIZE)
        return 0;
    pa_t host = pa_add(r->host, at - r->base.raw);
    if (!is_aligned(host.raw, BLOCK_SIZE) || pt_lookup(&as->pt, at).size >= BLOCK_SIZE)
        return 0;
    int err = pt_unmap(&as->pt, at, BLOCK_SIZE);
    return err ? err : pt_map(&as->pt, at, host, BLOCK_SIZE, region_attrs(r->flags));
}

static int blocks_join(struct aspace *as, const struct region *r)
{
    int err = 0;
    for (uint64_t at = align_down(r->base.raw, BLOCK_SIZE); at < region_end(r) && !err; at += BLOCK_SIZE)
        err = block_join(as, at);
    return err;
}

/*
 * Table pages that a change may take: at each end a table of 2 MiB and one of 1 GiB, and one for each 2 MiB of memory that no block fits.
 */
static unsigned change_tables(const struct aspace *as, const struct region *r)
{
    unsigned first = region_index(&as->regions, r->base.raw), i = first;
    bool fits = true, whole = r->flags == GRF_NONE;
    for (; i < as->regions.count && as->regions.at[i].base.raw < region_end(r); i++) {
        const struct region *old = &as->regions.at[i];
        whole &= !region_is_ram(old) && old->base.raw >= r->base.raw && region_end(old) <= region_end(r);
        fits &= !(old->flags & GRF_PASS) || is_aligned(old->base.raw ^ old->host.raw, BLOCK_SIZE);
    }
    if (whole)
        return 0;   /* what was mapped by itself is unmapped by itself */
    if (i == first) /* new: where it is to be is what it says itself */
        fits = !(r->flags & GRF_PASS) || is_aligned(r->base.raw ^ r->host.raw, BLOCK_SIZE);
    return TABLES_AT_ENDS + (unsigned)(fits ? 0 : r->size / BLOCK_SIZE);
}

/* Does a region lie across ipa, so that a boundary there takes one more? */
static bool region_across(const struct aspace *as, uint64_t ipa)
{
    const struct region *r = aspace_find(as, IPA(ipa));
    return r && r->base.raw != ipa;
}

/* Room for the regions and the table pages that it takes. */
static int change_room(const struct aspace *as, const struct region *r, bool exists)
{
    unsigned tables = change_tables(as, r);
    unsigned more = exists ? region_across(as, r->base.raw) + region_across(as, region_end(r)) : 1;
    if (as->regions.count + more > REGION_MAX)
        return region_refuse(-E2BIG, r, NULL);
    if (tables > as->spare_count)
        return error_at(-ENOMEM, "%s: a change of 0x%llx bytes at 0x%llx may need %u table pages, %u are left",
                        r->owner, (unsigned long long)r->size, (unsigned long long)r->base.raw, tables,
                        as->spare_count);
    return 0;
}

static int region_new(struct aspace *as, const struct region *r)
{
    const struct region *other = NULL;
    int err = piece_map(as, NULL, r);
    return err ? err : region_insert(&as->regions, r, &other);
}

static int regions_change(struct aspace *as, const struct region *r)
{
    int err = region_split(&as->regions, r->base.raw);
    if (!err)
        err = region_split(&as->regions, region_end(r));
    for (unsigned i = region_index(&as->regions, r->base.raw);
         !err && i < as->regions.count && as->regions.at[i].base.raw < region_end(r);) {
        struct region n = piece_changed(&as->regions.at[i], r);
        err = piece_map(as, &as->regions.at[i], &n);
        if (!err && n.flags == GRF_NONE)
            region_remove(&as->regions, i);
        else if (!err)
            as->regions.at[i++] = n;
    }
    region_merge(&as->regions, r->base.raw, region_end(r));
    return err ? err : blocks_join(as, r);
}

static int change_locked(struct aspace *as, const struct region *r) REQUIRES(as->lock)
{
    int exists = range_kind(as, r);
    int err = exists < 0 ? exists : exists ? 0 : region_check_windows(as, r);
    if (!err)
        err = change_room(as, r, exists);
    if (err)
        return err;
    err = exists ? regions_change(as, r) : region_new(as, r);
    aspace_changed(as);
    hyp_assert(!err || !exists); /* there was room, so only what is new can be wrong: its host memory */
    if (err)
        return error_at(err, "%s: 0x%llx bytes at 0x%llx cannot be mapped to 0x%llx (error %d)", r->owner,
                        (unsigned long long)r->size, (unsigned long long)r->base.raw, (unsigned long long)r->host.raw,
                        err);
    return 0;
}

int aspace_change(struct aspace *as, const struct region *r)
{
    int err = region_check(as, r);
    if (err)
        return err;
    lock_acquire(&as->lock);
    err = change_locked(as, r);
    lock_release(&as->lock);
    return err;
}
