/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A physical UART: polled and interrupt driven. Drivers are one file each, found by compatible in uart_drivers[]. */
#include "hyp/base/bits.h"

struct uart {
    volatile uint8_t *regs;
    uint64_t clock_hz;
    const struct uart_driver *driver;
};

struct uart_driver {
    const char *compatible;
    /* Leaves the line settings of the firmware; FIFOs on, interrupts masked. */
    void (*init)(struct uart *u);
    /* Is there room for a byte? If so it is sent. Never waits. */
    bool (*put)(struct uart *u, uint8_t byte);
    /* A byte, or -1: none, or -2: a break, -3: an overrun was seen (counted by the caller). */
    int (*get)(struct uart *u);
    void (*irq_enable)(struct uart *u, bool rx, bool tx);
    /* Acknowledges what can be acknowledged. */
    void (*irq_ack)(struct uart *u);
    bool (*idle)(struct uart *u); /* all bytes are on the wire */
};

/* The drivers that are built in, and NULL for each that is not. */
extern const struct uart_driver *const uart_drivers[];
extern const unsigned uart_driver_count;
/* The driver for a compatible string, or NULL. Pure. */
const struct uart_driver *uart_driver_find(const char *compatible);
/* The option that would build in a driver for it, or NULL: there is none, or it is built in. Pure. */
const char *uart_driver_missing(const char *compatible);
extern const struct uart_driver uart_pl011, uart_aux, uart_cdns;
