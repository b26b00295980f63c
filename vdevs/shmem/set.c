/* SPDX-License-Identifier: Apache-2.0 */
/* The regions of the machine and their clients. */
#include "vdevs/shmem/shmem.h"

#include <errno.h>
#include <string.h>

struct spinlock shmem_set_lock = LOCK_RANKED(LOCK_SHARED);
static struct shmem_region regions[CONFIG_SHMEM_REGIONS]; /* under shmem_set_lock */

struct shmem_region *region_at(unsigned n)
{
    return n < ARRAY_LEN(regions) ? &regions[n] : NULL;
}

struct shmem_region *region_named(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(regions); i++)
        if (strcmp(regions[i].name, name) == 0)
            return &regions[i];
    return NULL;
}

/* The end of a region that lies in [at, at + size) of the maker's memory; 0: none does. */
static uint64_t memory_taken(const struct shmem *maker, uint64_t at, uint64_t size)
{
    for (unsigned i = 0; i < ARRAY_LEN(regions); i++) {
        const struct shmem_region *r = &regions[i];
        if (r->name[0] && r->maker == maker && ranges_overlap(r->memory.location, r->memory.length, at, size))
            return r->memory.location + r->memory.length;
    }
    return 0;
}

/* The first place in the maker's memory; QSL_NO_LOCATION: none. Each step passes a region: bounded by their number. From 2 MiB on at a multiple of that, for blocks. */
static uint64_t memory_find(const struct shmem *maker, uint64_t size)
{
    uint64_t start = maker->memory.location, length = maker->memory.length, at = start, end;
    uint64_t align = size >= BLOCK_SIZE ? BLOCK_SIZE : SHMEM_PAGE;
    while (size <= length && at - start <= length - size) {
        end = memory_taken(maker, at, size);
        if (!end)
            return at;
        at = align_up(end, align);
    }
    return QSL_NO_LOCATION;
}

struct shmem_region *region_make(const char *name, uint64_t pages, const struct shmem *maker)
{
    struct shmem_region *r = region_named("");
    uint64_t size = pages * SHMEM_PAGE, at = memory_find(maker, size);
    if (!r || at == QSL_NO_LOCATION)
        return NULL;
    *r = (struct shmem_region){
        .memory = { at, size }, .maker = maker, .path = maker->vdev->v_name, .pages = (uint32_t)pages
    };
    memcpy(r->name, name, SHMEM_NAME);
    return r;
}

int region_reserve(struct vdev_builder *b, const char *name, uint64_t bytes)
{
    struct host_memory memory;
    lock_acquire(&shmem_set_lock);
    struct shmem_region *same = region_named(name), *r = region_named("");
    lock_release(&shmem_set_lock);
    if (same && same->memory.length != bytes)
        return error_at(EEXIST, "%s: shared memory %s has 0x%llx bytes here and 0x%llx in %s", b->path, name,
                        (unsigned long long)bytes, (unsigned long long)same->memory.length, same->path);
    if (same)
        return EOK;
    if (!r)
        return error_at(ENOSPC, "%s: shared memory %s: CONFIG_SHMEM_REGIONS=%d", b->path, name, CONFIG_SHMEM_REGIONS);
    int err = host_memory_reserve(b, bytes, &memory);
    if (err)
        return err;
    lock_acquire(&shmem_set_lock);
    *r = (struct shmem_region){ .memory = memory, .path = b->path, .pages = (uint32_t)(bytes / SHMEM_PAGE) };
    memcpy(r->name, name, SHMEM_NAME);
    lock_release(&shmem_set_lock);
    return EOK;
}

enum guest_shm_status region_join(struct shmem_region *r, struct shmem_attachment *a)
{
    for (unsigned i = 0; i < SHMEM_CLIENTS; i++) {
        if (r->clients[i])
            continue;
        r->clients[i] = a;
        a->region = r;
        a->index = i;
        a->shown = a->changed = false;
        a->from = 0;
        return GSS_OK;
    }
    return GSS_CLIENT_MAX;
}

void region_leave(struct shmem_attachment *a)
{
    struct shmem_region *r = a->region;
    bool empty = true;
    r->clients[a->index] = NULL;
    a->region = NULL;
    for (unsigned i = 0; i < SHMEM_CLIENTS; i++)
        empty &= !r->clients[i];
    if (empty && r->maker)
        memset(r, 0, sizeof(*r));
    else if (empty)
        r->zeroing = r->zeroed = 0;
}

uint32_t region_claim_zeroing(struct shmem_region *r, uint32_t *first)
{
    uint32_t left = r->pages - r->zeroing, n = left < SHMEM_ZERO_PAGES ? left : SHMEM_ZERO_PAGES;
    *first = r->zeroing;
    r->zeroing += n;
    return n;
}

void shmem_line_update(struct shmem *s)
{
    bool high = false;
    for (unsigned i = 0; i < s->attachment_count; i++) {
        const struct shmem_attachment *a = &s->attachments[i];
        high |= a->region && a->shown && (a->from || a->changed);
    }
    if (high == s->line)
        return;
    s->line = high;
    guest_intr_signal(&s->vdev->v_intr, high ? GIS_ON : GIS_OFF);
}

void region_show(struct shmem_attachment *a, bool shown)
{
    struct shmem_region *r = a->region;
    uint32_t bit = (uint32_t)BIT(a->index);
    a->shown = shown;
    r->attached = shown ? r->attached | bit : r->attached & ~bit;
    for (unsigned i = 0; i < SHMEM_CLIENTS; i++) {
        struct shmem_attachment *peer = r->clients[i];
        if (!peer || peer == a || !peer->shown)
            continue;
        peer->changed = true;
        shmem_line_update(peer->owner);
    }
    shmem_line_update(a->owner);
}

void region_notify(struct shmem_attachment *a, uint32_t bits)
{
    const struct shmem_region *r = a->region;
    for (bits &= r->attached; bits; bits &= bits - 1) {
        struct shmem_attachment *peer = r->clients[__builtin_ctz(bits)];
        peer->from |= (uint32_t)BIT(a->index);
        shmem_line_update(peer->owner);
    }
}
