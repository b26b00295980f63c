/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/guest/rtos/console.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/print.h"

#define UARTDR 0x00
#define UARTFR 0x18
#define UARTIBRD 0x24
#define UARTFBRD 0x28
#define UARTLCR_H 0x2c
#define UARTCR 0x30
#define UARTIFLS 0x34
#define UARTIMSC 0x38
#define UARTMIS 0x40
#define UARTICR 0x44
#define FR_RXFE BIT(4)
#define DR_OE BIT(11)
#define LCR_H_8BIT_FIFO 0x70
#define CR_ENABLE 0x301
#define INT_RX_RT_OE (BIT(4) | BIT(6) | BIT(10))
#define RING 4096

/* Written by the handler (in) and the main loop (out); single core. */
static char ring[RING];
static volatile uint32_t ring_in, ring_out;
static volatile uint64_t lost;
static uint32_t used;

void console_start(void)
{
    write32(UART_BASE + UARTCR, 0);
    write32(UART_BASE + UARTIBRD, 13);
    write32(UART_BASE + UARTFBRD, 1);
    write32(UART_BASE + UARTLCR_H, LCR_H_8BIT_FIFO);
    write32(UART_BASE + UARTIFLS, 0);
    write32(UART_BASE + UARTICR, 0x7ff);
    write32(UART_BASE + UARTIMSC, INT_RX_RT_OE);
    write32(UART_BASE + UARTCR, CR_ENABLE);
    gic_enable(32 + UART_SPI);
}

void console_handle(void)
{
    write32(UART_BASE + UARTICR, read32(UART_BASE + UARTMIS));
    while (!(read32(UART_BASE + UARTFR) & FR_RXFE)) {
        uint32_t dr = read32(UART_BASE + UARTDR);
        if (dr & DR_OE)
            lost++;
        if (ring_in - ring_out == RING)
            lost++;
        else
            ring[ring_in++ % RING] = (char)dr;
    }
}

uint64_t console_lost(void)
{
    return lost;
}

static void erase(void)
{
    if (used) {
        used--;
        print("\b \b");
    }
}

bool console_poll(char line[CONSOLE_LINE])
{
    while (ring_out != ring_in) {
        char c = ring[ring_out % RING];
        ring_out++;
        if (c == '\r' || c == '\n') {
            print("\n");
            line[used] = '\0';
            used = 0;
            return true;
        }
        if (c == '\b' || c == 0x7f) {
            erase();
        } else if (used < CONSOLE_LINE - 1) {
            line[used++] = c;
            uart_putc(c);
        }
    }
    return false;
}
