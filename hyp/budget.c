/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/budget.h"

void budget_init(struct budget *b, uint64_t capacity, uint64_t period)
{
    *b = (struct budget){ .capacity = capacity, .period = period, .left = capacity };
}

void budget_begin(struct budget *b, uint64_t now)
{
    b->active_at = now;
    b->used = 0;
}

/* What is lost if the refill comes back with the one after it. Periods are a second at most: no overflow. */
static uint64_t delay_of(const struct budget *b, unsigned i)
{
    return b->refills[i].amount * (b->refills[i + 1].at - b->refills[i].at);
}

/*
 * Makes room for one more: later is never too much, and the choice keeps what is lost small however often it is preempted. Joining always the
 * same two would put off nearly all of it again and again.
 */
static void join_cheapest(struct budget *b)
{
    unsigned best = 0;
    for (unsigned i = 1; i + 1 < b->refill_count; i++)
        if (delay_of(b, i) < delay_of(b, best))
            best = i;
    b->refills[best + 1].amount += b->refills[best].amount;
    b->refill_count--;
    for (unsigned i = best; i < b->refill_count; i++)
        b->refills[i] = b->refills[i + 1];
}

void budget_end(struct budget *b)
{
    if (!b->used)
        return;
    b->refills[b->refill_count].at = b->active_at + b->period;
    b->refills[b->refill_count++].amount = b->used;
    b->used = 0;
    if (b->refill_count == BUDGET_REFILLS)
        join_cheapest(b);
}

bool budget_refill(struct budget *b, uint64_t now)
{
    unsigned due = 0;
    while (due < b->refill_count && b->refills[due].at <= now)
        b->left += b->refills[due++].amount;
    if (!due)
        return false;
    b->refill_count -= due;
    for (unsigned i = 0; i < b->refill_count; i++)
        b->refills[i] = b->refills[i + due];
    bool again = b->spent && b->left;
    if (again)
        b->spent = false;
    return again;
}

bool budget_charge(struct budget *b, uint64_t ran, uint64_t now)
{
    if (!b->capacity || b->spent)
        return false;
    uint64_t used = ran < b->left ? ran : b->left;
    b->left -= used;
    b->used += used;
    (void)budget_refill(b, now);
    if (b->left)
        return false;
    budget_end(b);
    b->spent = true;
    return true;
}

uint64_t budget_next(const struct budget *b)
{
    return b->refill_count ? b->refills[0].at : ~UINT64_C(0);
}
