/* SPDX-License-Identifier: Apache-2.0 */
/* What a lock guards is reached through accessors that require it. */
/* fails: calling function 'line_count' requires holding lock 'line->lock' exclusively */
#include "hyp/base/lock.h"

struct line {
    struct spinlock lock;
    /* under lock: */
    uint32_t pending;
};

void line_count(struct line *line) REQUIRES(line->lock);
void line_raise(struct line *line);

void line_count(struct line *line)
{
    line->pending++;
}

void line_raise(struct line *line)
{
#if defined(MUST_COMPILE)
    lock_acquire(&line->lock);
    line_count(line);
    lock_release(&line->lock);
#else
    line_count(line);
#endif
}
