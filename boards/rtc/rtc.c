/* SPDX-License-Identifier: Apache-2.0 */
#include "boards/rtc/rtc.h"
#include "hyp/base/config.h"

/* A driver's option decides whether its file is linked. */
const struct rtc_driver *const rtc_drivers[] = {
    IS_ENABLED(CONFIG_RTC_PL031) ? &rtc_pl031 : NULL,
    NULL,
};
