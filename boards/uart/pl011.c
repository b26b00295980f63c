/* SPDX-License-Identifier: Apache-2.0 */
/* Arm PL011 (DDI 0183G). */
#include "hyp/base/pl011.h"
#include "boards/uart/uart.h"

#define BAUD 115200
/* One byte at 9600 baud takes a millisecond; a UART whose clock stands still is not waited for. */
#define IDLE_POLLS 1000000

static uint32_t reg_read(const struct uart *u, unsigned offset)
{
    return *(volatile uint32_t *)(u->regs + offset);
}

static void reg_write(struct uart *u, unsigned offset, uint64_t value)
{
    *(volatile uint32_t *)(u->regs + offset) = (uint32_t)value;
}

static bool pl011_idle(struct uart *u)
{
    return !(reg_read(u, UARTFR) & UARTFR_BUSY);
}

/* The firmware left the UART off: 115200 baud, 8 bits, no parity. */
static void line_set(struct uart *u)
{
    /* Baud rate divisor in 64ths: clock / (16 * baud) * 64, rounded. */
    uint64_t divisor = (u->clock_hz * 4 + BAUD / 2) / BAUD;
    if (divisor >= 64) {
        reg_write(u, UARTIBRD, divisor / 64);
        reg_write(u, UARTFBRD, divisor % 64);
    }
    reg_write(u, UARTLCR_H, UARTLCR_H_WLEN_8 | UARTLCR_H_FEN);
}

static void pl011_init(struct uart *u)
{
    uint32_t cr = reg_read(u, UARTCR);
    uint32_t lcr_h = reg_read(u, UARTLCR_H);
    reg_write(u, UARTIMSC, 0);
    /* 3.3.8: the line settings change only while it is disabled and what was sent is out. */
    for (unsigned i = 0; i < IDLE_POLLS && !pl011_idle(u); i++)
        ;
    reg_write(u, UARTCR, cr & ~UARTCR_UARTEN);
    if (!(cr & UARTCR_UARTEN))
        line_set(u);
    else if (!(lcr_h & UARTLCR_H_FEN))
        reg_write(u, UARTLCR_H, lcr_h | UARTLCR_H_FEN);
    reg_write(u, UARTIFLS, UARTIFLS_TX_EIGHTH | UARTIFLS_RX_QUARTER);
    reg_write(u, UARTICR, UARTINT_ALL & ~(UARTINT_RX | UARTINT_RT));
    reg_write(u, UARTCR, cr | UARTCR_UARTEN | UARTCR_TXE | UARTCR_RXE);
}

static bool pl011_put(struct uart *u, uint8_t byte)
{
    if (reg_read(u, UARTFR) & UARTFR_TXFF)
        return false;
    reg_write(u, UARTDR, byte);
    return true;
}

static int pl011_get(struct uart *u)
{
    if (reg_read(u, UARTRIS) & UARTINT_OE) {
        reg_write(u, UARTICR, UARTINT_OE);
        return -3;
    }
    if (reg_read(u, UARTFR) & UARTFR_RXFE)
        return -1;
    uint32_t data = reg_read(u, UARTDR);
    return data & UARTDR_BE ? -2 : (int)(data & 0xff);
}

static void pl011_irq_enable(struct uart *u, bool rx, bool tx)
{
    reg_write(u, UARTIMSC, (rx ? UARTINT_RX | UARTINT_RT : 0) | (tx ? UARTINT_TX : 0));
}

/*
 * The receive interrupts are left alone: they end when the FIFO was read, and one that is cleared while bytes are left may not
 * come again. The overrun is for pl011_get() to see.
 */
static void pl011_irq_ack(struct uart *u)
{
    reg_write(u, UARTICR, UARTINT_TX | UARTINT_FE | UARTINT_PE | UARTINT_BE);
}

const struct uart_driver uart_pl011 = {
    .compatible = "arm,pl011",
    .init = pl011_init,
    .put = pl011_put,
    .get = pl011_get,
    .irq_enable = pl011_irq_enable,
    .irq_ack = pl011_irq_ack,
    .idle = pl011_idle,
};
