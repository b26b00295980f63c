/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The date: read from the machine's clock at startup, counted on by the system counter. host_date() (hyp/api/guest.h) tells it. */
#include "hyp/platform.h"

/* After the timer is known. Without a clock the date is unknown, and so the log says. */
void date_init(const struct platform_rtc *rtc) __startup;
