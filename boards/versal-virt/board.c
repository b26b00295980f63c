/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's machine "xlnx-versal-virt": AMD (Xilinx) Versal. */
#include "boards/board.h"

static const struct board versal_virt = {
    .name = "Versal virt",
    .compatible = "xlnx-versal-virt",
};

const struct board *board_get(void)
{
    return &versal_virt;
}
