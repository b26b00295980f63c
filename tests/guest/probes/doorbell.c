/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uses the sample vdev of tests/vdev-sample, at the address bell= and the INTID intid=: rings it, takes the interrupt, silences
 * it there, and tells how often it rang.
 */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/fdt.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/regs.h"
#include "tests/guest/lib/timer.h"

#define RING 0x0
#define COUNT 0x8
#define WAIT_MS 1000

static uint64_t bell;

static void on_irq(uint32_t intid)
{
    print("DOORBELL interrupt %u, RING 0x%x\n", intid, read32(bell + RING));
    write32(bell + RING, 0);
}

void guest_main(void)
{
    bell = bootarg_number("bell", 0);
    uint32_t intid = (uint32_t)bootarg_number("intid", 0);
    gic_init();
    gic_cpu_init();
    this_cpu()->irq_hook = on_irq;
    gic_enable(intid);
    print("DOORBELL at 0x%lx, COUNT 0x%lx\n", bell, read64(bell + COUNT));
    irq_enable();
    for (uint32_t ring = 1; ring <= 3; ring++) {
        write32(bell + RING, ring);
        if (!wait_until(this_cpu()->irq_count == ring, WAIT_MS))
            print("DOORBELL FAILED: no interrupt\n");
    }
    irq_disable();
    print("DOORBELL end: %u interrupts, COUNT 0x%lx, RING 0x%x, pending %u\n", this_cpu()->irq_count,
          read64(bell + COUNT), read32(bell + RING), gic_is_pending(intid));
}
