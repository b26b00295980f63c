/* SPDX-License-Identifier: Apache-2.0 */
/* sources: boards/early.c */
/* On which UART a start says why it goes no further. That it gets there, with the MMU off and on, a machine shows (test_boot_check.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "boards/early.h"

static struct board_pins fake;
static const struct board_pins *pins;

const struct board_pins *board_pins(void)
{
    return pins;
}

static int setup(void **state)
{
    (void)state;
    fake = (struct board_pins){
        .compatible = "fake",
        .address = 0x1000,
        .offset = 8,
        .mask = 0xf0,
        .route = { { 0x20, EARLY_PL011, CONFIG_EARLY_UART_ADDRESS }, { 0x40, EARLY_AUX, 0x5000 } },
    };
    pins = &fake;
    return 0;
}

static void assert_configured(struct early_uart u)
{
    assert_int_equal(u.kind, EARLY_PL011); /* that of QEMU's virt machine, which these tests are built for */
    assert_int_equal(u.address, CONFIG_EARLY_UART_ADDRESS);
    assert_int_equal(u.clock_hz, CONFIG_EARLY_UART_CLOCK);
}

static void test_pins_decide(void **state)
{
    (void)state;
    assert_int_equal(early_pins(), 0x1008);
    assert_configured(early_uart(0x2f));
    struct early_uart other = early_uart(0xffffff4f);
    assert_int_equal(other.kind, EARLY_AUX);
    assert_int_equal(other.address, 0x5000);
    assert_int_equal(other.clock_hz, 0); /* another's */
}

static void test_pins_that_lead_nowhere(void **state)
{
    (void)state;
    assert_configured(early_uart(0));
    assert_configured(early_uart(0x60));
}

/* The serial line hangs on a third UART, as the configuration says: what these pins do is of no interest. */
static void test_pins_of_others(void **state)
{
    (void)state;
    fake.route[0].uart = 0x6000;
    assert_int_equal(early_pins(), 0);
    assert_configured(early_uart(0x40));
    pins = NULL;
    assert_int_equal(early_pins(), 0);
    assert_configured(early_uart(0x40));
}

static void test_drivers(void **state)
{
    (void)state;
    assert_string_equal(early_uart_compatible(EARLY_PL011), "arm,pl011");
    assert_string_equal(early_uart_compatible(EARLY_AUX), "brcm,bcm2835-aux-uart");
    assert_string_equal(early_uart_compatible(EARLY_CDNS), "cdns,uart-r1p12");
    assert_null(early_uart_compatible(EARLY_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_pins_decide, setup),
        cmocka_unit_test_setup(test_pins_that_lead_nowhere, setup),
        cmocka_unit_test_setup(test_pins_of_others, setup),
        cmocka_unit_test_setup(test_drivers, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
