/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The latency report: each event `count` times after 10 that do not count, the first-level caches emptied before each; least, mean, 99th percentile and most.
 * In cycles of PMCCNTR_EL0 where the guest has Performance Monitors, EL2's among them; else in ticks of CNTVCT_EL0.
 */
#include "hyp/base/bits.h"

#define COLD_MAX 10000

/* The GIC and the vectors of the calling core are set up; interrupts masked. */
void cold_rows(uint64_t count, bool v2);
/* The neighbour: writes one word of each line of 2 MiB, for ever. */
_Noreturn void cold_interfere(void);

/* cycles.S, as in measure.h but in cycles. */
uint64_t cycles_nothing(uint64_t a, uint64_t b);
uint64_t cycles_hvc(uint64_t fid, uint64_t b);
uint64_t cycles_read32(uint64_t address, uint64_t b);
uint64_t cycles_sgi_self(uint64_t sgi1r, uint64_t b);
uint64_t cycles_sgi_self_v2(uint64_t sgir, uint64_t b);
uint64_t cycles_timer(uint64_t cval);
extern char cycles_vectors[], cycles_vectors_v2[];
