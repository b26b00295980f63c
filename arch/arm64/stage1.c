/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/stage1.h"

#define TCR_T0SZ FIELD(5, 0)
#define TCR_TG0 FIELD(15, 14)
#define TCR_T1SZ FIELD(21, 16)
#define TCR_TG1 FIELD(31, 30)
#define TTBR_BADDR FIELD(47, 1)

/* TG0 and TG1 number the granules differently (TCR_EL1). */
static uint8_t granule_bits(uint64_t tcr, bool high)
{
    static const uint8_t tg0[] = { 12, 16, 14, 12 }, tg1[] = { 12, 14, 12, 16 };
    return high ? tg1[field_get(TCR_TG1, tcr)] : tg0[field_get(TCR_TG0, tcr)];
}

struct stage1_walk stage1_begin(uint64_t tcr, uint64_t ttbr0, uint64_t ttbr1, uint64_t va)
{
    bool high = va & BIT(55);
    uint64_t size = field_get(high ? TCR_T1SZ : TCR_T0SZ, tcr);
    struct stage1_walk w = { .granule_bits = granule_bits(tcr, high), .input_bits = (uint8_t)(64 - size) };
    unsigned stride = w.granule_bits - 3u;
    unsigned levels = (w.input_bits - w.granule_bits + stride - 1u) / stride;
    if (levels < 1 || levels > 4)
        levels = 4;
    w.start_level = (uint8_t)(4 - levels);
    w.table = (high ? ttbr1 : ttbr0) & TTBR_BADDR;
    return w;
}

uint64_t stage1_descriptor(const struct stage1_walk *w, unsigned level, uint64_t table, uint64_t va)
{
    unsigned stride = w->granule_bits - 3u, shift = w->granule_bits + stride * (3 - level);
    uint64_t in = w->input_bits < 64 ? va & (BIT(w->input_bits) - 1) : va;
    uint64_t index = in >> shift;
    if (level != w->start_level)
        index &= BIT(stride) - 1;
    return table + index * 8;
}
