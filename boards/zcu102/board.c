/* SPDX-License-Identifier: Apache-2.0 */
/* AMD (Xilinx) ZCU102: Zynq UltraScale+. */
#include <stddef.h>
#include "boards/board.h"

static const struct board zcu102 = {
    .name = "ZCU102",
    .compatible = "xlnx,zynqmp",
};

const struct board *board_get(void)
{
    return &zcu102;
}

const struct board_pins *board_pins(void)
{
    return NULL;
}
