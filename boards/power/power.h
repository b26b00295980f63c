/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What powers a machine off and resets it where no firmware does. Drivers are one file each, found by compatible. */
#include "hyp/base/bits.h"

struct power_driver {
    const char *compatible;
    /* Any phase, any core, also in a panic: takes no lock. Return if the machine does not follow at once. */
    void (*off)(volatile void *regs);
    void (*reset)(volatile void *regs);
};

/* Every driver that is built in, up to the one that is NULL. */
extern const struct power_driver *const power_drivers[];
extern const struct power_driver power_bcm2835;
