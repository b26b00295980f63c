/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "vdevs/vgic/vgic.h"

/* Does a write of `value` to an ICC_*SGI*R_EL1 reach the vCPU of this affinity (as in GICD_IROUTER)? self: it is the one that writes. Pure. */
bool sgi_targets(uint64_t value, uint64_t affinity, bool self);
