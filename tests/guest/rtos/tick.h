/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The periodic tick: 100 Hz from the virtual timer, with its latency measured on every one. */
#include "hyp/base/bits.h"

#define TICK_HZ 100

/* In counter ticks, from the programmed deadline to the handler. */
struct tick_latency {
    uint64_t count, min, max, sum;
};

void tick_start(void);
/* Called by the interrupt handler; `now` is the counter at the handler's first instruction. */
void tick_handle(uint64_t now);
uint64_t tick_count(void);
uint64_t tick_missed(void);
/* The latency since the last call with `reset`. */
struct tick_latency tick_latency(bool reset);
