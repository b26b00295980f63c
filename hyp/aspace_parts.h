/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the two halves of the address space share: assembling it and changing it while the machine runs. */
#include "hyp/aspace.h"

/* Stage 2 attributes of a region. Pure. */
uint64_t region_attrs(uint32_t flags);
/* 0, or -EINVAL traced: alignment, beyond the space, memory that cannot be read. */
int region_check(const struct aspace *as, const struct region *r) __must_check;
/* An overlap, or a table that is full, as an error that names both. */
int region_refuse(int err, const struct region *r, const struct region *other);
/* What is cached of the regions is no longer good. */
void aspace_changed(struct aspace *as) REQUIRES(as->lock);
