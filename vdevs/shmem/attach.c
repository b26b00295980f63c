/* SPDX-License-Identifier: Apache-2.0 */
/* Regions come to a guest's address space and go again. */
#include "vdevs/shmem/shmem.h"

#include <errno.h>
#include <string.h>

static struct shmem_attachment *attachment_to(struct shmem *s, const struct shmem_region *r) REQUIRES(shmem_set_lock)
{
    for (unsigned i = 0; i < s->attachment_count; i++)
        if (s->attachments[i].region == r)
            return &s->attachments[i];
    return NULL;
}

static uint64_t place_size(const struct shmem_attachment *a)
{
    return SHMEM_PAGE + a->region->memory.length;
}

/* The end of what lies in [at, at + size) of the window; 0: nothing. */
static uint64_t place_taken(const struct shmem *s, const struct shmem_attachment *but, uint64_t at, uint64_t size)
    REQUIRES(shmem_set_lock)
{
    for (unsigned i = 0; i < s->attachment_count; i++) {
        const struct shmem_attachment *a = &s->attachments[i];
        if (a != but && a->region && ranges_overlap(a->at, place_size(a), at, size))
            return a->at + place_size(a);
    }
    return 0;
}

/* From 2 MiB on the data, behind the control page, are at a multiple of that, as their memory is. */
static uint64_t place_align(uint64_t at, uint64_t length)
{
    return length >= BLOCK_SIZE ? align_up(at + SHMEM_PAGE, BLOCK_SIZE) - SHMEM_PAGE : at;
}

/* A place in the window for control page and data. QSL_NO_LOCATION: none. Each step passes an attachment. */
static uint64_t place_find(const struct shmem *s, const struct shmem_attachment *a) REQUIRES(shmem_set_lock)
{
    uint64_t length = a->region->memory.length, size = place_size(a), end;
    uint64_t at = place_align(s->window, length);
    while (size <= s->window_size && at - s->window <= s->window_size - size) {
        end = place_taken(s, a, at, size);
        if (!end)
            return at;
        at = place_align(end, length);
    }
    return QSL_NO_LOCATION;
}

/* One that was begun and is not what is asked for now. */
static void pending_drop(struct shmem *s, const char *name) REQUIRES(shmem_set_lock)
{
    for (unsigned i = 0; i < s->attachment_count; i++) {
        struct shmem_attachment *a = &s->attachments[i];
        if (a->region && !a->shown && strcmp(a->region->name, name) != 0)
            region_leave(a);
    }
}

/* The vdev's attachment to the region of that name: the one it has, or a new one, not shown yet; and the region, if there is none. */
static enum guest_shm_status attachment_make(struct shmem *s, const char *name, uint32_t pages,
                                             struct shmem_attachment **out) REQUIRES(shmem_set_lock)
{
    struct shmem_region *r = region_named(name);
    if (!r && !pages)
        return GSS_DOES_NOT_EXIST;
    *out = r ? attachment_to(s, r) : NULL;
    if (*out)
        return GSS_OK;
    struct shmem_attachment *a = attachment_to(s, NULL);
    if (!a)
        return GSS_UNKNOWN_FAILURE;
    if (!r)
        r = region_make(name, pages, s);
    enum guest_shm_status status = r ? region_join(r, a) : GSS_NOMEM;
    if (status != GSS_OK)
        return status;
    a->at = place_find(s, a);
    *out = a;
    if (a->at != QSL_NO_LOCATION)
        return GSS_OK;
    region_leave(a);
    return GSS_UNKNOWN_FAILURE;
}

/* Some of the pages zeroed, by whoever comes. Are all of them? */
static __running bool region_zero_some(struct shmem_region *r)
{
    uint32_t first;
    lock_acquire(&shmem_set_lock);
    uint32_t n = region_claim_zeroing(r, &first);
    lock_release(&shmem_set_lock);
    if (n)
        host_memory_zero(&r->memory, first * SHMEM_PAGE, n * SHMEM_PAGE);
    lock_acquire(&shmem_set_lock);
    r->zeroed += n;
    bool all = r->zeroed == r->pages;
    lock_release(&shmem_set_lock);
    return all;
}

static __running int regions_change(struct shmem *s, const struct shmem_attachment *a, bool show)
    REQUIRES(s->vdev->v_gsp)
{
    int err = EOK;
    struct gasp_region r[] = {
        {
            .flags = GRF_VIRT_RD | GRF_VIRT_WR,
            .cookie = (uint32_t)(a - s->attachments),
            .vdev = s->vdev,
            .regs = &shmem_control_regs,
            .guest = { .type = QST_MEMORY, .location = a->at, .length = SHMEM_PAGE },
        },
        {
            .flags = GRF_PASSTHRU | GRF_MEMORY | GRF_PASS_RD | GRF_PASS_WR,
            .vdev = s->vdev,
            .host_location = a->region->memory.location,
            .guest = { .type = QST_MEMORY, .location = a->at + SHMEM_PAGE, .length = a->region->memory.length },
        },
    };
    if (!show)
        r[0].flags = r[1].flags = GRF_NONE;
    if (gasp_region_set_soft(s->vdev->v_gsp, 2, r, &err) != 1 || !show)
        return err;
    /* The page without its data is of no use. */
    int first = err;
    r[0].flags = GRF_NONE;
    return gasp_region_set_soft(s->vdev->v_gsp, 1, r, &err) == 1 ? first : err;
}

static __running void attachment_leave(struct shmem_attachment *a)
{
    lock_acquire(&shmem_set_lock);
    region_leave(a);
    lock_release(&shmem_set_lock);
}

static __running enum guest_shm_status attachment_show(struct shmem *s, struct shmem_attachment *a)
    REQUIRES(s->vdev->v_gsp)
{
    if (!region_zero_some(a->region))
        return GSS_AGAIN;
    if (regions_change(s, a, true) != EOK) {
        attachment_leave(a);
        return GSS_UNKNOWN_FAILURE;
    }
    lock_acquire(&shmem_set_lock);
    region_show(a, true);
    lock_release(&shmem_set_lock);
    return GSS_OK;
}

/* The factory page says what came of it. */
static void result_set(struct shmem *s, enum guest_shm_status status, const struct shmem_attachment *a)
    REQUIRES(shmem_set_lock)
{
    s->status = status;
    s->shmem = status == GSS_OK && a ? a->at : 0;
    s->size = status == GSS_OK && a ? a->region->pages : 0;
}

enum guest_shm_status shmem_open(struct shmem *s, uint32_t pages)
{
    char name[SHMEM_NAME] = { 0 };
    struct shmem_attachment *a = NULL;
    lock_acquire(&shmem_set_lock);
    enum guest_shm_status status = name_resolve(s, s->name, name);
    pending_drop(s, name);
    if (status == GSS_OK)
        status = attachment_make(s, name, pages, &a);
    bool shown = a && a->shown;
    lock_release(&shmem_set_lock);
    if (status == GSS_OK && !shown)
        status = attachment_show(s, a);
    if (status == GSS_AGAIN)
        return status;
    lock_acquire(&shmem_set_lock);
    result_set(s, status, a);
    lock_release(&shmem_set_lock);
    return status;
}

void shmem_detach(struct shmem *s, struct shmem_attachment *a)
{
    lock_acquire(&shmem_set_lock);
    region_show(a, false);
    lock_release(&shmem_set_lock);
    int err = regions_change(s, a, false);
    /* What is there still is not given to others; it cannot be, for want of nothing. */
    if (err)
        vdev_logf(LOG_ERROR, s->vdev, "%s is not gone from the guest (error %d)", a->region->name, err);
    else
        attachment_leave(a);
}

void shmem_detach_all(struct shmem *s)
{
    for (unsigned i = 0; i < s->attachment_count; i++) {
        struct shmem_attachment *a = &s->attachments[i];
        if (a->region && a->shown)
            shmem_detach(s, a);
        else if (a->region)
            attachment_leave(a);
    }
}

void shmem_find(struct shmem *s, uint32_t n)
{
    const struct shmem_region *r;
    char name[SHMEM_NAME];
    for (unsigned i = 0; (r = region_at(i)) != NULL; i++) {
        if (!r->name[0] || !name_for_guest(s, r->name, name) || n--)
            continue;
        const struct shmem_attachment *a = attachment_to(s, r);
        memcpy(s->name, name, SHMEM_NAME);
        s->status = GSS_OK;
        s->size = r->pages;
        s->shmem = a && a->shown ? a->at : 0;
        return;
    }
    s->status = GSS_DOES_NOT_EXIST;
    s->size = 0;
    s->shmem = 0;
}
