/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/guest/rtos/tick.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/timer.h"

static uint64_t period, deadline;
static volatile uint64_t ticks, missed;
static struct tick_latency latency;

void tick_start(void)
{
    period = mrs(cntfrq_el0) / TICK_HZ;
    deadline = timer_count() + period;
    msr(cntv_cval_el0, deadline);
    msr(cntv_ctl_el0, CTL_ENABLE);
    gic_enable(INTID_CNTV);
}

void tick_handle(uint64_t now)
{
    uint64_t late = now - deadline;
    if (!latency.count || late < latency.min)
        latency.min = late;
    if (late > latency.max)
        latency.max = late;
    latency.sum += late;
    latency.count++;
    ticks++;
    /* The next deadline follows from the last, so that the tick does not drift; whole periods that were slept away are counted. */
    for (deadline += period; deadline <= now; deadline += period)
        missed++;
    msr(cntv_cval_el0, deadline);
    isb();
}

uint64_t tick_count(void)
{
    return ticks;
}

uint64_t tick_missed(void)
{
    return missed;
}

struct tick_latency tick_latency(bool reset)
{
    irq_disable();
    struct tick_latency copy = latency;
    if (reset)
        latency = (struct tick_latency){ 0 };
    irq_enable();
    return copy;
}
