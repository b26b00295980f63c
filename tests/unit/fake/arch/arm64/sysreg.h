/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Registers by name and barriers that are written down: see tests/unit/arch_fake.h. */
#include "tests/unit/arch_fake.h"

#define read_sysreg(name) (*fake_sysreg(#name))
#define write_sysreg(name, v) fake_sysreg_write(#name, v)

static inline void isb(void)
{
    fake_event("isb", 0);
}

static inline void dsb_sy(void)
{
    fake_event("dsb sy", 0);
}

static inline void dsb_ish(void)
{
    fake_event("dsb ish", 0);
}

static inline void dsb_ishst(void)
{
    fake_event("dsb ishst", 0);
}
