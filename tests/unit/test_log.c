/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/log.c hyp/log_ring.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "arch/arm64/timer.h"
#include "hyp/console.h"
#include "hyp/log.h"

static uint64_t now;
static char last[LOG_LINE];
static unsigned lines;

uint64_t timer_now(void)
{
    return now;
}

uint64_t timer_freq(void)
{
    return 1000000;
}

uint64_t timer_ms(uint64_t ms)
{
    return ms * 1000;
}

void console_log(const char *line, size_t n)
{
    assert_int_equal(strlen(line), n);
    strcpy(last, line);
    lines++;
    log_ring_add(line, n);
}

static void test_format(void **state)
{
    (void)state;
    now = 12345678;
    log_line(LOG_WARN, "core %u of %s", 3, "x");
    assert_string_equal(last, "[   12.345678] WARN  core 3 of x");
    assert_int_equal(log_severity_of(last, strlen(last)), LOG_WARN);
    log_line(LOG_FATAL, "%s", "");
    assert_int_equal(log_severity_of(last, strlen(last)), LOG_FATAL);
    log_line(LOG_INFO, "ends\n");
    assert_string_equal(last, "[   12.345678] INFO  ends");
}

static void test_guest_text_is_harmless(void **state)
{
    (void)state;
    log_line(LOG_INFO, "name %s", "a\r\nR machine end\x1b[2J");
    assert_null(strpbrk(last, "\r\n\x1b"));
    assert_non_null(strstr(last, "a??R machine end?[2J"));
}

static void test_long_line_is_cut(void **state)
{
    char text[1000];
    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = 0;
    log_line(LOG_ERROR, "%s", text);
    assert_int_equal(strlen(last), LOG_LINE - 1);
    assert_string_equal(last + LOG_LINE - 5, "x...");
}

static void test_filter(void **state)
{
    (void)state;
    lines = 0;
    log_filter_set(LOG_ERROR | LOG_DEBUG);
    log_info("no");
    log_debug("yes");
    log_error("yes");
    log_filter_set(0);
    log_error("no");
    log_filter_set(~0u);
    assert_int_equal(lines, 2);
    assert_int_equal(error_at(-22, "why"), -22);
}

static void test_limit(void **state)
{
    struct log_limit limit = { 0 };
    unsigned allowed = 0;
    (void)state;
    now = 500000000;
    for (unsigned i = 0; i < 1000; i++)
        allowed += log_allowed(&limit);
    assert_int_equal(allowed, LOG_BURST);
    assert_int_equal(limit.dropped, 1000 - LOG_BURST);
    lines = 0;
    now += LOG_REFILL_MS * 1000;
    assert_true(log_allowed(&limit));
    assert_int_equal(lines, 1);
    assert_non_null(strstr(last, "992 lines"));
    assert_false(log_allowed(&limit));
    now += UINT64_C(100) * LOG_REFILL_MS * 1000;
    for (unsigned i = allowed = 0; i < 100; i++)
        allowed += log_allowed(&limit);
    assert_int_equal(allowed, LOG_BURST);
}

/* Two cores' clocks, or a time that was read before a wait: no line is given back for it. */
static void test_limit_of_an_earlier_time(void **state)
{
    struct log_limit limit = { 0 };
    (void)state;
    now = 1000;
    for (unsigned i = 0; i < LOG_BURST; i++)
        assert_true(log_allowed(&limit));
    now = 999;
    assert_false(log_allowed(&limit));
    now = 1000 + LOG_REFILL_MS * 1000;
    assert_true(log_allowed(&limit));
    assert_false(log_allowed(&limit));
}

static void test_ring(void **state)
{
    char line[LOG_LINE], want[LOG_LINE];
    uint64_t at = log_ring_end(), lost = 0;
    (void)state;
    assert_int_equal(log_ring_next(&at, line, &lost), -1);
    for (unsigned i = 0; i < LOG_LINE; i++) {
        memset(want, 'a' + i % 26, i);
        log_ring_add(want, i);
        assert_int_equal(log_ring_next(&at, line, &lost), i < LOG_LINE ? i : LOG_LINE - 1);
        assert_memory_equal(line, want, i);
        assert_int_equal(log_ring_next(&at, line, &lost), -1);
    }
    assert_int_equal(lost, 0);
}

static void test_ring_overwritten(void **state)
{
    char line[LOG_LINE];
    uint64_t at = log_ring_end(), lost = 0, read = 0;
    (void)state;
    for (unsigned i = 0; i < CONFIG_LOG_BUFFER_SIZE / 8; i++) {
        snprintf(line, sizeof(line), "line %09u", i);
        log_ring_add(line, strlen(line));
    }
    uint64_t written = log_ring_end() - at;
    int n, first = -1, next = -1;
    while ((n = log_ring_next(&at, line, &lost)) >= 0) {
        read += (unsigned)n + 1;
        assert_int_equal(sscanf(line, "line %d", &n), 1);
        if (first >= 0)
            assert_int_equal(n, next);
        else
            first = n;
        next = n + 1;
    }
    assert_int_equal(read + lost, written);
    assert_true(read > CONFIG_LOG_BUFFER_SIZE - 32 && read <= CONFIG_LOG_BUFFER_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format), cmocka_unit_test(test_guest_text_is_harmless),
        cmocka_unit_test(test_filter), cmocka_unit_test(test_long_line_is_cut),
        cmocka_unit_test(test_limit),  cmocka_unit_test(test_limit_of_an_earlier_time),
        cmocka_unit_test(test_ring),   cmocka_unit_test(test_ring_overwritten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
