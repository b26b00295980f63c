/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The only code that touches FP and SIMD registers: assembly, CPACR_EL1.FPEN being the caller's business. */
#include "hyp/base/bits.h"

struct fp_state {
    uint64_t q[64];
    uint64_t fpcr, fpsr;
};

void fp_load(const struct fp_state *from);
void fp_store(struct fp_state *to);
/* Loads, leaves for the hypervisor (0 HVC, 1 a trapped load, 2 WFI, 3 nothing), stores: no other instruction in between. */
void fp_round_trip(const struct fp_state *from, struct fp_state *to, uint64_t way, uint64_t address);
/* The bits of (double)a / (double)b. */
uint64_t fp_divide(uint64_t a, uint64_t b);
uint64_t fp_touch(uint64_t a, uint64_t b);
