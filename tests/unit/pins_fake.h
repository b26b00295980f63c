/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A board that switches its console's pins as a Raspberry Pi 4 does, and what its register says. */
#include <stdbool.h>
#include <stdint.h>

extern struct fake_pins {
    uint32_t regs[2];
    uint64_t mapped;
    bool refuse;
} fake_pins;
