/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A64 loads and stores whose abort carries no syndrome (ISV=0): pairs, and those that write their base register back (DDI 0487 C4.1). */
#include "hyp/base/bits.h"

struct insn_access {
    uint8_t size;  /* bytes of one element: 1, 2, 4, 8 */
    uint8_t count; /* 1, or 2 for a pair */
    uint8_t rt[2];
    uint8_t rn;
    bool load, sign_extend, wide;
    bool writeback;
    int16_t writeback_offset; /* added to the base register afterwards */
};

/* false: not such an instruction, or one on FP/SIMD registers. Pure. */
bool insn_decode(uint32_t insn, struct insn_access *out);
