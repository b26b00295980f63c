/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/pins_fake.h"
#include "arch/arm64/mmu.h"
#include "boards/board.h"

struct fake_pins fake_pins;

const struct board_pins *board_pins(void)
{
    static const struct board_pins pins = {
        .compatible = "brcm,bcm2711-gpio",
        .address = 0xfe200000,
        .offset = 4,
        .mask = 0x3f000,
        .route = { { 0x12000, EARLY_AUX, 0xfe215040 }, { 0x24000, EARLY_PL011, 0xfe201000 } },
    };
    return &pins;
}

volatile void *mmu_map_device(pa_t pa, uint64_t size)
{
    fake_pins.mapped = pa.raw;
    return size >= sizeof(fake_pins.regs) && !fake_pins.refuse ? fake_pins.regs : NULL;
}
