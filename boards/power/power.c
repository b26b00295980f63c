/* SPDX-License-Identifier: Apache-2.0 */
#include "boards/power/power.h"
#include "hyp/base/config.h"

/* A driver's option decides whether its file is linked. */
const struct power_driver *const power_drivers[] = {
    IS_ENABLED(CONFIG_POWER_BCM2835_PM) ? &power_bcm2835 : NULL,
    NULL,
};
