/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/api/regs.h"
#include "hyp/base/log.h"
#include "hyp/pool.h"

#include <errno.h>

#define TABLES_MAX (CONFIG_MAX_VDEVS * 2)

/* Set at startup, then const: tables indexed so far. */
static struct {
    const struct reg_table *table;
    struct reg_index index;
} known[TABLES_MAX];

bool reg_index_find(const struct reg_table *t, struct reg_index *out)
{
    for (unsigned slot = 0; slot < TABLES_MAX && known[slot].table; slot++) {
        if (known[slot].table == t) {
            *out = known[slot].index;
            return true;
        }
    }
    return false;
}

int reg_index_make(const struct reg_table *t, struct reg_index *out)
{
    if (!phase_is(PHASE_STARTUP, "register table"))
        return -EPERM;
    unsigned slot = 0;
    if (reg_index_find(t, out))
        return 0;
    while (slot < TABLES_MAX && known[slot].table)
        slot++;
    if (slot == TABLES_MAX)
        return error_at(-E2BIG, "more than %d register tables (twice CONFIG_MAX_VDEVS)", TABLES_MAX);
    if (t->count > UINT8_MAX)
        return error_at(-E2BIG, "register table of %u rows: at most %u", t->count, UINT8_MAX);
    const struct reg *last = t->count ? &t->rows[t->count - 1] : NULL;
    uint32_t granules = last ? (last->offset + last->span + REG_GRANULE - 1) / REG_GRANULE : 0;
    uint8_t *first = hyp_alloc(granules + 1, 1);
    if (!first)
        return -ENOMEM;
    for (uint32_t g = 0, row = 0; g < granules; g++) {
        while (row < t->count && t->rows[row].offset + t->rows[row].span <= g * REG_GRANULE)
            row++;
        first[g] = (uint8_t)row;
    }
    *out = (struct reg_index){ first, granules };
    known[slot].table = t;
    known[slot].index = *out;
    return 0;
}
