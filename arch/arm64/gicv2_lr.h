/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* GICv2's list register words and what is computed from its registers (IHI 0048 5.3, GICH_*). Pure. */
#include "arch/arm64/gic.h"

#define GICH_LR_VINTID FIELD(9, 0)
#define GICH_LR_PINTID FIELD(19, 10) /* HW=1 */
#define GICH_LR_CPUID FIELD(12, 10)  /* HW=0: of an SGI, who sent it */
#define GICH_LR_EOI BIT(19)          /* HW=0: maintenance interrupt when it is deactivated */
#define GICH_LR_PRIORITY FIELD(27, 23)
#define GICH_LR_STATE FIELD(29, 28)
#define GICH_LR_GROUP BIT(30)
#define GICH_LR_HW BIT(31)

uint64_t gicv2_lr_encode(struct lr lr);
struct lr gicv2_lr_decode(uint64_t raw);
/* A core's bit among the targets, from the banked words GICD_ITARGETSR0 to 7; 1 where all are zero: it is the only core (IHI 0048 4.3.12). */
uint8_t gicv2_target(const uint32_t targets[8]);
/* GICD_SGIR that sends `sgi` to the cores whose bits are set. */
uint32_t gicv2_sgir(uint8_t targets, unsigned sgi);
/* Where the two pages of GICC begin within its `size` bytes. 128 KiB that show the same GICv2's GICC_IIDR in the first page and in the sixteenth are two
 * pages with 16 aliases each: only the last of the first lies right before one of the second. */
uint32_t gicv2_cpu_offset(uint64_t size, uint32_t iidr_first, uint32_t iidr_sixteenth);
