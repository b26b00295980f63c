/* SPDX-License-Identifier: Apache-2.0 */
/* The mini-UART of a Raspberry Pi. Firmware sets its rate: it follows the core clock, which only firmware knows. It knows no break. */
#include "boards/uart/aux_uart.h"
#include "boards/uart/uart.h"

static uint32_t reg_read(const struct uart *u, unsigned offset)
{
    return *(volatile uint32_t *)(u->regs + offset);
}

static void reg_write(struct uart *u, unsigned offset, uint64_t value)
{
    *(volatile uint32_t *)(u->regs + offset) = (uint32_t)value;
}

static void aux_init(struct uart *u)
{
    reg_write(u, AUX_MU_IER, 0);
    reg_write(u, AUX_MU_LCR, AUX_MU_LCR_8_BITS);
    reg_write(u, AUX_MU_CNTL, AUX_MU_CNTL_RX | AUX_MU_CNTL_TX); /* no flow control: its lines are other pins */
}

static bool aux_put(struct uart *u, uint8_t byte)
{
    if (!(reg_read(u, AUX_MU_LSR) & AUX_MU_LSR_TX_ROOM))
        return false;
    reg_write(u, AUX_MU_IO, byte);
    return true;
}

/* Reading the status ends an overrun. */
static int aux_get(struct uart *u)
{
    uint32_t lsr = reg_read(u, AUX_MU_LSR);
    if (lsr & AUX_MU_LSR_OVERRUN)
        return -3;
    return lsr & AUX_MU_LSR_DATA_READY ? (int)(reg_read(u, AUX_MU_IO) & 0xff) : -1;
}

static void aux_irq_enable(struct uart *u, bool rx, bool tx)
{
    uint64_t ier = (rx ? AUX_MU_IER_RX : 0) | (tx ? AUX_MU_IER_TX : 0);
    reg_write(u, AUX_MU_IER, ier ? ier | AUX_MU_IER_ON : 0);
}

/* Both end with their cause: bytes that are read, room that is filled or no longer asked about. */
static void aux_irq_ack(struct uart *u)
{
    (void)u;
}

static bool aux_idle(struct uart *u)
{
    return reg_read(u, AUX_MU_LSR) & AUX_MU_LSR_TX_IDLE;
}

const struct uart_driver uart_aux = {
    .compatible = "brcm,bcm2835-aux-uart",
    .init = aux_init,
    .put = aux_put,
    .get = aux_get,
    .irq_enable = aux_irq_enable,
    .irq_ack = aux_irq_ack,
    .idle = aux_idle,
};
