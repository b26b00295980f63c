/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/power.h"
#include "arch/arm64/firmware.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/timer.h"
#include "boards/power/power.h"
#include "hyp/platform.h"

#define BITE_MS 100

/* set at startup, then const: */
static const struct power_driver *driver;
static volatile void *regs;

void power_init(const struct platform *p)
{
    driver = p->psci_present ? NULL : p->power_driver;
    if (driver)
        regs = mmu_map_device(p->power.base, p->power.size);
}

/* A watchdog bites a little later. Nothing is said until then. */
static void power_acted(void)
{
    uint64_t until = timer_now() + timer_ms(BITE_MS);
    while (timer_now() < until)
        spin_pause();
}

void power_off(void)
{
    firmware_call(PSCI_SYSTEM_OFF, 0, 0, 0);
    if (!regs)
        return;
    driver->off(regs);
    power_acted();
}

void power_reset(void)
{
    firmware_call(PSCI_SYSTEM_RESET, 0, 0, 0);
    if (!regs)
        return;
    driver->reset(regs);
    power_acted();
}
