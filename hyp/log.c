/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include "arch/arm64/timer.h"
#include "hyp/base/lock.h"
#include "hyp/console.h"
#include "hyp/log.h"

#define LOG_CUT "..."

static const struct {
    enum log_severity severity;
    char tag[6];
} log_tags[] = {
    { LOG_FATAL, "FATAL" }, { LOG_INTERNAL, "BUG  " }, { LOG_ERROR, "ERROR" },   { LOG_WARN, "WARN " },
    { LOG_INFO, "INFO " },  { LOG_DEBUG, "DEBUG" },    { LOG_VERBOSE, "VERB " },
};

static uint32_t log_passes = ~UINT32_C(0);
static struct spinlock limit_lock = LOCK_RANKED(LOCK_LOG_LIMIT);

void log_filter_set(uint32_t severities)
{
    __atomic_store_n(&log_passes, severities, __ATOMIC_RELAXED);
}

uint32_t log_filter(void)
{
    return __atomic_load_n(&log_passes, __ATOMIC_RELAXED);
}

static const char *log_tag(enum log_severity sev)
{
    for (unsigned i = 0; i < ARRAY_LEN(log_tags); i++)
        if (log_tags[i].severity == sev)
            return log_tags[i].tag;
    return "?    ";
}

uint32_t log_severity_of(const char *line, size_t n)
{
    const char *tag = memchr(line, ']', n);
    if (!tag || tag + 7 > line + n)
        return 0;
    for (unsigned i = 0; i < ARRAY_LEN(log_tags); i++)
        if (!memcmp(log_tags[i].tag, tag + 2, 5))
            return log_tags[i].severity;
    return 0;
}

/* What a guest or a description can put into a name must not look like another line or move the terminal's cursor. */
static void text_clean(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            *s = '?';
}

size_t log_format(char line[LOG_LINE], enum log_severity sev, uint64_t ticks, uint64_t freq, const char *fmt,
                  va_list ap)
{
    uint64_t s = freq ? ticks / freq : 0;
    uint64_t us = freq ? ticks % freq * 1000000 / freq : 0;
    int head = sniprintf(line, LOG_LINE, "[%5lu.%06lu] %s ", (unsigned long)s, (unsigned long)us, log_tag(sev));
    int body = vsniprintf(line + head, LOG_LINE - (size_t)head, fmt, ap);
    if (body < 0)
        body = 0;
    if (head + body >= LOG_LINE) {
        memcpy(line + LOG_LINE - sizeof(LOG_CUT), LOG_CUT, sizeof(LOG_CUT));
        body = LOG_LINE - 1 - head;
    }
    line[head + body] = '\0';
    if (body && line[head + body - 1] == '\n')
        line[head + --body] = '\0';
    text_clean(line + head);
    return (size_t)(head + body);
}

void log_line(enum log_severity sev, const char *fmt, ...)
{
    if (!(log_filter() & sev))
        return;
    char line[LOG_LINE];
    va_list ap;
    va_start(ap, fmt);
    size_t n = log_format(line, sev, timer_now(), timer_freq(), fmt, ap);
    va_end(ap);
    console_log(line, n);
}

/* Gives back one line for each refill period that went by. A time before the last one is no time that went by. */
static void limit_refill(struct log_limit *limit, uint64_t now, uint64_t period)
{
    if (!limit->used || !period || now < limit->last_ticks)
        return;
    uint64_t lines = (now - limit->last_ticks) / period;
    if (lines >= limit->used)
        limit->used = 0;
    else
        limit->used -= (uint32_t)lines;
    limit->last_ticks += lines * period;
}

bool log_allowed(struct log_limit *limit)
{
    uint32_t dropped = 0;
    lock_acquire(&limit_lock);
    uint64_t now = timer_now(); /* who waited for the lock is later than who had it */
    limit_refill(limit, now, timer_ms(LOG_REFILL_MS));
    bool allowed = limit->used < LOG_BURST;
    if (allowed) {
        if (!limit->used++)
            limit->last_ticks = now;
        dropped = limit->dropped;
        limit->dropped = 0;
    } else {
        limit->dropped++;
    }
    lock_release(&limit_lock);
    if (dropped)
        log_warn("%u lines like the next were dropped", dropped);
    return allowed;
}
