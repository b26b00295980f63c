/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/timer.h"

#define GICR_TYPER_LAST BIT(4)
#define PRIORITY_DEFAULT 0xa0a0a0a0u
#define WAIT_MS 1000
#define MPIDR_AFFINITY UINT64_C(0xff00ffffff)

bool gic_has_sysregs(void)
{
    return field_get(FIELD(27, 24), mrs(id_aa64pfr0_el1)) != 0;
}

unsigned int gic_version(void)
{
    return gic_has_sysregs() ? 3 : 2;
}

/* GICv2: every core's own bit, as its banked GICD_ITARGETSR0 says; with one core it says 0. */
static uint8_t targets[CPUS_MAX];

static void target_find(const struct cpu *cpu)
{
    uint8_t target = read32(GICD + GICD_ITARGETSR) & 0xff;
    targets[cpu->index] = target ? target : 1;
}

static uint32_t target_of(uint64_t mpidr)
{
    for (unsigned int i = 0; i < cpu_count; i++)
        if (cpus[i].mpidr == (mpidr & MPIDR_AFFINITY))
            return targets[i];
    return 0;
}

void gic_cpu_find(struct cpu *cpu)
{
    if (gic_version() == 2) {
        target_find(cpu);
        return;
    }
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

/* A GICv2 has nothing to wait for: bit 31 is reserved there. */
void gicd_wait(void)
{
    wait_until(!(read32(GICD + GICD_CTLR) & GICD_CTLR_RWP), WAIT_MS);
}

void gicr_wait(void)
{
    if (gic_version() == 3)
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
        if (gic_version() == 3)
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

static void private_init(void)
{
    write32(GICD + GICD_ICENABLER, ~0u);
    write32(GICD + GICD_ICPENDR, ~0u);
    for (uint32_t i = 0; i < 4; i++)
        write32(GICD + GICD_CPENDSGIR + 4 * i, ~0u);
    write32(GICD + GICD_ICACTIVER, ~0u);
    write32(GICD + GICD_IGROUPR, ~0u);
    for (uint32_t i = 0; i < 32; i += 4)
        write32(GICD + GICD_IPRIORITYR + i, PRIORITY_DEFAULT);
}

static void redistributor_init(void)
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
}

void gic_cpu_init(void)
{
    if (gic_version() == 2)
        private_init();
    else
        redistributor_init();
    gic_interface_init();
}

/* Where the registers of an interrupt begin: its distributor's, which a GICv2 banks, or its redistributor's. */
static uint64_t private_base(uint32_t intid)
{
    return intid < 32 && gic_version() == 3 ? this_cpu()->redistributor + GICR_SGI : GICD;
}

uint64_t gic_bit_register(uint32_t base, uint32_t intid)
{
    return private_base(intid) + base + 4 * (intid / 32);
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
    return private_base(intid) + GICD_IPRIORITYR + intid;
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
    uint64_t at = private_base(intid) + GICD_ICFGR + 4 * (intid / 16);
    uint32_t bit = 2u << intid % 16 * 2;
    write32(at, edge ? read32(at) | bit : read32(at) & ~bit);
    dsb(sy);
}

void gic_route(uint32_t spi, uint64_t mpidr)
{
    if (gic_version() == 2)
        write8(GICD + GICD_ITARGETSR + spi, target_of(mpidr));
    else
        write64(GICD + GICD_IROUTER + 8 * (uint64_t)spi, mpidr);
}

bool gic_route_any(uint32_t spi)
{
    if (gic_version() == 2) {
        write8(GICD + GICD_ITARGETSR + spi, 0xff);
        return true;
    }
    write64(GICD + GICD_IROUTER + 8 * (uint64_t)spi, IROUTER_IRM);
    return read64(GICD + GICD_IROUTER + 8 * (uint64_t)spi) & IROUTER_IRM;
}

#define SGIR_TARGETS FIELD(23, 16)
#define SGIR_OTHERS BIT(24)

uint64_t gic_sgi_to(uint64_t mpidr, uint32_t intid)
{
    uint64_t aff0 = mpidr & 0xff;
    if (gic_version() == 2)
        return field_make(SGIR_TARGETS, target_of(mpidr)) | intid;
    return field_make(FIELD(55, 48), mpidr >> 32) | field_make(FIELD(39, 32), mpidr >> 16) |
           field_make(FIELD(23, 16), mpidr >> 8) | field_make(FIELD(47, 44), aff0 / 16) | (uint64_t)intid << 24 |
           BIT(aff0 % 16);
}

uint64_t gic_sgi_to_list(uint64_t list, uint32_t intid)
{
    uint64_t value = gic_version() == 2 ? intid : (uint64_t)intid << 24 | list;
    for (unsigned int i = 0; i < cpu_count && gic_version() == 2; i++)
        if (list >> (cpus[i].mpidr & 0xf) & 1)
            value |= gic_sgi_to(cpus[i].mpidr, intid);
    return value;
}

uint64_t gic_sgi_to_others(uint32_t intid)
{
    return gic_version() == 2 ? SGIR_OTHERS | intid : (uint64_t)intid << 24 | SGIR_IRM;
}

void gic_send_sgi1(uint64_t value)
{
    dsb(ish);
    if (gic_version() == 2)
        write32(GICD + GICD_SGIR, (uint32_t)value);
    else
        msr(icc_sgi1r_el1, value);
    isb();
}
