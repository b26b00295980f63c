/* SPDX-License-Identifier: Apache-2.0 */
#include "boards/board.h"
#include "boards/early.h"
#include "boards/uart/aux_uart.h"
#include "hyp/base/pl011.h"
#include "hyp/base/bits.h"
#include "hyp/base/config.h"

/* Far more than a byte takes at 9600 baud: a UART that is switched off delays the start and does not prevent it. */
#define EARLY_POLLS 1000000

static volatile uint32_t *uart_reg(pa_t uart, unsigned offset)
{
    return (volatile uint32_t *)(uintptr_t)(uart.raw + offset);
}

/* Waits until the bits of the status register are `wanted`, but not for ever. */
static void uart_wait(pa_t uart, unsigned offset, uint64_t bits, uint64_t wanted)
{
    for (unsigned i = 0; i < EARLY_POLLS && (*uart_reg(uart, offset) & bits) != wanted; i++)
        ;
}

static void pl011_early_put(pa_t uart, char c)
{
    uart_wait(uart, UARTFR, UARTFR_TXFF, 0);
    *uart_reg(uart, UARTDR) = (uint8_t)c;
}

static void aux_early_put(pa_t uart, char c)
{
    uart_wait(uart, AUX_MU_LSR, AUX_MU_LSR_TX_ROOM, AUX_MU_LSR_TX_ROOM);
    *uart_reg(uart, AUX_MU_IO) = (uint8_t)c;
}

static void early_put(bool pl011, pa_t uart, char c)
{
    if (pl011)
        pl011_early_put(uart, c);
    else
        aux_early_put(uart, c);
}

static bool text_equal(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return *a == *b;
}

void early_puts(const char *text)
{
    const struct board *b = board_get();
    bool pl011 = text_equal(b->early_uart_compatible, "arm,pl011");
    bool aux = text_equal(b->early_uart_compatible, "brcm,bcm2835-aux-uart");
    if (!IS_ENABLED(CONFIG_EARLY_CONSOLE) || !b->early_uart.raw || (!pl011 && !aux))
        return;
    if (pl011)
        *uart_reg(b->early_uart, UARTCR) |= UARTCR_UARTEN | UARTCR_TXE;
    else
        *uart_reg(b->early_uart, AUX_MU_CNTL) |= (uint32_t)AUX_MU_CNTL_TX;
    for (; *text; text++) {
        if (*text == '\n')
            early_put(pl011, b->early_uart, '\r');
        early_put(pl011, b->early_uart, *text);
    }
}
