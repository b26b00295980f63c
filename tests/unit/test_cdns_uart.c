/* SPDX-License-Identifier: Apache-2.0 */
/* sources: boards/uart/cdns_uart.c */
/* The Cadence UART's driver, on registers that are memory: what it writes, in UG1087's terms. What a write does is the test's to play. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "boards/uart/cdns_uart.h"
#include "boards/uart/uart.h"

static uint32_t regs[32];
static struct uart uart = { .regs = (volatile uint8_t *)regs };

#define REG(offset) regs[(offset) / 4]

static void setup(uint32_t cr, uint64_t clock_hz)
{
    memset(regs, 0, sizeof(regs));
    REG(CDNS_CR) = cr;
    REG(CDNS_SR) = CDNS_SR_TEMPTY | CDNS_SR_REMPTY;
    uart.clock_hz = clock_hz;
    uart_cdns.init(&uart);
}

static uint64_t rate(void)
{
    return uart.clock_hz / ((uint64_t)REG(CDNS_BAUDGEN) * (REG(CDNS_BAUDDIV) + 1));
}

/* As it comes out of reset (UG1087: CR 0x128): nothing was set up. */
static void off_is_set_up(void **state)
{
    static const uint64_t clocks[] = { 50000000, 99999901, 100000000, 24000000, 1843200 };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(clocks); i++) {
        setup(0x128, clocks[i]);
        assert_in_range(rate(), 115200 * 97 / 100, 115200 * 103 / 100);
        assert_in_range(REG(CDNS_BAUDDIV), 4, 255);
        assert_int_equal(REG(CDNS_MR), 0x20);
        assert_int_equal(REG(CDNS_CR), 0x117);
    }
    /* No clock is known: the divider stays. */
    setup(0x128, 0);
    assert_int_equal(REG(CDNS_BAUDGEN), 0);
    assert_int_equal(REG(CDNS_CR), 0x117);
}

static void firmwares_line_stays(void **state)
{
    (void)state;
    memset(regs, 0, sizeof(regs));
    REG(CDNS_CR) = CDNS_CR_RXEN | CDNS_CR_TXEN;
    REG(CDNS_SR) = CDNS_SR_TEMPTY | CDNS_SR_REMPTY;
    REG(CDNS_BAUDGEN) = 62;
    REG(CDNS_BAUDDIV) = 13;
    REG(CDNS_MR) = 0x24;
    uart.clock_hz = 100000000;
    uart_cdns.init(&uart);
    assert_int_equal(REG(CDNS_BAUDGEN), 62);
    assert_int_equal(REG(CDNS_BAUDDIV), 13);
    assert_int_equal(REG(CDNS_MR), 0x24);
    assert_int_equal(REG(CDNS_CR), 0x114);
    assert_int_equal(REG(CDNS_IDR), 0x3fff);
    assert_int_equal(REG(CDNS_RXWM), 1);
    assert_int_equal(REG(CDNS_RXTOUT), 0);
    assert_int_equal(REG(CDNS_ISR), 0x3ffe); /* bytes that wait still interrupt */
}

static void sends_when_there_is_room(void **state)
{
    (void)state;
    setup(0x114, 0);
    REG(CDNS_SR) = CDNS_SR_TFUL | CDNS_SR_TACTIVE;
    assert_false(uart_cdns.put(&uart, 'a'));
    assert_false(uart_cdns.idle(&uart));
    REG(CDNS_SR) = CDNS_SR_TEMPTY | CDNS_SR_TACTIVE;
    assert_true(uart_cdns.put(&uart, 'a'));
    assert_int_equal(REG(CDNS_FIFO), 'a');
    assert_false(uart_cdns.idle(&uart));
    REG(CDNS_SR) = CDNS_SR_TEMPTY;
    assert_true(uart_cdns.idle(&uart));
}

static void receives(void **state)
{
    (void)state;
    setup(0x114, 0);
    REG(CDNS_ISR) = 0;
    assert_int_equal(uart_cdns.get(&uart), -1);
    assert_int_equal(REG(CDNS_ISR), CDNS_INT_RTRIG); /* only now that nothing is left */
    REG(CDNS_ISR) = 0;
    REG(CDNS_SR) = CDNS_SR_TEMPTY;
    REG(CDNS_FIFO) = 0xffffff41;
    assert_int_equal(uart_cdns.get(&uart), 0x41);
    assert_int_equal(REG(CDNS_ISR), 0);
    REG(CDNS_ISR) = CDNS_INT_ROVR | CDNS_INT_RTRIG;
    assert_int_equal(uart_cdns.get(&uart), -3);
    assert_int_equal(REG(CDNS_ISR), CDNS_INT_ROVR);
}

/* Bytes before the break are bytes. */
static void break_is_a_marked_byte(void **state)
{
    (void)state;
    setup(0x114, 0);
    REG(CDNS_SR) = CDNS_SR_TEMPTY;
    REG(CDNS_ISR) = CDNS_INT_RBRK | CDNS_INT_RTRIG;
    REG(CDNS_FIFO) = 'x';
    assert_int_equal(uart_cdns.get(&uart), 'x');
    assert_int_equal(REG(CDNS_ISR), CDNS_INT_RBRK | CDNS_INT_RTRIG);
    REG(CDNS_FIFO) = 0;
    REG(CDNS_RXBS) = CDNS_RXBS_BREAK;
    assert_int_equal(uart_cdns.get(&uart), -2);
    assert_int_equal(REG(CDNS_ISR), CDNS_INT_RBRK);
}

static void interrupts(void **state)
{
    (void)state;
    setup(0x114, 0);
    uart_cdns.irq_enable(&uart, true, false);
    assert_int_equal(REG(CDNS_IER), CDNS_INT_RTRIG);
    assert_int_equal(REG(CDNS_IDR), 0x3ffe);
    uart_cdns.irq_enable(&uart, true, true);
    assert_int_equal(REG(CDNS_IER), CDNS_INT_RTRIG | CDNS_INT_TEMPTY);
    uart_cdns.irq_enable(&uart, false, false);
    assert_int_equal(REG(CDNS_IER), 0);
    assert_int_equal(REG(CDNS_IDR), 0x3fff);
    uart_cdns.irq_ack(&uart);
    assert_int_equal(REG(CDNS_ISR), CDNS_INT_TEMPTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_is_set_up),
        cmocka_unit_test(firmwares_line_stays),
        cmocka_unit_test(sends_when_there_is_room),
        cmocka_unit_test(receives),
        cmocka_unit_test(break_is_a_marked_byte),
        cmocka_unit_test(interrupts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
