/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's machine "virt". */
#include "boards/board.h"

static const struct board qemu_virt = {
    .name = "QEMU virt",
    .compatible = "linux,dummy-virt",
    .early_uart_compatible = "arm,pl011",
    .early_uart = { 0x09000000 },
    .early_uart_clock_hz = 24000000,
};

const struct board *board_get(void)
{
    return &qemu_virt;
}
