/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The geometry of a guest's own translation, from its registers. */
#include "hyp/base/bits.h"

struct stage1_walk {
    uint64_t table; /* IPA of the first table */
    uint8_t start_level;
    uint8_t granule_bits; /* 12, 14 or 16 */
    uint8_t input_bits;
};

/* Which table a walk for va begins in, by TCR_EL1 and TTBRn_EL1. Pure. */
struct stage1_walk stage1_begin(uint64_t tcr, uint64_t ttbr0, uint64_t ttbr1, uint64_t va);
/* IPA of the descriptor for va at a level in that table. Pure. */
uint64_t stage1_descriptor(const struct stage1_walk *w, unsigned level, uint64_t table, uint64_t va);
/* The running vCPU's. */
struct stage1_walk stage1_begin_current(uint64_t va);
