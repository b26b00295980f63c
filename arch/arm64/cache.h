/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Caches, barriers and bulk memory: their one home. */
#include <stddef.h>
#include "hyp/base/addr.h"

/* Clean and invalidate by VA to the point of coherency. There is no cleaning alone: on a Cortex-A53 it has errata (819472, 824069, 826319, 827319, 855873). */
void cache_clean_inval_poc(const void *p, size_t len);
/* All instruction caches, inner shareable, with the barriers (IC IALLUIS; DSB ISH; ISB). */
void icache_inval_all(void);

/* Bulk copy and zero with general registers (LDP/STP; DC ZVA where allowed); any alignment; regions do not overlap. */
void bulk_copy(void *dst, const void *src, size_t len);
void bulk_zero(void *dst, size_t len);
