/* SPDX-License-Identifier: Apache-2.0 */
/* Alarms and the cores that they belong to. */
#include "arch/arm64/timer.h"
#include "hyp/base/log.h"
#include "hyp/core.h"

#include <errno.h>

void core_alarms_init(struct core *c)
{
    lock_rank(&c->alarms.lock, LOCK_ALARMS, 0);
    c->alarms.first = c->armed = ALARM_NEVER;
}

int alarm_init(struct alarm *a, struct core *c, alarm_fn fn)
{
    if (c->alarms.made == CONFIG_MAX_ALARMS)
        return error_at(-E2BIG, "core %u: more than %u timers (CONFIG_MAX_ALARMS)", c->arch.index, CONFIG_MAX_ALARMS);
    c->alarms.made++;
    *a = (struct alarm){ .core = c, .fn = fn };
    return 0;
}

static void core_program(struct core *c, uint64_t when)
{
    if (c->armed == when)
        return;
    c->armed = when;
    timer_deadline(when);
}

void core_deadline(struct core *c, uint64_t when)
{
    uint64_t first = alarm_queue_first(&c->alarms);
    core_program(c, first < when ? first : when);
}

void alarm_set(struct alarm *a, uint64_t when)
{
    struct core *c = a->core;
    uint64_t irqs = irq_mask(); /* a thread stays on this core */
    if (!alarm_queue_set(&c->alarms, a, when))
        ;
    else if (c != this_core())
        core_kick(c); /* its loop sees the new first before it enters a guest or sleeps */
    else if (when < c->armed)
        core_program(c, when); /* the exit under way may end without the loop */
    irq_restore(irqs);
}

void alarm_cancel(struct alarm *a)
{
    /* Who set it comes before us: a place that is not seen is none. The timer may fire for nothing; it is set right then. */
    if (__atomic_load_n(&a->place, __ATOMIC_RELAXED))
        alarm_queue_cancel(&a->core->alarms, a);
}

void core_alarms_due(struct core *c)
{
    core_program(c, ALARM_NEVER);
    uint64_t now = timer_now();
    for (unsigned n = 0; n < ALARM_BATCH; n++) {
        struct alarm *a = alarm_queue_take(&c->alarms, now);
        if (!a)
            return;
        a->fn(a);
    }
}
