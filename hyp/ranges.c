/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include "hyp/ranges.h"

/* Do the two share a byte or lie side by side? */
static bool ranges_touch(struct range a, struct range b)
{
    return a.base.raw <= b.base.raw + b.size && b.base.raw <= a.base.raw + a.size;
}

static struct range ranges_union(struct range a, struct range b)
{
    uint64_t base = a.base.raw < b.base.raw ? a.base.raw : b.base.raw;
    uint64_t a_end = a.base.raw + a.size, b_end = b.base.raw + b.size;
    return (struct range){ PA(base), (a_end > b_end ? a_end : b_end) - base };
}

int ranges_add(struct range *list, unsigned *count, unsigned max, struct range r)
{
    unsigned first = 0, touched = 0;

    if (!r.size)
        return 0;
    while (first < *count && list[first].base.raw < r.base.raw && !ranges_touch(list[first], r))
        first++;
    while (first + touched < *count && ranges_touch(list[first + touched], r)) {
        r = ranges_union(r, list[first + touched]);
        touched++;
    }
    if (!touched && *count == max)
        return -E2BIG;
    memmove(&list[first + 1], &list[first + touched], (*count - first - touched) * sizeof(*list));
    list[first] = r;
    *count = *count - touched + 1;
    return 0;
}

const struct range *ranges_hit(const struct range *list, unsigned count, struct range r)
{
    for (unsigned i = 0; i < count; i++)
        if (ranges_overlap(list[i].base.raw, list[i].size, r.base.raw, r.size))
            return &list[i];
    return NULL;
}

bool ranges_cover(const struct range *list, unsigned count, struct range r)
{
    for (unsigned i = 0; i < count; i++)
        if (range_covers(list[i].base.raw, list[i].size, r.base.raw, r.size))
            return true;
    return false;
}
