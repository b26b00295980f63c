/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The identification registers as a guest sees them: what is offered, nothing else (DDI 0487 D17.2, ID_*_EL1). */
#include "hyp/base/bits.h"

/* A guest's value with Performance Monitors of that version (ID_AA64DFR0_EL1.PMUVer; 0: none); registers that do not tell stay. */
uint64_t idreg_with_pmu(unsigned crm, unsigned op2, uint64_t value, uint64_t version);
/* One register of the space op0=3 op1=0 CRn=0 CRm=1..7, that HCR_EL2.TID3 traps; `host` is the core's own value. Pure. */
uint64_t idreg_guest(unsigned crm, unsigned op2, uint64_t host, unsigned ipa_bits);
/* The core's own. Reserved encodings read as zero. */
uint64_t idreg_host(unsigned crm, unsigned op2);
/* AIDR_EL1 or REVIDR_EL1: the core's own, like MIDR_EL1. */
uint64_t idreg_implementation(bool aidr);
