/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/results.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "arch/arm64/mmu.h"
#include "boards/uart/uart.h"
#include "hyp/console.h"
#include "hyp/results.h"

static char sent[65536];
static size_t sent_count, uart_room = SIZE_MAX;
static unsigned long tries;

static void fake_init(struct uart *u)
{
    (void)u;
}

static bool fake_put(struct uart *u, uint8_t byte)
{
    (void)u;
    tries++;
    if (!uart_room)
        return false;
    uart_room--;
    sent[sent_count++] = (char)byte;
    sent[sent_count] = 0;
    return true;
}

static char logged[256];

static const struct uart_driver fake_driver = { .compatible = "fake", .init = fake_init, .put = fake_put };

const struct uart_driver *uart_driver_find(const char *compatible)
{
    return strcmp(compatible, "fake") ? NULL : &fake_driver;
}

volatile void *mmu_map_device(pa_t pa, uint64_t size)
{
    (void)pa;
    (void)size;
    return sent;
}

void log_line(enum log_severity sev, const char *fmt, ...)
{
    va_list ap;
    (void)sev;
    va_start(ap, fmt);
    vsnprintf(logged, sizeof(logged), fmt, ap);
    va_end(ap);
}

static const struct platform_uart second = { .path = "/second", .compatible = "fake", .present = true };

/* In the order of a boot: lines before there is a UART, then with one. */
static void test_boot(void **state)
{
    const struct platform_uart other = { .path = "/other", .compatible = "other", .present = true };
    char text[600];
    (void)state;
    results_line("R hyp version=%s cores=%u", "1", 4);
    assert_int_not_equal(results_init(&other), 0);
    assert_int_equal(results_init(&second), 0);
    assert_string_equal(sent, "R hyp version=1 cores=4\n");
    sent_count = 0;
    results_line("R vm %s", "a\nR machine end");
    results_log("text", 4);
    assert_string_equal(sent, "R vm a R machine end\nL text\n");
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = 0;
    sent_count = 0;
    results_line("%s", text);
    assert_int_equal(sent_count, 256);
    assert_int_equal(sent[255], '\n');
}

static void test_stuck_uart_stops_nothing(void **state)
{
    (void)state;
    uart_room = 5;
    sent_count = tries = 0;
    for (unsigned i = 0; i < 1000; i++)
        results_line("R line %u", i);
    assert_string_equal(sent, "R lin");
    assert_true(tries < 1000000);
    uart_room = SIZE_MAX;
    sent_count = 0;
    results_line("R again");
    assert_string_equal(sent, "R again\n");
}

/* With one wire they are in the log besides, but for last words, which have a way of their own. */
static void test_in_the_log(void **state)
{
    (void)state;
    results_to_log();
    sent_count = 0;
    results_line("R vm one state=%s", "running");
    assert_string_equal(logged, "R vm one state=running");
    assert_string_equal(sent, "R vm one state=running\n");
    logged[0] = 0;
    results_last_words("R machine panic");
    assert_string_equal(logged, "");
    assert_non_null(strstr(sent, "R machine panic\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boot),
        cmocka_unit_test(test_stuck_uart_stops_nothing),
        cmocka_unit_test(test_in_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
