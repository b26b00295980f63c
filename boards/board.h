/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdint.h>

/*
 * A board is data: what its device tree does not say, or what is needed before a tree was read. One is linked, chosen by
 * CONFIG_BOARD. Its early UART is in Kconfig (CONFIG_EARLY_UART_*), so that another port of the same board needs no other source.
 */
struct board {
    const char *name;
    const char *compatible;        /* one of the root's in the host tree */
    const struct board_pins *pins; /* NULL: the console's UART is on its pins whatever happens */
};

/* Pins that firmware switches to one UART or another, so that the tree may name the one that nobody hears. */
struct board_pins {
    const char *compatible; /* of their controller in the host tree */
    uint32_t offset, mask;  /* its register, and the bits that tell */
    struct board_pins_route {
        uint32_t bits;
        uint64_t uart; /* where its registers are */
    } route[2];
};

/* Any phase, with the MMU on. */
const struct board *board_get(void);
