/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/power.h"
#include "arch/arm64/firmware.h"
#include "arch/arm64/mmu.h"
#include "boards/power/power.h"
#include "hyp/platform.h"

/* set at startup, then const: */
static const struct power_driver *driver;
static volatile void *regs;

void power_init(const struct platform *p)
{
    driver = p->psci_present ? NULL : p->power_driver;
    if (driver)
        regs = mmu_map_device(p->power.base, p->power.size);
}

void power_off(void)
{
    firmware_call(PSCI_SYSTEM_OFF, 0, 0, 0);
    if (regs)
        driver->off(regs);
}

void power_reset(void)
{
    firmware_call(PSCI_SYSTEM_RESET, 0, 0, 0);
    if (regs)
        driver->reset(regs);
}
