/* SPDX-License-Identifier: Apache-2.0 */
/* sources: boards/uart/aux_uart.c boards/power/bcm2835_pm.c */
/* A Raspberry Pi's mini-UART and power manager, on registers that are memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "boards/power/power.h"
#include "boards/uart/aux_uart.h"
#include "boards/uart/uart.h"

static uint32_t regs[16];
static struct uart uart = { .regs = (volatile uint8_t *)regs };

#define REG(offset) regs[(offset) / 4]

static void uart_sends_when_there_is_room(void **state)
{
    (void)state;
    memset(regs, 0, sizeof(regs));
    REG(AUX_MU_IER) = 0xf;
    uart_aux.init(&uart);
    assert_int_equal(REG(AUX_MU_IER), 0);
    assert_int_equal(REG(AUX_MU_LCR), 3);
    assert_int_equal(REG(AUX_MU_CNTL), 3);
    assert_false(uart_aux.put(&uart, 'a'));
    assert_false(uart_aux.idle(&uart));
    REG(AUX_MU_LSR) = AUX_MU_LSR_TX_ROOM;
    assert_true(uart_aux.put(&uart, 'a'));
    assert_int_equal(REG(AUX_MU_IO), 'a');
    assert_false(uart_aux.idle(&uart));
    REG(AUX_MU_LSR) = AUX_MU_LSR_TX_ROOM | AUX_MU_LSR_TX_IDLE;
    assert_true(uart_aux.idle(&uart));
}

static void uart_receives(void **state)
{
    (void)state;
    memset(regs, 0, sizeof(regs));
    assert_int_equal(uart_aux.get(&uart), -1);
    REG(AUX_MU_IO) = 0xffffff41;
    REG(AUX_MU_LSR) = AUX_MU_LSR_DATA_READY;
    assert_int_equal(uart_aux.get(&uart), 0x41);
    REG(AUX_MU_LSR) = AUX_MU_LSR_DATA_READY | AUX_MU_LSR_OVERRUN;
    assert_int_equal(uart_aux.get(&uart), -3);
}

static void uart_interrupts(void **state)
{
    (void)state;
    uart_aux.irq_enable(&uart, true, false);
    assert_int_equal(REG(AUX_MU_IER), 0xd);
    uart_aux.irq_enable(&uart, true, true);
    assert_int_equal(REG(AUX_MU_IER), 0xf);
    uart_aux.irq_enable(&uart, false, false);
    assert_int_equal(REG(AUX_MU_IER), 0);
}

/* PM_RSTC at 0x1c, PM_RSTS at 0x20, PM_WDOG at 0x24: each write with the password, what is not ours as it was. */
static void power_words(void **state)
{
    (void)state;
    memset(regs, 0, sizeof(regs));
    REG(0x1c) = 0x112;
    REG(0x20) = 0x1aaa;
    power_bcm2835.off(regs);
    assert_int_equal(REG(0x20), 0x5a000000 | 0x1aaa | 0x555);
    assert_int_equal(REG(0x1c), 0x5a000000 | 0x122);
    assert_int_equal(REG(0x24), 0x5a000000 | 10);
    REG(0x1c) = 0x102;
    REG(0x20) = 0x1fff;
    power_bcm2835.reset(regs);
    assert_int_equal(REG(0x20), 0x5a000000 | 0x1aaa); /* partition 0: the firmware starts again */
    assert_int_equal(REG(0x1c), 0x5a000000 | 0x122);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uart_sends_when_there_is_room),
        cmocka_unit_test(uart_receives),
        cmocka_unit_test(uart_interrupts),
        cmocka_unit_test(power_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
