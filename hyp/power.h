/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The machine off, or started anew: by firmware (PSCI), else by the device that the host's tree names. */
#include "hyp/base/phase.h"

struct platform;

/* Before, nothing but firmware is tried. */
void power_init(const struct platform *p) __startup;
/* Any phase, any core, no lock. Return if the machine has no way, or takes a moment. */
void power_off(void);
void power_reset(void);
