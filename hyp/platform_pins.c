/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/mmio.h"
#include "arch/arm64/mmu.h"
#include "boards/board.h"
#include "hyp/dt.h"
#include "hyp/platform_parts.h"

uint64_t platform_pins_uart(const void *fdt)
{
    const struct board_pins *pins = board_pins();
    struct range regs;
    int node = pins ? fdt_node_offset_by_compatible(fdt, -1, pins->compatible) : -1;

    if (node < 0 || dt_reg(fdt, node, 0, &regs) || regs.size < pins->offset + sizeof(uint32_t))
        return 0;
    volatile void *at = mmu_map_device(regs.base, regs.size);
    uint32_t switched = at ? mmio_read32(at, pins->offset) & pins->mask : 0;
    for (unsigned i = 0; i < ARRAY_LEN(pins->route); i++)
        if (at && switched == pins->route[i].bits)
            return pins->route[i].uart;
    return 0;
}

struct early_uart platform_early_uart(void)
{
    uint64_t pins = early_pins();
    volatile void *at = pins ? mmu_map_device(PA(pins), sizeof(uint32_t)) : NULL;
    return early_uart(at ? mmio_read32(at, 0) : 0);
}
