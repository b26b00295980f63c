/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The generic timer, as a clock and as an interrupt source. */
#include "tests/guest/lib/regs.h"

#define INTID_CNTV 27
#define INTID_CNTP 30
#define CTL_ENABLE BIT(0)
#define CTL_IMASK BIT(1)
#define CTL_ISTATUS BIT(2)

static inline uint64_t timer_count(void)
{
    isb();
    return mrs(cntvct_el0);
}

static inline uint64_t timer_ticks(uint64_t us)
{
    return us * mrs(cntfrq_el0) / 1000000;
}

static inline void delay_us(uint64_t us)
{
    uint64_t end = timer_count() + timer_ticks(us);
    while (timer_count() < end)
        yield();
}

/* Waits until the expression holds, at most ms; false when it never did. */
#define wait_until(cond, ms) \
    ({ \
        uint64_t end_ = timer_count() + timer_ticks((uint64_t)(ms)*1000); \
        bool held_; \
        while (!(held_ = (cond)) && timer_count() < end_) \
            yield(); \
        held_ || (cond); \
    })
