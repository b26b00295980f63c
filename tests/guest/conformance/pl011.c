/* SPDX-License-Identifier: Apache-2.0 */
/* The PL011's registers (DDI 0183): identification, what holds, masks, the transmit interrupt. Output stays readable. */
#include "tests/guest/conformance/conformance.h"

#define UARTDR 0x00
#define UARTRSR 0x04
#define UARTFR 0x18
#define UARTILPR 0x20
#define UARTIBRD 0x24
#define UARTFBRD 0x28
#define UARTLCR_H 0x2c
#define UARTCR 0x30
#define UARTIFLS 0x34
#define UARTIMSC 0x38
#define UARTRIS 0x3c
#define UARTMIS 0x40
#define UARTICR 0x44
#define FR_TXFE BIT(7)
#define FR_RXFE BIT(4)
#define FR_BUSY BIT(3)
#define TX BIT(5)

static uint32_t rd(uint32_t offset)
{
    return read32(UART_BASE + offset);
}

static void wr(uint32_t offset, uint32_t value)
{
    write32(UART_BASE + offset, value);
}

static void identification(void)
{
    static const uint32_t ids[] = { 0x11, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
    bool same = true;
    for (unsigned int i = 0; i < ARRAY_LEN(ids); i++)
        same &= i == 2 ? (rd(0xfe0 + 4 * i) & 0xf) == ids[i] : rd(0xfe0 + 4 * i) == ids[i];
    check(same, "DDI0183 UARTPeriphID, UARTPCellID", "peripheral and cell identification");
}

static void holds(uint32_t offset, uint32_t value, uint32_t want, const char *section, const char *name)
{
    uint32_t before = rd(offset);
    wr(offset, value);
    check_eq(rd(offset), want, section, name);
    wr(offset, before);
}

static void registers(void)
{
    holds(UARTIBRD, 0xabcd, 0xabcd, "DDI0183 UARTIBRD", "the integer divisor holds 16 bits");
    holds(UARTFBRD, 0x2a, 0x2a, "DDI0183 UARTFBRD", "the fractional divisor holds 6 bits");
    holds(UARTLCR_H, 0x70, 0x70, "DDI0183 UARTLCR_H", "8 bits and FIFOs");
    holds(UARTIFLS, 0x12, 0x12, "DDI0183 UARTIFLS", "FIFO levels of the reset state");
    holds(UARTIFLS, 0x00, 0x00, "DDI0183 UARTIFLS", "FIFO levels of an eighth");
    holds(UARTIMSC, 0x7d0, 0x7d0, "DDI0183 UARTIMSC", "interrupt masks hold");
    holds(UARTIMSC, 0, 0, "DDI0183 UARTIMSC", "and clear");
    wr(UARTRSR, 0xff);
    check_eq(rd(UARTRSR) & 0xf, 0, "DDI0183 UARTRSR/UARTECR", "a write clears receive errors");
}

static void flags(void)
{
    check(wait_until(rd(UARTFR) & FR_TXFE, 1000), "DDI0183 UARTFR.TXFE", "the transmit FIFO drains");
    check(wait_until(!(rd(UARTFR) & FR_BUSY), 1000), "DDI0183 UARTFR.BUSY", "and the UART is no longer busy");
    check_eq(rd(UARTFR) & FR_RXFE, FR_RXFE, "DDI0183 UARTFR.RXFE", "nothing was received");
}

static void transmit_interrupt(void)
{
    /* Read all first: printing a result sends characters too. */
    wr(UARTIMSC, 0);
    wr(UARTDR, '\r');
    wait_until(rd(UARTRIS) & TX, 100);
    uint32_t raw = rd(UARTRIS), masked = rd(UARTMIS);
    wr(UARTIMSC, TX);
    uint32_t unmasked = rd(UARTMIS);
    wr(UARTICR, TX);
    uint32_t cleared = rd(UARTRIS), cleared_masked = rd(UARTMIS);
    wr(UARTIMSC, 0);
    check_eq(raw & TX, TX, "DDI0183 UARTRIS.TXRIS", "the transmit interrupt is raised");
    check_eq(masked & TX, 0, "DDI0183 UARTMIS", "masked, it is not in MIS");
    check_eq(unmasked & TX, TX, "DDI0183 UARTMIS", "unmasked, it is in MIS");
    check_eq(cleared & TX, 0, "DDI0183 UARTICR", "ICR clears it");
    check_eq(cleared_masked & TX, 0, "DDI0183 UARTMIS", "and MIS follows");
}

static void pl011(void)
{
    identification();
    registers();
    flags();
    transmit_interrupt();
}
SUBJECT(160, "pl011", pl011);
