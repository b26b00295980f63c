/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/region.h"
#include "hyp/ranges.h"

#include <errno.h>
#include <string.h>

unsigned region_index(const struct region_table *t, uint64_t ipa)
{
    unsigned low = 0, high = t->count;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (t->at[mid].base.raw + t->at[mid].size > ipa)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

const struct region *region_find(const struct region_table *t, uint64_t ipa)
{
    unsigned i = region_index(t, ipa);
    return i < t->count && t->at[i].base.raw <= ipa ? &t->at[i] : NULL;
}

bool region_permits(const struct region *r, uint32_t pass)
{
    uint32_t given = r->flags & GRF_PASS;
    if (!(r->flags & GRF_MEMORY))
        given &= ~(uint32_t)GRF_PASS_EX;
    return (given & pass) == pass;
}

static int slot_open(struct region_table *t, unsigned index)
{
    if (t->count == REGION_MAX)
        return -E2BIG;
    memmove(&t->at[index + 1], &t->at[index], (t->count - index) * sizeof(t->at[0]));
    t->count++;
    return 0;
}

int region_insert(struct region_table *t, const struct region *r, const struct region **other)
{
    unsigned index = region_index(t, r->base.raw);
    const struct region *next = &t->at[index];
    if (index < t->count && ranges_overlap(next->base.raw, next->size, r->base.raw, r->size)) {
        *other = next;
        return -EEXIST;
    }
    int err = slot_open(t, index);
    if (!err)
        t->at[index] = *r;
    return err;
}

void region_remove(struct region_table *t, unsigned index)
{
    t->count--;
    memmove(&t->at[index], &t->at[index + 1], (t->count - index) * sizeof(t->at[0]));
}

int region_split(struct region_table *t, uint64_t ipa)
{
    unsigned index = region_index(t, ipa);
    if (index == t->count || t->at[index].base.raw >= ipa)
        return 0;
    int err = slot_open(t, index + 1);
    if (err)
        return err;
    struct region *low = &t->at[index], *high = &t->at[index + 1];
    uint64_t length = ipa - low->base.raw;
    *high = *low;
    high->base = IPA(ipa);
    high->size -= length;
    high->skip += high->vdev ? length : 0;
    high->host = pa_add(high->host, length);
    low->size = length;
    return 0;
}

/* Do the two make one, as if they had never been split? */
static bool region_joins(const struct region *a, const struct region *b)
{
    return a->base.raw + a->size == b->base.raw && a->skip + (a->vdev ? a->size : 0) == b->skip &&
           a->host.raw + a->size == b->host.raw && a->flags == b->flags && a->home == b->home &&
           a->cookie == b->cookie && a->vdev == b->vdev && a->regs == b->regs && a->owner == b->owner;
}

void region_merge(struct region_table *t, uint64_t base, uint64_t end)
{
    unsigned index = region_index(t, base ? base - 1 : 0);
    while (index + 1 < t->count && t->at[index].base.raw < end) {
        if (!region_joins(&t->at[index], &t->at[index + 1])) {
            index++;
            continue;
        }
        t->at[index].size += t->at[index + 1].size;
        region_remove(t, index + 1);
    }
}
