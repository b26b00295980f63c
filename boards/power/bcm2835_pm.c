/* SPDX-License-Identifier: Apache-2.0 */
/* The power manager of a Raspberry Pi: its watchdog resets the machine, and a boot partition of 63 tells the firmware to stay off. */
#include "arch/arm64/mmio.h"
#include "boards/power/power.h"

#define PM_RSTC 0x1c
#define PM_RSTS 0x20
#define PM_WDOG 0x24
#define PM_PASSWORD UINT32_C(0x5a000000) /* in each write */
#define PM_RSTC_WRCFG FIELD(5, 4)
#define PM_RSTC_FULL_RESET BIT(5)
#define PM_RSTS_PARTITION UINT32_C(0x555) /* its six bits are every second one, 0 to 10 */
#define WATCHDOG_TICKS 10                 /* 16 us each */

static void bcm2835_reset(volatile void *regs)
{
    uint32_t rstc = mmio_read32(regs, PM_RSTC) & (uint32_t)~PM_RSTC_WRCFG & ~PM_PASSWORD;
    mmio_write32(regs, PM_WDOG, PM_PASSWORD | WATCHDOG_TICKS);
    mmio_write32(regs, PM_RSTC, PM_PASSWORD | rstc | (uint32_t)PM_RSTC_FULL_RESET);
}

static void partition_set(volatile void *regs, uint32_t bits)
{
    uint32_t rsts = mmio_read32(regs, PM_RSTS) & 0xffffff & ~PM_RSTS_PARTITION;
    mmio_write32(regs, PM_RSTS, PM_PASSWORD | rsts | bits);
}

static void bcm2835_off(volatile void *regs)
{
    partition_set(regs, PM_RSTS_PARTITION);
    bcm2835_reset(regs);
}

static void bcm2835_restart(volatile void *regs)
{
    partition_set(regs, 0);
    bcm2835_reset(regs);
}

const struct power_driver power_bcm2835 = {
    .compatible = "brcm,bcm2835-pm-wdt",
    .off = bcm2835_off,
    .reset = bcm2835_restart,
};
