/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Caches, barriers and bulk memory: their one home. */
#include <stddef.h>
#include "hyp/base/addr.h"

/* Clean and invalidate by VA to the point of coherency. */
void cache_clean_inval_poc(const void *p, size_t len);
/* Clean by VA to the point of coherency. */
void cache_clean_poc(const void *p, size_t len);
/* All instruction caches, inner shareable, with the barriers (IC IALLUIS; DSB ISH; ISB). */
void icache_inval_all(void);

/* Bulk copy and zero with general registers (LDP/STP; DC ZVA where allowed); any alignment; regions do not overlap. */
void bulk_copy(void *dst, const void *src, size_t len);
void bulk_zero(void *dst, size_t len);
