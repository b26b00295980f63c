/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The machine's free memory: ranges, kept sorted, in a fixed table. Small pieces come from the smallest hole that fits, so that
 * 2 MiB blocks stay whole for guests. Allocation is for startup only; memory goes back at run time when a VM is refused or gone.
 */
#include "hyp/base/addr.h"
#include "hyp/base/lock.h"
#include "hyp/base/phase.h"
#include "hyp/platform.h"

#define POOL_MAX_RANGES 128

struct pool {
    struct spinlock lock;
    struct range free[POOL_MAX_RANGES]; /* under lock: sorted by base, disjoint, none adjacent */
    unsigned count;                     /* under lock */
};

/* All RAM of the platform without what is reserved, the image, the host tree and the bundle. -E2BIG: more ranges than the table holds. */
int pool_init(struct pool *pool, const struct platform *p, struct range image) __startup __must_check;
/* Page granular, aligned to `align` (a power of two, at least 4 KiB), wholly in [lo, hi). size 0 on failure (traced by the caller). */
struct range pool_alloc(struct pool *pool, uint64_t size, uint64_t align, pa_t lo, pa_t hi) __startup;
/* Takes exactly this range out. -EBUSY: part of it is not free. */
int pool_take(struct pool *pool, struct range r) __startup __must_check;
void pool_free(struct pool *pool, struct range r);
uint64_t pool_total(struct pool *pool);
uint64_t pool_largest(struct pool *pool);
/* The machine's. */
struct pool *pool_machine(void);

/* EL2's own small memory: zeroed, mapped, never freed. Sealed by startup_end(). NULL with a traced error. */
void *hyp_alloc(size_t bytes, size_t align) __startup;
/* Whole zeroed pages. */
void *hyp_alloc_pages(unsigned pages) __startup;
void hyp_alloc_seal(void) __startup;
uint64_t hyp_alloc_used(void);
