/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/cache.h"
#include "arch/arm64/sysreg.h"
#include "hyp/base/bits.h"

static uint64_t line_size(void)
{
    return UINT64_C(4) << field_get(FIELD(19, 16), read_sysreg(ctr_el0));
}

void cache_clean_inval_poc(const void *p, size_t len)
{
    uint64_t line = line_size(), end = (uintptr_t)p + len;
    for (uint64_t at = align_down((uintptr_t)p, line); at < end; at += line)
        __asm__ volatile("dc civac, %0" ::"r"(at) : "memory");
    dsb_sy();
}

void icache_inval_all(void)
{
    dsb_ish();
    __asm__ volatile("ic ialluis" ::: "memory");
    dsb_ish();
    isb();
}
