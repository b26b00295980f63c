/* SPDX-License-Identifier: Apache-2.0 */
/* A core's interface to the interrupt controller: the system registers of a GICv3, or GICC of a GICv2. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/timer.h"

#define ICC_CTLR_CBPR BIT(0)
#define ICC_CTLR_EOIMODE BIT(1)
#define IAR_INTID 0x3ff
#define SGIS 16
#define MASK_DEFAULT 0xf0

/* GICv2: what the acknowledge of an SGI read, with who sent it. */
static uint32_t sgi_acked[CPUS_MAX][SGIS];

static bool v2(void)
{
    return gic_version() == 2;
}

/*
 * GICv2: the group is told by GICC_HPPIR with AckCtl=0, where group 1 reads as 1022; everything else has AckCtl=1. (The aliased registers would do
 * without, but QEMU has none.) INTID_NONE: nothing, or another group's comes first.
 */
static uint32_t gicc_highest(unsigned int group)
{
    uint32_t ctlr = read32(GICC + GICC_CTLR);
    write32(GICC + GICC_CTLR, ctlr & ~(uint32_t)GICC_CTLR_ACK);
    uint32_t intid = read32(GICC + GICC_HPPIR) & IAR_INTID;
    write32(GICC + GICC_CTLR, ctlr);
    if (group && intid == INTID_OTHER_GROUP)
        return read32(GICC + GICC_HPPIR) & IAR_INTID;
    return !group && intid < INTID_SPECIAL ? intid : INTID_NONE;
}

static uint32_t gicc_ack(unsigned int group)
{
    if (gicc_highest(group) == INTID_NONE)
        return INTID_NONE;
    uint32_t iar = read32(GICC + GICC_IAR), intid = iar & IAR_INTID;
    if (intid < SGIS)
        sgi_acked[this_cpu()->index][intid] = iar;
    return intid;
}

static void gicc_end(uint32_t reg, uint32_t intid)
{
    write32(GICC + reg, intid < SGIS ? sgi_acked[this_cpu()->index][intid] : intid);
    dsb(sy);
}

uint32_t gic_ack1(void)
{
    uint32_t intid = v2() ? gicc_ack(1) : (uint32_t)mrs(icc_iar1_el1);
    dsb(sy);
    return intid;
}

uint32_t gic_ack0(void)
{
    uint32_t intid = v2() ? gicc_ack(0) : (uint32_t)mrs(icc_iar0_el1);
    dsb(sy);
    return intid;
}

void gic_eoi1(uint32_t intid)
{
    if (v2())
        gicc_end(GICC_EOIR, intid);
    else
        msr(icc_eoir1_el1, intid);
    isb();
}

void gic_eoi0(uint32_t intid)
{
    if (v2())
        gicc_end(GICC_EOIR, intid);
    else
        msr(icc_eoir0_el1, intid);
    isb();
}

void gic_deactivate(uint32_t intid)
{
    if (v2())
        gicc_end(GICC_DIR, intid);
    else
        msr(icc_dir_el1, intid);
    isb();
}

uint32_t gic_running_priority(void)
{
    return v2() ? read32(GICC + GICC_RPR) & 0xff : (uint32_t)mrs(icc_rpr_el1);
}

uint32_t gic_highest_pending1(void)
{
    return v2() ? gicc_highest(1) : (uint32_t)mrs(icc_hppir1_el1);
}

uint32_t gic_highest_pending0(void)
{
    return v2() ? gicc_highest(0) : (uint32_t)mrs(icc_hppir0_el1);
}

uint32_t gic_mask(void)
{
    return v2() ? read32(GICC + GICC_PMR) : (uint32_t)mrs(icc_pmr_el1);
}

void gic_set_mask(uint32_t pmr)
{
    if (v2())
        write32(GICC + GICC_PMR, pmr);
    else
        msr(icc_pmr_el1, pmr);
    isb();
}

uint32_t gic_binary_point1(void)
{
    return v2() ? read32(GICC + GICC_ABPR) : (uint32_t)mrs(icc_bpr1_el1);
}

void gic_set_binary_point1(uint32_t bpr)
{
    if (v2())
        write32(GICC + GICC_ABPR, bpr);
    else
        msr(icc_bpr1_el1, bpr);
    isb();
}

static void gicc_ctlr_set(uint32_t bits, bool on)
{
    uint32_t ctlr = read32(GICC + GICC_CTLR);
    write32(GICC + GICC_CTLR, on ? ctlr | bits : ctlr & ~bits);
    dsb(sy);
}

void gic_set_eoimode(bool split)
{
    if (v2())
        gicc_ctlr_set(GICC_CTLR_EOIMODE, split);
    else if (split)
        msr(icc_ctlr_el1, mrs(icc_ctlr_el1) | ICC_CTLR_EOIMODE);
    else
        msr(icc_ctlr_el1, mrs(icc_ctlr_el1) & ~ICC_CTLR_EOIMODE);
    isb();
}

void gic_set_group_enable(unsigned int group, bool on)
{
    if (v2())
        gicc_ctlr_set(group ? GICC_CTLR_GRP1 : GICC_CTLR_GRP0, on);
    else if (group)
        msr(icc_igrpen1_el1, on);
    else
        msr(icc_igrpen0_el1, on);
    isb();
}

uint32_t gic_active_priorities(void)
{
    if (v2())
        return read32(GICC + GICC_APR0) | read32(GICC + GICC_NSAPR0);
    return (uint32_t)(mrs(icc_ap0r0_el1) | mrs(icc_ap1r0_el1));
}

static void sysregs_init(void)
{
    msr(icc_sre_el1, mrs(icc_sre_el1) | 1);
    isb();
    msr(icc_pmr_el1, MASK_DEFAULT);
    msr(icc_bpr1_el1, 0);
    msr(icc_bpr0_el1, 0);
    msr(icc_ctlr_el1, mrs(icc_ctlr_el1) & ~(ICC_CTLR_EOIMODE | ICC_CTLR_CBPR));
    msr(icc_igrpen0_el1, 1);
    msr(icc_igrpen1_el1, 1);
    isb();
}

void gic_interface_init(void)
{
    if (!v2()) {
        sysregs_init();
        return;
    }
    write32(GICC + GICC_CTLR, 0);
    write32(GICC + GICC_PMR, MASK_DEFAULT);
    write32(GICC + GICC_BPR, 0);
    write32(GICC + GICC_ABPR, 0);
    write32(GICC + GICC_CTLR, GICC_CTLR_GRP0 | GICC_CTLR_GRP1 | GICC_CTLR_FIQ | GICC_CTLR_ACK);
    dsb(sy);
}

void gic_cpu_disable(void)
{
    gic_set_group_enable(0, false);
    gic_set_group_enable(1, false);
}

uint32_t gic_poll(uint64_t us)
{
    uint64_t end = timer_count() + timer_ticks(us);
    uint32_t intid;
    do {
        yield();
        intid = gic_ack1();
    } while (intid == INTID_NONE && timer_count() < end);
    return intid;
}
