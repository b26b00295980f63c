/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The console before there is one: start-up code that goes no further (wrong exception level, no tree) says why on the UART that
 * CONFIG_EARLY_UART_* name. Polled and bounded, physical addresses, position independent: runs with the MMU off wherever the image was
 * loaded, or with the firmware's own 1:1 translation still on. Not once our own translation is on: the UART is not mapped 1:1 there.
 */

/* Writes the text; "\n" becomes "\r\n". Nothing if the board has no early UART or the early console is configured off. */
void early_puts(const char *text);
/* The compatible string of the early UART's driver, for when the MMU is on; NULL: the board has no early UART. Pure. */
const char *early_uart_compatible(void);
