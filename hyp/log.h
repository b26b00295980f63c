/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The log's ring in memory and its filter. Writing a line is hyp/base/log.h's. */
#include <stdarg.h>
#include "hyp/base/log.h"

#define LOG_LINE 256 /* the longest line; what is longer ends in "..." */
#define LOG_BURST 8
#define LOG_REFILL_MS 1000

/* Which severities pass from now on. Until it is called all do, into the ring only. */
void log_filter_set(uint32_t severities);
uint32_t log_filter(void);

/* "[seconds.micros] SEVERITY text", control characters made visible; answers its length. Pure. */
size_t log_format(char line[LOG_LINE], enum log_severity sev, uint64_t ticks, uint64_t freq, const char *fmt,
                  va_list ap);
/* The severity in a formatted line, 0: none. Pure. */
uint32_t log_severity_of(const char *line, size_t n);

/* Adds a line (no newline), at the cost of the oldest. Any phase, any core. */
void log_ring_add(const char *line, size_t n);
/* Bytes ever written to the ring: the position behind the last line. Any core, no lock. */
uint64_t log_ring_end(void);
/*
 * The line at *position (0: the oldest there is) without its newline, at most LOG_LINE bytes, and moves *position behind it;
 * answers its length, -1: none. *lost grows by the bytes that were overwritten before they were read.
 */
int log_ring_next(uint64_t *position, char line[LOG_LINE], uint64_t *lost);
