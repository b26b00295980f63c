/* SPDX-License-Identifier: Apache-2.0 */
#include "boards/power/power.h"

const struct power_driver *const power_drivers[] = { &power_bcm2835, NULL };
