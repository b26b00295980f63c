/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The console before there is one: start-up code that goes no further (wrong exception level, no tree) says why on the UART that
 * CONFIG_EARLY_UART_* name, or on the other one that the board's pins are switched to (boards/board.h). Polled and bounded, physical addresses, position
 * independent: runs with the MMU off wherever the image was loaded, or with the firmware's own 1:1 translation still on. Not once our own translation
 * is on: the UART is not mapped 1:1 there.
 */
#include "boards/board.h"

struct early_uart {
    enum early_kind kind;
    uint64_t address;  /* physical, of its registers */
    uint32_t clock_hz; /* 0: not known */
};

/* Writes the text; "\n" becomes "\r\n". Nothing if the board has no early UART or the early console is configured off. */
void early_puts(const char *text);

/* For when the MMU is on: */

/* The register that tells which UART the pins lead to, by its physical address. 0: that does not hang on pins. Pure. */
uint64_t early_pins(void);
/* The early UART if that register reads `pins`. Pure. */
struct early_uart early_uart(uint32_t pins);
/* The compatible string of its driver; NULL: none. Pure. */
const char *early_uart_compatible(enum early_kind kind);
