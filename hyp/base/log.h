/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The hypervisor's log: one line a call, no newline at the end. Any phase, any core, never blocks; the integer printf
 * family only. A line that a guest can cause goes through a struct log_limit (decisions: rate limited from the first).
 */
#include <stdint.h>
#include "bits.h"
#include "phase.h"

/* Severities are independent bits, so that a filter is a set. */
enum log_severity {
    LOG_FATAL = 1 << 0,
    LOG_INTERNAL = 1 << 1,
    LOG_ERROR = 1 << 2,
    LOG_WARN = 1 << 3,
    LOG_INFO = 1 << 4,
    LOG_DEBUG = 1 << 5,
    LOG_VERBOSE = 1 << 6,
};
#define LOG_DEFAULT (LOG_FATAL | LOG_INTERNAL | LOG_ERROR | LOG_WARN | LOG_INFO)

void log_line(enum log_severity sev, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/* Logs where an error arises and is the error: return error_at(-EINVAL, "%s: no such image", path); */
#define error_at(err, ...) (log_line(LOG_ERROR, __VA_ARGS__), (err))

/* A budget of lines for one cause: `burst` lines, refilled one each `LOG_REFILL_MS`. Zeroed is full. */
struct log_limit {
    uint64_t last_ticks;
    uint32_t used;
    uint32_t dropped;
};
/* May a line be written? Counts what it refuses; the next one allowed says how many were dropped. */
bool log_allowed(struct log_limit *limit);
#define log_limited(limit, sev, ...) \
    do { \
        if (log_allowed(limit)) \
            log_line(sev, __VA_ARGS__); \
    } while (0)

/* Our own invariant is broken: one screen, then reset or park. Never for anything a guest or an input can cause. */
_Noreturn void hyp_panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#define hyp_assert(cond) \
    do { \
        if (__builtin_expect(!(cond), 0)) \
            hyp_panic("assertion failed at %s:%d: %s", __FILE__, __LINE__, #cond); \
    } while (0)
