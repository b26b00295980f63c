/* SPDX-License-Identifier: Apache-2.0 */
/* AMD (Xilinx) ZCU102: Zynq UltraScale+. */
#include "boards/board.h"

static const struct board zcu102 = {
    .name = "ZCU102",
    .compatible = "xlnx,zynqmp",
};

const struct board *board_get(void)
{
    return &zcu102;
}
