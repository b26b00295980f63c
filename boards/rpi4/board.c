/* SPDX-License-Identifier: Apache-2.0 */
/* Raspberry Pi 4. */
#include "boards/board.h"

static const struct board rpi4 = {
    .name = "Raspberry Pi 4",
    .compatible = "brcm,bcm2711",
    .early_uart_compatible = "brcm,bcm2835-aux-uart",
    .early_uart = { 0xfe215040 },
};

const struct board *board_get(void)
{
    return &rpi4;
}
