/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Lists of address ranges in fixed tables: sorted by base, disjoint, none adjacent. Pure; no range of a list wraps. */
#include "hyp/base/addr.h"
#include "hyp/base/bits.h"

/* Does [base, base+size) stay below 2^bits, without wrapping? */
static inline bool range_fits(uint64_t base, uint64_t size, unsigned bits)
{
    uint64_t limit = BIT(bits);
    return base <= limit && size <= limit - base;
}

/* Is the second range wholly inside the first? Neither wraps. */
static inline bool range_covers(uint64_t base, uint64_t size, uint64_t inner, uint64_t inner_size)
{
    return inner >= base && inner - base <= size && inner_size <= size - (inner - base);
}

/* Adds a range, merging what it touches. -E2BIG: the table is full and unchanged. A range of size 0 is nothing. */
int ranges_add(struct range *list, unsigned *count, unsigned max, struct range r);
/* The first range of the list that shares a byte with r, or NULL. */
const struct range *ranges_hit(const struct range *list, unsigned count, struct range r);
/* Is r wholly inside one of the list? */
bool ranges_cover(const struct range *list, unsigned count, struct range r);
