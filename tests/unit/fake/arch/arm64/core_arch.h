/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* On the host a test says which core it is. */
#define this_core_arch machine_core_arch
#include "../../../../../arch/arm64/core_arch.h"
#undef this_core_arch
struct core_arch *this_core_arch(void);
