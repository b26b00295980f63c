/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "arch/arm64/vcpu_arch.h"
/* The only code of ours that touches SIMD registers; CPTR_EL2.TFP is clear for both. */
void fp_save(struct vcpu_fp *fp);
void fp_load(const struct vcpu_fp *fp);
