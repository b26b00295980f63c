/* SPDX-License-Identifier: Apache-2.0 */
#include "boards/early.h"
#include "boards/uart/aux_uart.h"
#include "boards/uart/cdns_uart.h"
#include "hyp/base/bits.h"
#include "hyp/base/config.h"
#include "hyp/base/pl011.h"

/* Far more than a byte takes at 9600 baud: a UART that is switched off delays the start and does not prevent it. */
#define EARLY_POLLS 1000000

static volatile uint32_t *reg_at(uint64_t address)
{
    return (volatile uint32_t *)(uintptr_t)address;
}

uint64_t early_pins(void)
{
    const struct board_pins *pins = board_pins();
    for (unsigned i = 0; pins && i < ARRAY_LEN(pins->route); i++)
        if (pins->route[i].uart == CONFIG_EARLY_UART_ADDRESS)
            return pins->address + pins->offset;
    return 0;
}

struct early_uart early_uart(uint32_t pins)
{
    const struct board_pins *board = early_pins() ? board_pins() : NULL;
    struct early_uart uart = {
        .kind = IS_ENABLED(CONFIG_EARLY_UART_PL011)  ? EARLY_PL011
                : IS_ENABLED(CONFIG_EARLY_UART_AUX)  ? EARLY_AUX
                : IS_ENABLED(CONFIG_EARLY_UART_CDNS) ? EARLY_CDNS
                                                     : EARLY_NONE,
        .address = CONFIG_EARLY_UART_ADDRESS,
        .clock_hz = CONFIG_EARLY_UART_CLOCK,
    };
    for (unsigned i = 0; board && i < ARRAY_LEN(board->route); i++)
        if ((pins & board->mask) == board->route[i].bits && board->route[i].uart != uart.address)
            return (struct early_uart){ .kind = board->route[i].kind, .address = board->route[i].uart };
    return uart;
}

/* Waits until the bits of the status register are `wanted`, but not for ever. */
static void uart_wait(uint64_t status, uint64_t bits, uint64_t wanted)
{
    for (unsigned i = 0; i < EARLY_POLLS && (*reg_at(status) & bits) != wanted; i++)
        ;
}

/* No table of functions: its pointers would not be right before the MMU is on. */
static void early_on(const struct early_uart *u)
{
    if (u->kind == EARLY_PL011)
        *reg_at(u->address + UARTCR) |= UARTCR_UARTEN | UARTCR_TXE;
    if (u->kind == EARLY_AUX)
        *reg_at(u->address + AUX_MU_CNTL) |= (uint32_t)AUX_MU_CNTL_TX;
    if (u->kind == EARLY_CDNS && (*reg_at(u->address + CDNS_CR) & (CDNS_CR_TXEN | CDNS_CR_TXDIS)) != CDNS_CR_TXEN)
        *reg_at(u->address + CDNS_CR) = (uint32_t)(CDNS_CR_TXEN | CDNS_CR_RXEN | CDNS_CR_STPBRK);
}

static void early_put(const struct early_uart *u, char c)
{
    if (u->kind == EARLY_PL011) {
        uart_wait(u->address + UARTFR, UARTFR_TXFF, 0);
        *reg_at(u->address + UARTDR) = (uint8_t)c;
    }
    if (u->kind == EARLY_AUX) {
        uart_wait(u->address + AUX_MU_LSR, AUX_MU_LSR_TX_ROOM, AUX_MU_LSR_TX_ROOM);
        *reg_at(u->address + AUX_MU_IO) = (uint8_t)c;
    }
    if (u->kind == EARLY_CDNS) {
        uart_wait(u->address + CDNS_SR, CDNS_SR_TFUL, 0);
        *reg_at(u->address + CDNS_FIFO) = (uint8_t)c;
    }
}

void early_puts(const char *text)
{
    if (!IS_ENABLED(CONFIG_EARLY_CONSOLE))
        return;
    struct early_uart u = early_uart(early_pins() ? *reg_at(early_pins()) : 0);
    early_on(&u);
    for (; *text; text++) {
        if (*text == '\n')
            early_put(&u, '\r');
        early_put(&u, *text);
    }
}

const char *early_uart_compatible(enum early_kind kind)
{
    return kind == EARLY_PL011  ? "arm,pl011"
           : kind == EARLY_AUX  ? "brcm,bcm2835-aux-uart"
           : kind == EARLY_CDNS ? "cdns,uart-r1p12"
                                : NULL;
}
