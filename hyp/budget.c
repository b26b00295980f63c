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

void budget_end(struct budget *b)
{
    if (!b->used)
        return;
    uint64_t at = b->active_at + b->period;
    if (b->refill_count == BUDGET_REFILLS) {
        b->refills[BUDGET_REFILLS - 1].amount += b->used;
        b->refills[BUDGET_REFILLS - 1].at = at; /* later than any before it: nobody else loses by that */
    } else {
        b->refills[b->refill_count].at = at;
        b->refills[b->refill_count++].amount = b->used;
    }
    b->used = 0;
}

bool budget_refill(struct budget *b, uint64_t now)
{
    unsigned due = 0;
    while (due < b->refill_count && b->refills[due].at <= now)
        b->left += b->refills[due++].amount;
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
