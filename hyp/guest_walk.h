/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "hyp/vm.h"

/* At which level of the guest's stage 1 walk for va lies the descriptor whose page is `at` (DDI 0487 D8.2). The vCPU is loaded here. */
unsigned guest_walk_level(struct guest_cpu *v, uint64_t va, ipa_t at) __running;
