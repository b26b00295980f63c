/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/api/regs.h"
#include "hyp/base/log.h"

#include <errno.h>

#define REG_SIZES (REG_SIZE_1 | REG_SIZE_2 | REG_SIZE_4 | REG_SIZE_8)

static bool row_is_sound(const struct reg *row)
{
    bool stride = row->stride == 1 || row->stride == 2 || row->stride == 4 || row->stride == 8;
    return stride && row->span && row->span % row->stride == 0 && row->span <= UINT32_MAX - row->offset &&
           row->offset % row->stride == 0 && row->sizes && !(row->sizes & ~REG_SIZES);
}

int reg_table_check(const struct reg_table *t, const char *name)
{
    uint32_t end = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        const struct reg *row = &t->rows[i];
        if (!row_is_sound(row))
            return error_at(-EINVAL, "%s: register table, row %u (offset 0x%x): bad stride, span or sizes", name, i,
                            row->offset);
        if (row->offset < end)
            return error_at(-EINVAL, "%s: register table, row %u (offset 0x%x) is out of order or overlaps", name, i,
                            row->offset);
        end = row->offset + row->span;
    }
    return 0;
}
