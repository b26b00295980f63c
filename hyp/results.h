/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The results channel's own parts; results_line() is hyp/console.h's. */
#include <stddef.h>
#include "hyp/base/phase.h"
#include "hyp/platform.h"

/* Lines written before go out now. -ENODEV, traced: no such UART or no driver; the ring in memory works all the same. */
int results_init(const struct platform_uart *u) __startup __must_check;
/* From now on each line is a line of the log besides, of severity info. */
void results_to_log(void) __startup;
/* A line of the log: "L " before it. */
void results_log(const char *line, size_t n);
