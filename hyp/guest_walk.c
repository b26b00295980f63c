/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/guest_walk.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/stage1.h"

#define DESC_TABLE UINT64_C(3)

/* A descriptor of the guest's from its RAM; 0 if it has none there. */
static uint64_t descriptor_read(struct guest_cpu *v, uint64_t ipa)
{
    struct range r = aspace_ram_at(&v->vm->as, IPA(ipa), sizeof(uint64_t), 0);
    if (r.size < sizeof(uint64_t) || ipa & 7)
        return 0;
    uint64_t value = *(const volatile uint64_t *)window_map(r.base, sizeof(value), false);
    window_unmap();
    return value;
}

unsigned guest_walk_level(struct guest_cpu *v, uint64_t va, ipa_t at)
{
    struct stage1_walk w = stage1_begin_current(va);
    uint64_t table = w.table;
    for (unsigned level = w.start_level; level < 3; level++) {
        uint64_t where = stage1_descriptor(&w, level, table, va);
        if (align_down(where, PAGE_SIZE) == align_down(at.raw, PAGE_SIZE))
            return level;
        uint64_t d = descriptor_read(v, where);
        if ((d & 3) != DESC_TABLE)
            return level; /* the guest changed its tables since: any answer was true a moment ago */
        table = d & FIELD(47, w.granule_bits);
    }
    return 3;
}
