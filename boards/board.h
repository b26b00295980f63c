/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A board is data: what its device tree does not say, or what is needed before a tree was read. One is linked, chosen by
 * CONFIG_BOARD. Its early UART is in Kconfig (CONFIG_EARLY_UART_*), so that another port of the same board needs no other source.
 */
struct board {
    const char *name;
    const char *compatible; /* one of the root's in the host tree */
};

/* Any phase, with the MMU on. */
const struct board *board_get(void);
