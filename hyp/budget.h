/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How much time a context may have in a period, as a sporadic server (POSIX SCHED_SPORADIC): what it used comes back one period after it
 * became ready, so no window of a period, wherever it begins, sees more than it was given. Pure; the scheduler's lock guards it. Ticks.
 */
#include "hyp/base/bits.h"

#define BUDGET_REFILLS 8 /* pending at once; further ones join the last */

struct budget {
    uint64_t capacity, period; /* capacity 0: no limit */
    uint64_t left;
    uint64_t active_at, used; /* since when it is ready, and what it used since then */
    bool spent;
    unsigned refill_count;
    struct {
        uint64_t at, amount;
    } refills[BUDGET_REFILLS]; /* by time */
};

void budget_init(struct budget *b, uint64_t capacity, uint64_t period);
/* It becomes ready. */
void budget_begin(struct budget *b, uint64_t now);
/* It ran for that long, up to now. True: its time is spent, and was not before. */
bool budget_charge(struct budget *b, uint64_t ran, uint64_t now);
/* It blocks: what it used will come back. */
void budget_end(struct budget *b);
/* What is due by now comes back. True: it was spent and may run again. */
bool budget_refill(struct budget *b, uint64_t now);
/* When the next refill is due; ~0: none. */
uint64_t budget_next(const struct budget *b);
