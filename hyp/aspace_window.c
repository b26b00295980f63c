/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses kept for regions that vdevs make at run time. */
#include "hyp/aspace_parts.h"
#include "hyp/base/log.h"
#include "hyp/ranges.h"

#include <errno.h>

int region_check_windows(const struct aspace *as, const struct region *r)
{
    for (unsigned i = 0; i < as->window_count; i++) {
        const struct aspace_window *w = &as->windows[i];
        if (w->vdev != r->vdev && ranges_overlap(w->base.raw, w->size, r->base.raw, r->size))
            return error_at(-EEXIST, "%s: 0x%llx bytes at 0x%llx overlap what is kept for %s, 0x%llx bytes at 0x%llx",
                            r->owner, (unsigned long long)r->size, (unsigned long long)r->base.raw, w->owner,
                            (unsigned long long)w->size, (unsigned long long)w->base.raw);
    }
    return 0;
}

static __startup int window_check(const struct aspace *as, const struct aspace_window *w)
{
    struct region r = { .base = w->base, .size = w->size, .vdev = NULL, .flags = GRF_PASS_RD, .owner = w->owner };
    unsigned i = region_index(&as->regions, w->base.raw);
    int err = region_check(as, &r);
    if (!err)
        err = region_check_windows(as, &r);
    if (err)
        return err;
    if (i < as->regions.count && as->regions.at[i].base.raw < w->base.raw + w->size)
        return region_refuse(-EEXIST, &r, &as->regions.at[i]);
    return 0;
}

int aspace_prepare(struct aspace *as, const struct aspace_window *w, unsigned regions)
{
    int err = window_check(as, w);
    if (err)
        return err;
    if (as->regions.count + as->promised + regions > REGION_MAX || as->window_count == CONFIG_MAX_VDEVS)
        return error_at(-E2BIG, "%s: more than %d regions in one VM", w->owner, REGION_MAX);
    /* Pages wherever they come to lie: a table for each 2 MiB. */
    as->promised_tables += tables_needed(0, PAGE_SIZE, w->size);
    as->promised += regions;
    as->windows[as->window_count++] = *w;
    lock_acquire(&as->lock);
    err = spare_fill(as, SPARE_AT_RUN_TIME + as->promised_tables);
    lock_release(&as->lock);
    return err ? error_at(err, "%s: no memory left for the tables of 0x%llx bytes", w->owner,
                          (unsigned long long)w->size)
               : 0;
}
