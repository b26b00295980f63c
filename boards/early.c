/* SPDX-License-Identifier: Apache-2.0 */
#include "boards/early.h"
#include "boards/uart/aux_uart.h"
#include "boards/uart/cdns_uart.h"
#include "hyp/base/bits.h"
#include "hyp/base/config.h"
#include "hyp/base/pl011.h"

/* Far more than a byte takes at 9600 baud: a UART that is switched off delays the start and does not prevent it. */
#define EARLY_POLLS 1000000

static volatile uint32_t *uart_reg(unsigned offset)
{
    return (volatile uint32_t *)(uintptr_t)(CONFIG_EARLY_UART_ADDRESS + UINT64_C(0) + offset);
}

/* Waits until the bits of the status register are `wanted`, but not for ever. */
static void uart_wait(unsigned offset, uint64_t bits, uint64_t wanted)
{
    for (unsigned i = 0; i < EARLY_POLLS && (*uart_reg(offset) & bits) != wanted; i++)
        ;
}

/* One of these is in the image: no table, whose pointers would not be right before the MMU is on. */
static void early_on(void)
{
    if (IS_ENABLED(CONFIG_EARLY_UART_PL011))
        *uart_reg(UARTCR) |= UARTCR_UARTEN | UARTCR_TXE;
    if (IS_ENABLED(CONFIG_EARLY_UART_AUX))
        *uart_reg(AUX_MU_CNTL) |= (uint32_t)AUX_MU_CNTL_TX;
    if (IS_ENABLED(CONFIG_EARLY_UART_CDNS) && (*uart_reg(CDNS_CR) & (CDNS_CR_TXEN | CDNS_CR_TXDIS)) != CDNS_CR_TXEN)
        *uart_reg(CDNS_CR) = (uint32_t)(CDNS_CR_TXEN | CDNS_CR_RXEN | CDNS_CR_STPBRK);
}

static void early_put(char c)
{
    if (IS_ENABLED(CONFIG_EARLY_UART_PL011)) {
        uart_wait(UARTFR, UARTFR_TXFF, 0);
        *uart_reg(UARTDR) = (uint8_t)c;
    }
    if (IS_ENABLED(CONFIG_EARLY_UART_AUX)) {
        uart_wait(AUX_MU_LSR, AUX_MU_LSR_TX_ROOM, AUX_MU_LSR_TX_ROOM);
        *uart_reg(AUX_MU_IO) = (uint8_t)c;
    }
    if (IS_ENABLED(CONFIG_EARLY_UART_CDNS)) {
        uart_wait(CDNS_SR, CDNS_SR_TFUL, 0);
        *uart_reg(CDNS_FIFO) = (uint8_t)c;
    }
}

void early_puts(const char *text)
{
    if (!IS_ENABLED(CONFIG_EARLY_CONSOLE))
        return;
    early_on();
    for (; *text; text++) {
        if (*text == '\n')
            early_put('\r');
        early_put(*text);
    }
}

const char *early_uart_compatible(void)
{
    return IS_ENABLED(CONFIG_EARLY_UART_PL011)  ? "arm,pl011"
           : IS_ENABLED(CONFIG_EARLY_UART_AUX)  ? "brcm,bcm2835-aux-uart"
           : IS_ENABLED(CONFIG_EARLY_UART_CDNS) ? "cdns,uart-r1p12"
                                                : NULL;
}
