/* SPDX-License-Identifier: Apache-2.0 */
/* Raspberry Pi 4. */
#include "boards/board.h"

/* GPFSEL1: GPIO 14 in its bits 14 to 12, GPIO 15 in 17 to 15; 2 is alternate function 5, 4 is 0 (BCM2711 ARM Peripherals, 5.2 and 5.3). */
static const struct board_pins header = {
    .compatible = "brcm,bcm2711-gpio",
    .address = 0xfe200000,
    .offset = 0x4,
    .mask = 0x3f000,
    .route = { { 2u << 15 | 2u << 12, EARLY_AUX, 0xfe215040 },     /* TXD1, RXD1: the mini-UART */
               { 4u << 15 | 4u << 12, EARLY_PL011, 0xfe201000 } }, /* TXD0, RXD0: the PL011 */
};

static const struct board rpi4 = {
    .name = "Raspberry Pi 4",
    .compatible = "brcm,bcm2711",
};

const struct board *board_get(void)
{
    return &rpi4;
}

const struct board_pins *board_pins(void)
{
    return &header;
}
