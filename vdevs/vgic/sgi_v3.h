/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "vdevs/vgic/vgic.h"

/* The affinity, as in GICD_IROUTER, that bit 0 of the target list of an ICC_*SGI*R_EL1 stands for. Pure. */
uint64_t sgi_affinity(uint64_t value);
