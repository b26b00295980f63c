/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/platform_options.c tests/unit/tree_support.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "hyp/platform_parts.h"
#include "tests/unit/tree_support.h"

static struct boot_options o;

static void options(const char *words)
{
    log_forget();
    platform_options(words, &o);
}

static void options_default(void **state)
{
    (void)state;
    options("");
    assert_string_equal(log_all(), "");
    assert_int_equal(o.log_filter & LOG_DEFAULT, LOG_DEFAULT);
    assert_int_equal(o.log_to, LOG_TO_UART);
    assert_int_equal(o.console, CONSOLE_MUX);
    assert_int_equal(o.on_end, ON_END_OFF);
    assert_int_equal(o.on_reset, ON_RESET_AS_VM);
    assert_string_equal(o.marker, "");
}

static void options_known(void **state)
{
    (void)state;
    options("log=off  log-to=results console=raw panic=reset on-end=stay\ton-reset=stop ");
    assert_string_equal(log_all(), "");
    assert_int_equal(o.log_filter, 0);
    assert_int_equal(o.log_to, LOG_TO_RESULTS);
    assert_int_equal(o.results, RESULTS_TO_UART);
    assert_int_equal(o.console, CONSOLE_RAW);
    assert_int_equal(o.panic, PANIC_RESET);
    assert_int_equal(o.on_end, ON_END_STAY);
    assert_int_equal(o.on_reset, ON_RESET_STOP);
    options("log=fatal,debug \"console-marker=--- now ---\"");
    assert_int_equal(o.log_filter, LOG_FATAL | LOG_DEBUG);
    assert_string_equal(o.marker, "--- now ---");
    options("console-marker=\"a b\" log=warn");
    assert_string_equal(o.marker, "a b");
    assert_int_equal(o.log_filter, LOG_FATAL | LOG_INTERNAL | LOG_ERROR | LOG_WARN);
    options("log=verbose panic=park log-to=ring on-reset=restart results=log");
    assert_int_equal(o.results, RESULTS_TO_LOG);
    assert_int_equal(o.log_filter, LOG_DEFAULT | LOG_DEBUG | LOG_VERBOSE);
    assert_int_equal(o.panic, PANIC_PARK);
}

static void options_wrong(void **state)
{
    char *word = malloc(200);

    (void)state;
    options("log=loud log=, log= log=warn,, console quiet root=/dev/vda1 panic=never");
    assert_true(log_has("\"log=loud\": log cannot be that"));
    assert_true(log_has("\"log=,\": log cannot be that"));
    assert_true(log_has("\"log=\": log cannot be that"));
    assert_true(log_has("\"log=warn,,\": log cannot be that"));
    assert_true(log_has("unknown word \"console\""));
    assert_true(log_has("unknown word \"quiet\""));
    assert_true(log_has("unknown word \"root=/dev/vda1\""));
    assert_true(log_has("\"panic=never\": panic cannot be that"));
    assert_int_equal(o.log_filter & LOG_DEFAULT, LOG_DEFAULT);
    options("console-marker=0123456789012345678901234567890123456789012345678901234567890123456789");
    assert_true(log_has("console-marker cannot be that"));
    assert_string_equal(o.marker, "");
    options("\"unclosed quote");
    assert_true(log_has("unknown word \"unclosed quote\""));
    memset(word, 'x', 199);
    word[199] = 0;
    options(word);
    assert_true(log_has("is too long"));
    options("bell\aand\x1b[2J");
    assert_true(log_has("unknown word \"bell?and?[2J\""));
    free(word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_default),
        cmocka_unit_test(options_known),
        cmocka_unit_test(options_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
