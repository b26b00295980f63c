/* SPDX-License-Identifier: Apache-2.0 */
/* GICv3's physical side: distributor, redistributors, physical CPU interface (IHI 0069). The virtual side is gicv3_virt.c. */
#include "arch/arm64/core_arch.h"
#include "arch/arm64/gicv3_lr.h"
#include "arch/arm64/gicv3_virt.h"
#include "arch/arm64/mmio.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/sysreg.h"
#include "hyp/base/log.h"
#include <errno.h>
#include <inttypes.h>

#define GICD_CTLR 0x0000
#define GICD_CTLR_ENABLE_GRP1 BIT(1) /* EnableGrp1A seen from non-secure state, EnableGrp1 where GICD_CTLR.DS=1 */
#define GICD_CTLR_ARE BIT(4)
#define GICD_CTLR_RWP BIT(31)
#define GICD_TYPER 0x0004
#define GICD_PIDR2 0xffe8
#define GICD_IROUTER 0x6000
#define GICR_CTLR 0x0000
#define GICR_CTLR_RWP BIT(3)
#define GICR_TYPER 0x0008
#define GICR_TYPER_VLPIS BIT(1)
#define GICR_TYPER_LAST BIT(4)
#define GICR_WAKER 0x0014
#define GICR_WAKER_PROCESSOR_SLEEP BIT(1)
#define GICR_WAKER_CHILDREN_ASLEEP BIT(2)
#define GICR_SGI_FRAME 0x10000
#define GICR_SIZE 0x20000
#define PRIORITY_ALL UINT32_C(0xa0a0a0a0)
#define SPIN_LIMIT 1000000 /* register reads: about a second; hardware answers in microseconds */

/* set at startup, then const: */
static volatile void *dist;
static volatile void *redist_regions[8];
/* By core; set by the core itself in core_init, then const. */
static struct gicv3_core {
    volatile void *redist;
    uint64_t mpidr;
} cores[CONFIG_MAX_CORES];

static int bit_wait_clear(volatile void *base, uint32_t offset, uint64_t bit, const char *what)
{
    for (unsigned i = 0; i < SPIN_LIMIT; i++) {
        if (!(mmio_read32(base, offset) & bit))
            return 0;
    }
    return error_at(-ETIMEDOUT, "gic: %s does not clear", what);
}

/* Whose registers hold the state of an interrupt: the distributor's, or those of this core's redistributor. */
static volatile void *irq_base(uint32_t intid)
{
    return intid >= 32 ? dist : (volatile uint8_t *)cores[this_core_arch()->index].redist + GICR_SGI_FRAME;
}

static void gicv3_bit_write(uint32_t set, uint32_t intid)
{
    volatile void *base = irq_base(intid);
    mmio_write32(base, set + intid / 32 * 4, (uint32_t)BIT(intid % 32));
    if (set == GIC_ICENABLER) /* it cannot be signalled any more when this returns; a time-out is traced */
        (void)(intid >= 32
                   ? bit_wait_clear(dist, GICD_CTLR, GICD_CTLR_RWP, "GICD_CTLR.RWP")
                   : bit_wait_clear(cores[this_core_arch()->index].redist, GICR_CTLR, GICR_CTLR_RWP, "GICR_CTLR.RWP"));
    if (set == GIC_ISACTIVER) /* it has reached the GIC before a list register that is linked to it does anything */
        (void)mmio_read32(base, set + intid / 32 * 4);
    dsb_sy();
}

static bool gicv3_bit_read(uint32_t set, uint32_t intid)
{
    return mmio_read32(irq_base(intid), set + intid / 32 * 4) & BIT(intid % 32);
}

static void gicv3_route(uint32_t intid, unsigned core)
{
    if (intid >= 32)
        mmio_write64(dist, GICD_IROUTER + intid * 8, gicv3_irouter(cores[core].mpidr));
}

static void gicv3_set_edge(uint32_t intid, bool edge)
{
    volatile void *base = irq_base(intid);
    uint32_t offset = GIC_ICFGR + intid / 16 * 4, bit = (uint32_t)BIT(intid % 16 * 2 + 1);
    uint32_t old = mmio_read32(base, offset);
    mmio_write32(base, offset, edge ? old | bit : old & ~bit);
}

static void __init_section spis_reset(uint32_t limit)
{
    for (uint32_t n = 1; n < limit / 32; n++) {
        mmio_write32(dist, GIC_ICENABLER + n * 4, ~UINT32_C(0));
        mmio_write32(dist, GIC_ICPENDR + n * 4, ~UINT32_C(0));
        mmio_write32(dist, GIC_ICACTIVER + n * 4, ~UINT32_C(0));
        mmio_write32(dist, GIC_IGROUPR + n * 4, ~UINT32_C(0));
        mmio_write32(dist, GIC_ICFGR + n * 8, 0); /* level, until who drives the device says otherwise */
        mmio_write32(dist, GIC_ICFGR + n * 8 + 4, 0);
        for (uint32_t i = 0; i < 8; i++)
            mmio_write32(dist, GIC_IPRIORITYR + n * 32 + i * 4, PRIORITY_ALL);
    }
}

static int gicv3_map(const struct gic_desc *desc) REQUIRES(STARTUP)
{
    dist = mmu_map_device(desc->dist.base, desc->dist.size);
    if (!dist)
        return -ENOMEM;
    if (desc->redist_count == 0 || desc->redist_count > ARRAY_LEN(redist_regions))
        return error_at(-EINVAL, "gic: %u redistributor regions in the tree, 1 to %zu are supported",
                        desc->redist_count, ARRAY_LEN(redist_regions));
    for (unsigned i = 0; i < desc->redist_count; i++) {
        redist_regions[i] = mmu_map_device(desc->redist[i].base, desc->redist[i].size);
        if (!redist_regions[i])
            return -ENOMEM;
    }
    return 0;
}

static int __startup gicv3_init(const struct gic_desc *desc, struct gic_info *info)
{
    if (!field_get(FIELD(27, 24), read_sysreg(id_aa64pfr0_el1)))
        return error_at(-ENODEV, "gic: the tree says GICv3, the core has no system register interface to it");
    int err = gicv3_map(desc);
    if (err)
        return err;
    unsigned arch = (unsigned)field_get(FIELD(7, 4), mmio_read32(dist, GICD_PIDR2));
    if (arch != 3 && arch != 4)
        return error_at(-ENODEV, "gic: no GICv3 distributor at 0x%" PRIx64 " (GICD_PIDR2.ArchRev is %u)",
                        desc->dist.base.raw, arch);
    uint32_t limit = ((uint32_t)field_get(FIELD(4, 0), mmio_read32(dist, GICD_TYPER)) + 1) * 32;
    info->intid_limit = (uint16_t)(limit > 1020 ? 1020 : limit);
    mmio_write32(dist, GICD_CTLR, 0);
    err = bit_wait_clear(dist, GICD_CTLR, GICD_CTLR_RWP, "GICD_CTLR.RWP");
    if (err)
        return err;
    spis_reset(limit);
    err = bit_wait_clear(dist, GICD_CTLR, GICD_CTLR_RWP, "GICD_CTLR.RWP");
    if (err)
        return err;
    mmio_write32(dist, GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_ENABLE_GRP1);
    if (!(mmio_read32(dist, GICD_CTLR) & GICD_CTLR_ARE))
        return error_at(-ENODEV, "gic: firmware keeps affinity routing off (GICD_CTLR.ARE_NS)");
    /* Affinity routing is on only now, and GICD_IROUTER with it: everything goes to this core until someone says otherwise. */
    for (uint32_t n = 32; n < info->intid_limit; n++)
        mmio_write64(dist, GICD_IROUTER + n * 8, gicv3_irouter(read_sysreg(mpidr_el1)));
    return bit_wait_clear(dist, GICD_CTLR, GICD_CTLR_RWP, "GICD_CTLR.RWP");
}

/* The redistributor whose affinity is this core's, among the frames of one region. NULL: not there. */
static volatile void *redist_find(const struct gic_desc *desc, unsigned region, uint32_t affinity)
{
    uint64_t at = 0;
    while (at + GICR_SIZE <= desc->redist[region].size) {
        volatile void *frame = (volatile uint8_t *)redist_regions[region] + at;
        uint64_t typer = mmio_read64(frame, GICR_TYPER);
        if (typer >> 32 == affinity)
            return frame;
        if (typer & GICR_TYPER_LAST)
            break;
        at += desc->redist_stride ? desc->redist_stride : typer & GICR_TYPER_VLPIS ? 2 * GICR_SIZE : GICR_SIZE;
    }
    return NULL;
}

static int redist_init(volatile void *redist)
{
    uint32_t waker = mmio_read32(redist, GICR_WAKER);
    mmio_write32(redist, GICR_WAKER, waker & ~(uint32_t)GICR_WAKER_PROCESSOR_SLEEP);
    int err = bit_wait_clear(redist, GICR_WAKER, GICR_WAKER_CHILDREN_ASLEEP, "GICR_WAKER.ChildrenAsleep");
    if (err)
        return err;
    volatile void *sgi = (volatile uint8_t *)redist + GICR_SGI_FRAME;
    mmio_write32(sgi, GIC_ICENABLER, ~UINT32_C(0));
    err = bit_wait_clear(redist, GICR_CTLR, GICR_CTLR_RWP, "GICR_CTLR.RWP");
    if (err)
        return err;
    mmio_write32(sgi, GIC_ICPENDR, ~UINT32_C(0));
    mmio_write32(sgi, GIC_ICACTIVER, ~UINT32_C(0));
    mmio_write32(sgi, GIC_IGROUPR, ~UINT32_C(0));
    for (uint32_t i = 0; i < 8; i++)
        mmio_write32(sgi, GIC_IPRIORITYR + i * 4, PRIORITY_ALL);
    dsb_sy();
    return 0;
}

#define ICC_SRE_SRE BIT(0)
#define ICC_SRE_DFB BIT(1)
#define ICC_SRE_DIB BIT(2)
#define ICC_CTLR_EOIMODE BIT(1)
#define ICC_CTLR_PRIBITS FIELD(10, 8)

/* ICC_SRE_EL2.Enable stays 0: a guest's access to ICC_SRE_EL1 traps, so that it cannot leave the system register interface. */
/* Who ran here before may have left while it served an interrupt: nothing of that priority would ever come. Group 0's may be the Secure side's. */
static void active_priorities_clear(void)
{
    unsigned bits = (unsigned)field_get(ICC_CTLR_PRIBITS, read_sysreg(icc_ctlr_el1)) + 1;
    write_sysreg(S3_0_C12_C9_0, 0); /* ICC_AP1R0_EL1, for 5 bits of priority */
    if (bits > 5)
        write_sysreg(S3_0_C12_C9_1, 0);
    if (bits > 6) {
        write_sysreg(S3_0_C12_C9_2, 0);
        write_sysreg(S3_0_C12_C9_3, 0);
    }
    isb();
}

static int cpu_interface_init(void)
{
    write_sysreg(icc_sre_el2, ICC_SRE_SRE | ICC_SRE_DFB | ICC_SRE_DIB);
    isb();
    if (!(read_sysreg(icc_sre_el2) & ICC_SRE_SRE))
        return error_at(-ENODEV, "gic: firmware keeps the system register interface off (ICC_SRE_EL2.SRE)");
    write_sysreg(icc_sre_el1, ICC_SRE_SRE | ICC_SRE_DFB | ICC_SRE_DIB);
    isb();
    write_sysreg(icc_igrpen1_el1, 0);
    write_sysreg(icc_ctlr_el1, ICC_CTLR_EOIMODE);
    write_sysreg(icc_bpr1_el1, 0);
    write_sysreg(icc_pmr_el1, 0xff);
    active_priorities_clear();
    write_sysreg(icc_igrpen1_el1, 1);
    isb();
    return 0;
}

static int gicv3_core_init(const struct gic_desc *desc, struct gic_info *info, unsigned core)
{
    uint64_t mpidr = read_sysreg(mpidr_el1);
    volatile void *redist = NULL;
    for (unsigned i = 0; i < desc->redist_count && !redist; i++)
        redist = redist_find(desc, i, gicv3_typer_affinity(mpidr));
    if (!redist)
        return error_at(-ENODEV, "gic: no redistributor of core %u (MPIDR 0x%" PRIx64 ")", core, mpidr);
    cores[core] = (struct gicv3_core){ .redist = redist, .mpidr = mpidr };
    int err = redist_init(redist);
    if (err)
        return err;
    err = cpu_interface_init();
    if (err)
        return err;
    gicv3_virt_init(info);
    return 0;
}

static uint32_t gicv3_ack(void)
{
    uint32_t intid = (uint32_t)read_sysreg(icc_iar1_el1);
    dsb_sy(); /* what was stored before an SGI is read after its acknowledge */
    return intid;
}

static void gicv3_drop(uint32_t intid)
{
    write_sysreg(icc_eoir1_el1, intid);
}

static void gicv3_deactivate(uint32_t intid)
{
    write_sysreg(icc_dir_el1, intid);
}

static void gicv3_send_sgi(unsigned core, unsigned sgi)
{
    dsb_ishst(); /* what the receiver shall see is there before it is told to look */
    write_sysreg(icc_sgi1r_el1, gicv3_sgi1r(cores[core].mpidr, sgi));
    isb();
}

const struct gic_ops gicv3_ops __startup_table = {
    .dist_init = gicv3_init,
    .core_init = gicv3_core_init,
    .ack = gicv3_ack,
    .drop = gicv3_drop,
    .deactivate = gicv3_deactivate,
    .send_sgi = gicv3_send_sgi,
    .bit_write = gicv3_bit_write,
    .bit_read = gicv3_bit_read,
    .route = gicv3_route,
    .set_edge = gicv3_set_edge,
    .lr_encode = gicv3_lr_encode,
    .lr_decode = gicv3_lr_decode,
    .lr_read = gicv3_lr_read,
    .lr_write = gicv3_lr_write,
    .elrsr_read = gicv3_elrsr_read,
    .eisr_read = gicv3_eisr_read,
    .vhcr_read = gicv3_vhcr_read,
    .vhcr_write = gicv3_vhcr_write,
    .vmcr_read = gicv3_vmcr_read,
    .vmcr_write = gicv3_vmcr_write,
    .vrpr_read = gicv3_vrpr_read,
    .vctlr_read = gicv3_vctlr_read,
    .vcpu_load = gicv3_vcpu_load,
    .vcpu_save = gicv3_vcpu_save,
    .vcpu_reset = gicv3_vcpu_reset,
};
