/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PL031 (DDI 0224) at rtc= on the INTID intid=: seconds= times it asks for the match interrupt a second ahead, then matches= times at once. Each third interrupt
 * is left asserted twice before it is silenced, and must come again at its end. Tells how often what came. With reset=1 the first life ends with the interrupt asserted, with
 * off=1 the last.
 */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/fdt.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/psci.h"
#include "tests/guest/lib/regs.h"
#include "tests/guest/lib/timer.h"

#define DR 0x00
#define MR 0x04
#define LR 0x08
#define CR 0x0c
#define IMSC 0x10
#define RIS 0x14
#define MIS 0x18
#define ICR 0x1c
#define PERIPHID0 0xfe0
#define LEFT_HIGH 2
#define WAIT_MS 3000

static uint64_t rtc;
static volatile uint32_t leave, again, done, unasked;

static void on_irq(uint32_t intid)
{
    (void)intid;
    if (!(read32(rtc + MIS) & 1)) {
        unasked++;
        return;
    }
    if (leave) {
        leave--;
        again++;
        return;
    }
    write32(rtc + ICR, 1);
    done++;
}

/* The interrupt `ahead` seconds from now. Did it come, as often as it must, and no more? */
static bool match(uint32_t ahead, uint32_t round)
{
    uint32_t before = done, again_before = again, stays = round % 3 == 0 ? LEFT_HIGH : 0;
    leave = stays;
    write32(rtc + MR, read32(rtc + DR) + ahead);
    return wait_until(done != before, WAIT_MS) && done == before + 1 && again == again_before + stays;
}

static uint32_t rounds(uint32_t count, uint32_t ahead)
{
    uint32_t good = 0;
    for (uint32_t n = 0; n < count; n++)
        good += match(ahead, n);
    return good;
}

/* Asserted and not taken, then masked at the device and asserted again while the guest's controller has it off. */
static void lines_try(uint32_t intid)
{
    gic_disable(intid);
    write32(rtc + MR, read32(rtc + DR));
    bool pends = wait_until(gic_is_pending(intid), 100);
    uint32_t before = done;
    gic_enable(intid);
    bool comes = wait_until(done == before + 1, 100);
    bool over = !gic_is_pending(intid) && !gic_is_active(intid);
    print("RTC off: pends %u, comes when on %u, over %u\n", pends, comes, over);
}

void guest_main(void)
{
    uint32_t intid = (uint32_t)bootarg_number("intid", 34);
    rtc = bootarg_number("rtc", 0x09010000);
    gic_init();
    gic_cpu_init();
    this_cpu()->irq_hook = on_irq;
    print("RTC part 0x%x, raw status %u\n", read32(rtc + PERIPHID0) & 0xff, read32(rtc + RIS));
    bool second = read32(rtc + RIS);
    write32(rtc + ICR, 1);
    write32(rtc + CR, 1);
    write32(rtc + IMSC, 1);
    gic_enable(intid);
    irq_enable();
    uint32_t seconds = (uint32_t)bootarg_number("seconds", 2), matches = (uint32_t)bootarg_number("matches", 300);
    uint32_t good = rounds(seconds, 1), good_now = rounds(matches, 0);
    lines_try(intid);
    print("RTC %u of %u seconds, %u of %u matches, %u again, %u unasked\n", good, seconds, good_now, matches, again,
          unasked);
    bool reset = bootarg_number("reset", 0) && !second;
    if (reset || bootarg_number("off", 0)) {
        irq_disable();
        write32(rtc + MR, read32(rtc + DR));
        wait_until(gic_is_pending(intid), 100);
    }
    if (reset)
        hvc(PSCI_SYSTEM_RESET, 0, 0, 0);
    print("RTC end, DR %u\n", read32(rtc + DR));
}
