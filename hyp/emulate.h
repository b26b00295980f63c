/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "hyp/vm.h"

/* A device access without syndrome: reads the instruction from the guest's memory and performs it, base register and all. false: it cannot be
 * emulated (FP/SIMD, AArch32, instruction not readable) and nothing was done. The vCPU is loaded here. */
bool emulate_access(struct guest_cpu *v, const struct exit *e, const struct region *r,
                    enum vdev_ref_status *status) __running;
/* The same where nothing is and that is to be ignored: all ones are read. What cannot be emulated does nothing. */
void emulate_nothing(struct guest_cpu *v) __running;
