/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's machine "virt". */
#include <stddef.h>
#include "boards/board.h"

static const struct board qemu_virt = {
    .name = "QEMU virt",
    .compatible = "linux,dummy-virt",
};

const struct board *board_get(void)
{
    return &qemu_virt;
}

const struct board_pins *board_pins(void)
{
    return NULL;
}
