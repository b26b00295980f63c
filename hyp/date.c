/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/date.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/timer.h"
#include "boards/rtc/rtc.h"
#include "hyp/api/guest.h"
#include "hyp/base/log.h"

#include <string.h>

/* Set at startup, then const: the date at a count of the machine's counter. */
static uint64_t date_base, date_count;
static bool date_known;

static __startup const struct rtc_driver *rtc_driver_find(const char *compatible)
{
    for (unsigned i = 0; rtc_drivers[i]; i++)
        if (!strcmp(rtc_drivers[i]->compatible, compatible))
            return rtc_drivers[i];
    return NULL;
}

void date_init(const struct platform_rtc *rtc)
{
    const struct rtc_driver *driver = rtc->present ? rtc_driver_find(rtc->compatible) : NULL;
    volatile void *regs = driver ? mmu_map_device(rtc->regs.base, rtc->regs.size) : NULL;
    date_count = timer_now();
    date_base = regs ? driver->read(regs) : 0;
    date_known = date_base;
    if (!date_known)
        log_info("date: %s%s: unknown", rtc->present ? rtc->path : "the machine has no clock",
                 rtc->present ? " does not run, or has no driver" : "");
    else
        log_debug("date: %s says %llu", rtc->path, (unsigned long long)date_base);
}

bool host_date(uint64_t *seconds, uint64_t *next)
{
    uint64_t passed = (timer_now() - date_count) / timer_freq();
    *seconds = date_base + passed;
    *next = date_count + (passed + 1) * timer_freq();
    return date_known;
}
