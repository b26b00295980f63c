/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A physical real-time clock, read once at startup. Drivers are one file each, found by compatible. */
#include "hyp/base/bits.h"

struct rtc_driver {
    const char *compatible;
    /* Seconds since 1970-01-01 00:00 UTC; 0: it does not run. Changes nothing in the device. */
    uint64_t (*read)(volatile void *regs);
};

/* Every driver that is built in, up to the one that is NULL. */
extern const struct rtc_driver *const rtc_drivers[];
extern const struct rtc_driver rtc_pl031;
