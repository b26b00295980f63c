/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A board is data: what its device tree does not say, or what is needed before a tree was read. One is linked, chosen by
 * CONFIG_BOARD. The texts are arrays and not pointers, so that all of it can be read at the load address with the MMU off.
 */
#include "hyp/base/addr.h"

struct board {
    char name[32];
    char compatible[32];            /* of the host tree's root */
    char early_uart_compatible[32]; /* the driver of early_uart */
    pa_t early_uart;                /* 0: none */
    uint64_t early_uart_clock_hz;   /* 0: not known; the firmware's line settings are kept */
};

/* Any phase, also with the MMU off. */
const struct board *board_get(void);
