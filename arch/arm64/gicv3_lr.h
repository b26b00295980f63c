/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* GICv3's list register words and what is computed from its registers (IHI 0069 12.4, ICH_*). Pure. */
#include "arch/arm64/gic.h"

#define ICH_LR_VINTID FIELD(31, 0)
#define ICH_LR_PINTID FIELD(44, 32) /* HW=1; INTIDs below 1020 need 10 bits */
#define ICH_LR_EOI BIT(41)          /* HW=0: maintenance interrupt when it is deactivated */
#define ICH_LR_PRIORITY FIELD(55, 48)
#define ICH_LR_GROUP BIT(60)
#define ICH_LR_HW BIT(61)
#define ICH_LR_STATE FIELD(63, 62)

uint64_t gicv3_lr_encode(struct lr lr);
struct lr gicv3_lr_decode(uint64_t raw);
/* The priority of the highest active preemption level in the 128 bits of one group's active priorities registers with
 * `vpre_bits` preemption bits; 0xff: none. */
uint8_t gicv3_active_priority(const uint64_t apr[4], unsigned vpre_bits);
/* An MPIDR's affinity as GICD_IROUTER holds it (Aff3 at 39:32), as GICR_TYPER holds it (32 bits), and as an ICC_SGI1R_EL1 that sends
 * `sgi` to it. */
uint64_t gicv3_irouter(uint64_t mpidr);
uint32_t gicv3_typer_affinity(uint64_t mpidr);
uint64_t gicv3_sgi1r(uint64_t mpidr, unsigned sgi);
