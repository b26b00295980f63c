/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How much time a context may have in a period, as a sporadic server: what it used in one go comes back one period after that began, so no
 * window of a period, wherever it begins, sees more than it was given. POSIX SCHED_SPORADIC counts from when it became ready instead: who is
 * kept off a core in between has what it used back too soon. Pure; the scheduler's lock guards it. Ticks.
 */
#include "hyp/base/bits.h"

#define BUDGET_REFILLS 16 /* pending at once, one place of them free; of more, some come back together */

struct budget {
    uint64_t capacity, period; /* capacity 0: no limit */
    uint64_t left;
    uint64_t active_at, used; /* since when it runs, and what it used since then */
    bool spent;
    unsigned refill_count;
    struct {
        uint64_t at, amount;
    } refills[BUDGET_REFILLS]; /* by time */
};

void budget_init(struct budget *b, uint64_t capacity, uint64_t period);
/* It comes to a core, or may use its budget there again. */
void budget_begin(struct budget *b, uint64_t now);
/* It ran for that long, up to now. True: its time is spent, and was not before. */
bool budget_charge(struct budget *b, uint64_t ran, uint64_t now);
/* It leaves the core: what it used will come back. */
void budget_end(struct budget *b);
/* What is due by now comes back. True: it was spent and may run again. */
bool budget_refill(struct budget *b, uint64_t now);
/* When the next refill is due; ~0: none. */
uint64_t budget_next(const struct budget *b);
