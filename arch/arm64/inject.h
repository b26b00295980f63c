/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The decisions behind injection, pure, for tests. */
#include "hyp/base/bits.h"

/* Where EL1 takes a synchronous exception from this PSTATE. */
uint64_t inject_vector(uint64_t vbar, uint64_t pstate);
/* PSTATE at the handler. */
uint64_t inject_pstate(uint64_t old, uint64_t sctlr, bool has_pan, bool has_ssbs);
/* ESR_EL1 for a synchronous external abort of the access that ESR_EL2 describes. */
uint64_t inject_abort_esr(uint64_t esr, bool el0, bool walk, unsigned s1_level);
