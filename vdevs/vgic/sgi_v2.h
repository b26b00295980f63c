/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* GICv2's software generated interrupts (IHI 0048 4.3.15): pending by sender. */
#include "vdevs/vgic/vgic.h"

/* The vCPUs that a write to GICD_SGIR by vCPU `self` of `count` sends to, bit by bit. Pure. */
unsigned sgir_targets(uint32_t value, unsigned self, unsigned count);
/* A write to GICD_SGIR. */
void vgic_sgi_v2(struct vgic_cpu *from, uint32_t value);
