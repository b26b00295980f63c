/* SPDX-License-Identifier: Apache-2.0 */
/* The Cadence UART of Zynq UltraScale+ (UG1085 chapter 21, UG1087). */
#include "boards/uart/cdns_uart.h"
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

static bool cdns_idle(struct uart *u)
{
    return (reg_read(u, CDNS_SR) & (CDNS_SR_TEMPTY | CDNS_SR_TACTIVE)) == CDNS_SR_TEMPTY;
}

/* CD for a rate of clock / (CD * (BDIV + 1)), rounded; 0: none. */
static uint64_t divisor_for(uint64_t clock_hz, uint64_t bdiv)
{
    uint64_t step = BAUD * (bdiv + 1), cd = (clock_hz + step / 2) / step;
    return cd <= CDNS_BAUDGEN_MAX ? cd : 0;
}

/* The firmware left the UART off: 115200 baud, 8 bits, no parity, as near as the divider comes. */
static void line_set(struct uart *u)
{
    uint64_t best = 0, error = ~UINT64_C(0);
    for (uint64_t bdiv = CDNS_BAUDDIV_MIN; bdiv <= CDNS_BAUDDIV_MAX; bdiv++) {
        uint64_t cd = divisor_for(u->clock_hz, bdiv);
        uint64_t rate = cd ? u->clock_hz / (cd * (bdiv + 1)) : 0;
        uint64_t off = rate > BAUD ? rate - BAUD : BAUD - rate;
        if (!cd || off >= error)
            continue;
        error = off;
        best = bdiv;
    }
    if (best) {
        reg_write(u, CDNS_BAUDGEN, divisor_for(u->clock_hz, best));
        reg_write(u, CDNS_BAUDDIV, best);
    }
    reg_write(u, CDNS_MR, CDNS_MR_8N1);
}

static void cdns_init(struct uart *u)
{
    uint64_t cr = reg_read(u, CDNS_CR), reset = 0;
    reg_write(u, CDNS_IDR, CDNS_INT_ALL);
    if ((cr & CDNS_CR_TXDIS) || !(cr & CDNS_CR_TXEN)) {
        line_set(u);
        reset = CDNS_CR_RXRST | CDNS_CR_TXRST; /* they clear themselves */
    } else {
        for (unsigned i = 0; i < IDLE_POLLS && !cdns_idle(u); i++)
            ;
    }
    reg_write(u, CDNS_RXTOUT, 0);
    reg_write(u, CDNS_RXWM, 1);
    reg_write(u, CDNS_CR, CDNS_CR_STPBRK | CDNS_CR_RXEN | CDNS_CR_TXEN | reset);
    for (unsigned i = 0; i < IDLE_POLLS && reg_read(u, CDNS_CR) & (CDNS_CR_RXRST | CDNS_CR_TXRST); i++)
        ; /* what is written meanwhile would be lost */
    reg_write(u, CDNS_ISR, CDNS_INT_ALL & ~CDNS_INT_RTRIG);
}

static bool cdns_put(struct uart *u, uint8_t byte)
{
    if (reg_read(u, CDNS_SR) & CDNS_SR_TFUL)
        return false;
    reg_write(u, CDNS_FIFO, byte);
    return true;
}

/* RTRIG is latched when a byte comes in: it goes only with the last byte, and what came in between is seen by looking again. */
static bool rx_is_empty(struct uart *u)
{
    if (!(reg_read(u, CDNS_SR) & CDNS_SR_REMPTY))
        return false;
    reg_write(u, CDNS_ISR, CDNS_INT_RTRIG);
    return reg_read(u, CDNS_SR) & CDNS_SR_REMPTY;
}

/* A break puts a byte of zeros into the FIFO, which its status marks; ISR says whether the FIFO may hold one. */
static int cdns_get(struct uart *u)
{
    uint32_t isr = reg_read(u, CDNS_ISR);
    if (isr & CDNS_INT_ROVR) {
        reg_write(u, CDNS_ISR, CDNS_INT_ROVR);
        return -3;
    }
    if (rx_is_empty(u))
        return -1;
    bool is_break = isr & CDNS_INT_RBRK && reg_read(u, CDNS_RXBS) & CDNS_RXBS_BREAK;
    uint32_t data = reg_read(u, CDNS_FIFO) & 0xff;
    if (!is_break)
        return (int)data;
    reg_write(u, CDNS_ISR, CDNS_INT_RBRK);
    return -2;
}

static void cdns_irq_enable(struct uart *u, bool rx, bool tx)
{
    uint64_t wanted = (rx ? CDNS_INT_RTRIG : 0) | (tx ? CDNS_INT_TEMPTY : 0);
    reg_write(u, CDNS_IDR, CDNS_INT_ALL & ~wanted);
    reg_write(u, CDNS_IER, wanted);
}

/* What is latched of the sender's side; the receiver's goes as its bytes are read. */
static void cdns_irq_ack(struct uart *u)
{
    reg_write(u, CDNS_ISR, CDNS_INT_TEMPTY);
}

const struct uart_driver uart_cdns = {
    .compatible = "cdns,uart-r1p12",
    .init = cdns_init,
    .put = cdns_put,
    .get = cdns_get,
    .irq_enable = cdns_irq_enable,
    .irq_ack = cdns_irq_ack,
    .idle = cdns_idle,
};
