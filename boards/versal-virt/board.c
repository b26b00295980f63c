/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's machine "xlnx-versal-virt": AMD (Xilinx) Versal. */
#include <stddef.h>
#include "boards/board.h"

static const struct board versal_virt = {
    .name = "Versal virt",
    .compatible = "xlnx-versal-virt",
};

const struct board *board_get(void)
{
    return &versal_virt;
}

const struct board_pins *board_pins(void)
{
    return NULL;
}
