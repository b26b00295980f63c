/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "tests/unit/arch_fake.h"

static inline void tlbi_ipas2e1is(uint64_t ipa)
{
    fake_event("tlbi ipas2e1is", ipa);
}

static inline void tlbi_vmalle1is(void)
{
    fake_event("tlbi vmalle1is", 0);
}

static inline void tlbi_vmalls12e1is(void)
{
    fake_event("tlbi vmalls12e1is", 0);
}
