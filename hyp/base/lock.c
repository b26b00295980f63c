/* SPDX-License-Identifier: Apache-2.0 */
#include "lock.h"

void lock_record_take(struct lock_record *r, const struct spinlock *l)
{
    if (!r)
        return;
    if (r->count < LOCK_RECORD_SIZE)
        r->held[r->count] = l;
    r->count++;
    r->peak = r->count > r->peak ? r->count : r->peak;
}

static unsigned listed(const struct lock_record *r)
{
    return r->count < LOCK_RECORD_SIZE ? r->count : LOCK_RECORD_SIZE;
}

/* Most often the one taken last; those behind it move up. */
void lock_record_drop(struct lock_record *r, const struct spinlock *l)
{
    if (!r || !r->count)
        return;
    unsigned n = listed(r), at = n;
    while (at > 0 && r->held[at - 1] != l)
        at--;
    for (; at && at < n; at++)
        r->held[at - 1] = r->held[at];
    r->held[n - 1] = at ? NULL : r->held[n - 1];
    r->count--;
}

bool lock_record_has(const struct lock_record *r, const struct spinlock *l)
{
    for (unsigned i = 0; r && i < listed(r); i++)
        if (r->held[i] == l)
            return true;
    return false;
}

bool lock_held_here(const struct spinlock *l)
{
    return LOCK_RECORDED && lock_record_has(lock_record_here(), l);
}

unsigned locks_held_here(void)
{
    const struct lock_record *r = LOCK_RECORDED ? lock_record_here() : NULL;
    return r ? r->count : 0;
}
