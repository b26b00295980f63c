/* SPDX-License-Identifier: Apache-2.0 */
#include "boards/board.h"
#include "boards/early.h"
#include "hyp/base/pl011.h"
#include "hyp/base/bits.h"
#include "hyp/base/config.h"

/* Far more than a byte takes at 9600 baud: a UART that is switched off delays the start and does not prevent it. */
#define EARLY_POLLS 1000000

static volatile uint32_t *pl011_reg(pa_t uart, unsigned offset)
{
    return (volatile uint32_t *)(uintptr_t)(uart.raw + offset);
}

static void pl011_early_put(pa_t uart, char c)
{
    for (unsigned i = 0; i < EARLY_POLLS && (*pl011_reg(uart, UARTFR) & UARTFR_TXFF); i++)
        ;
    *pl011_reg(uart, UARTDR) = (uint8_t)c;
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
    if (!IS_ENABLED(CONFIG_EARLY_CONSOLE) || !b->early_uart.raw || !text_equal(b->early_uart_compatible, "arm,pl011"))
        return;
    *pl011_reg(b->early_uart, UARTCR) |= UARTCR_UARTEN | UARTCR_TXE;
    for (; *text; text++) {
        if (*text == '\n')
            pl011_early_put(b->early_uart, '\r');
        pl011_early_put(b->early_uart, *text);
    }
}
