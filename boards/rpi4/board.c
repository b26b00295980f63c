/* SPDX-License-Identifier: Apache-2.0 */
/* Raspberry Pi 4. */
#include "boards/board.h"

static const struct board rpi4 = {
    .name = "Raspberry Pi 4",
    .compatible = "brcm,bcm2711",
};

const struct board *board_get(void)
{
    return &rpi4;
}
