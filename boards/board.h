/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdint.h>

/*
 * A board is data: what its device tree does not say, or what is needed before a tree was read. One is linked, chosen by
 * CONFIG_BOARD. Its early UART is in Kconfig (CONFIG_EARLY_UART_*), so that another port of the same board needs no other source.
 */
struct board {
    const char *name;
    const char *compatible; /* one of the root's in the host tree */
};

/* What the early console can drive (boards/early.c). */
enum early_kind { EARLY_NONE, EARLY_PL011, EARLY_AUX, EARLY_CDNS };

/* Pins that firmware switches to one UART or another, so that the tree may name the one that nobody hears. */
struct board_pins {
    const char *compatible; /* of their controller in the host tree */
    uint64_t address;       /* ... and where it is, as no tree was read yet */
    uint32_t offset, mask;  /* its register, and the bits that tell */
    struct board_pins_route {
        uint32_t bits;
        enum early_kind kind;
        uint64_t uart; /* where its registers are */
    } route[2];
};

/* Any phase, with the MMU on. */
const struct board *board_get(void);
/* NULL: the console's UART is on its pins whatever happens. Any phase; with the MMU off too, when its numbers are right and `compatible` is not. */
const struct board_pins *board_pins(void);
