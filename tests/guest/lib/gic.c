/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/timer.h"

#define GICR_TYPER_LAST BIT(4)
#define PRIORITY_DEFAULT 0xa0a0a0a0u
#define WAIT_MS 1000

bool gic_has_sysregs(void)
{
    return field_get(FIELD(27, 24), mrs(id_aa64pfr0_el1)) != 0;
}

void gic_cpu_find(struct cpu *cpu)
{
    uint64_t mpidr = mrs(mpidr_el1);
    uint64_t affinity = (mpidr >> 8 & 0xff000000) | (mpidr & 0xffffff);
    for (uint64_t at = GICR;; at += GICR_STRIDE) {
        uint64_t typer = read64(at + GICR_TYPER);
        if (typer >> 32 == affinity) {
            cpu->redistributor = at;
            return;
        }
        if (typer & GICR_TYPER_LAST)
            return;
    }
}

unsigned int gic_intids(void)
{
    unsigned int n = 32 * ((read32(GICD + GICD_TYPER) & 0x1f) + 1);
    return n > INTID_SPECIAL ? INTID_SPECIAL : n;
}

void gicd_wait(void)
{
    wait_until(!(read32(GICD + GICD_CTLR) & GICD_CTLR_RWP), WAIT_MS);
}

void gicr_wait(void)
{
    wait_until(!(read32(this_cpu()->redistributor + GICR_CTLR) & GICR_CTLR_RWP), WAIT_MS);
}

void gic_init(void)
{
    write32(GICD + GICD_CTLR, 0);
    gicd_wait();
    write32(GICD + GICD_CTLR, GICD_CTLR_ARE);
    gicd_wait();
    for (uint32_t i = 1; i < gic_intids() / 32; i++) {
        write32(GICD + GICD_ICENABLER + 4 * i, ~0u);
        write32(GICD + GICD_ICPENDR + 4 * i, ~0u);
        write32(GICD + GICD_ICACTIVER + 4 * i, ~0u);
        write32(GICD + GICD_IGROUPR + 4 * i, ~0u);
        write32(GICD + GICD_IGRPMODR + 4 * i, 0);
    }
    for (uint32_t i = 32; i < gic_intids(); i += 4)
        write32(GICD + GICD_IPRIORITYR + i, PRIORITY_DEFAULT);
    for (uint32_t i = 32; i < gic_intids(); i++)
        gic_route(i, this_cpu()->mpidr);
    gicd_wait();
    write32(GICD + GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GRP0 | GICD_CTLR_GRP1);
    gicd_wait();
}

void gic_cpu_init(void)
{
    uint64_t rd = this_cpu()->redistributor;
    write32(rd + GICR_WAKER, read32(rd + GICR_WAKER) & ~(uint32_t)WAKER_SLEEP);
    wait_until(!(read32(rd + GICR_WAKER) & WAKER_ASLEEP), WAIT_MS);
    write32(rd + GICR_ICENABLER0, ~0u);
    write32(rd + GICR_ICPENDR0, ~0u);
    write32(rd + GICR_ICACTIVER0, ~0u);
    write32(rd + GICR_IGROUPR0, ~0u);
    write32(rd + GICR_IGRPMODR0, 0);
    for (uint32_t i = 0; i < 32; i += 4)
        write32(rd + GICR_IPRIORITYR + i, PRIORITY_DEFAULT);
    gicr_wait();
    msr(icc_sre_el1, mrs(icc_sre_el1) | 1);
    isb();
    msr(icc_pmr_el1, 0xf0);
    msr(icc_bpr1_el1, 0);
    msr(icc_bpr0_el1, 0);
    msr(icc_ctlr_el1, mrs(icc_ctlr_el1) & ~BIT(1) & ~BIT(0));
    msr(icc_igrpen0_el1, 1);
    msr(icc_igrpen1_el1, 1);
    isb();
}

void gic_cpu_disable(void)
{
    msr(icc_igrpen0_el1, 0);
    msr(icc_igrpen1_el1, 0);
    isb();
}

uint64_t gic_bit_register(uint32_t base, uint32_t intid)
{
    if (intid < 32)
        return this_cpu()->redistributor + GICR_SGI + base;
    return GICD + base + 4 * (intid / 32);
}

static void bit_write(uint32_t base, uint32_t intid)
{
    write32(gic_bit_register(base, intid), 1u << intid % 32);
    dsb(sy);
}

static bool bit_read(uint32_t base, uint32_t intid)
{
    return read32(gic_bit_register(base, intid)) >> intid % 32 & 1;
}

void gic_enable(uint32_t intid)
{
    bit_write(GICD_ISENABLER, intid);
}

void gic_disable(uint32_t intid)
{
    bit_write(GICD_ICENABLER, intid);
    if (intid < 32)
        gicr_wait();
    else
        gicd_wait();
}

void gic_set_pending(uint32_t intid)
{
    bit_write(GICD_ISPENDR, intid);
}

void gic_clear_pending(uint32_t intid)
{
    bit_write(GICD_ICPENDR, intid);
}

bool gic_is_pending(uint32_t intid)
{
    return bit_read(GICD_ISPENDR, intid);
}

bool gic_is_active(uint32_t intid)
{
    return bit_read(GICD_ISACTIVER, intid);
}

bool gic_is_enabled(uint32_t intid)
{
    return bit_read(GICD_ISENABLER, intid);
}

void gic_set_active(uint32_t intid)
{
    bit_write(GICD_ISACTIVER, intid);
}

void gic_clear_active(uint32_t intid)
{
    bit_write(GICD_ICACTIVER, intid);
}

static uint64_t priority_byte(uint32_t intid)
{
    return (intid < 32 ? this_cpu()->redistributor + GICR_SGI : GICD) + GICD_IPRIORITYR + intid;
}

void gic_set_priority(uint32_t intid, uint32_t priority)
{
    write8(priority_byte(intid), priority);
    dsb(sy);
}

uint32_t gic_priority(uint32_t intid)
{
    return read8(priority_byte(intid));
}

void gic_set_group(uint32_t intid, unsigned int group)
{
    uint64_t at = gic_bit_register(GICD_IGROUPR, intid);
    uint32_t bit = 1u << intid % 32;
    write32(at, group ? read32(at) | bit : read32(at) & ~bit);
    dsb(sy);
}

void gic_set_edge(uint32_t intid, bool edge)
{
    uint64_t at = (intid < 32 ? this_cpu()->redistributor + GICR_SGI : GICD) + GICD_ICFGR + 4 * (intid / 16);
    uint32_t bit = 2u << intid % 16 * 2;
    write32(at, edge ? read32(at) | bit : read32(at) & ~bit);
    dsb(sy);
}

void gic_route(uint32_t spi, uint64_t mpidr)
{
    write64(GICD + GICD_IROUTER + 8 * (uint64_t)spi, mpidr);
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

uint64_t gic_sgi_to(uint64_t mpidr, uint32_t intid)
{
    uint64_t aff0 = mpidr & 0xff;
    return field_make(FIELD(55, 48), mpidr >> 32) | field_make(FIELD(39, 32), mpidr >> 16) |
           field_make(FIELD(23, 16), mpidr >> 8) | field_make(FIELD(47, 44), aff0 / 16) | (uint64_t)intid << 24 |
           BIT(aff0 % 16);
}
