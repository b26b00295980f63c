/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the two halves of the address space share: assembling it and changing it while the machine runs. */
#include "hyp/aspace.h"

/* Table pages kept for splits when the machine runs. */
#define SPARE_AT_RUN_TIME 8

/* Fills the list of spare table pages up to `want`. 0 or -ENOMEM. */
int spare_fill(struct aspace *as, unsigned want) __startup __must_check;
/* An upper bound of the table pages that mapping a range takes. Pure. */
unsigned tables_needed(uint64_t ia, uint64_t pa, uint64_t size);
/* Stage 2 attributes of a region. Pure. */
uint64_t region_attrs(uint32_t flags);
/* 0, or -EINVAL traced: alignment, beyond the space, memory that cannot be read. */
int region_check(const struct aspace *as, const struct region *r) __must_check;
/* 0, or -EEXIST traced: part of it is kept for another vdev. */
int region_check_windows(const struct aspace *as, const struct region *r) __must_check;
/* An overlap, or a table that is full, as an error that names both. */
int region_refuse(int err, const struct region *r, const struct region *other);
/* What is cached of the regions is no longer good. */
void aspace_changed(struct aspace *as) REQUIRES(as->lock);
