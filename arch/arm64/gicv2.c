/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv2's physical side: distributor and CPU interface (IHI 0048). The virtual side is gicv2_virt.c. With the Security Extensions this is the
 * Non-secure view, where bit 0 of both CTLR enables group 1 and GICx_IGROUPR is RAZ/WI; without them everything is put into group 0, which bit 0
 * enables, and signalled as IRQ (GICC_CTLR.FIQEn=0): the same writes serve both.
 */
#include "arch/arm64/core_arch.h"
#include "arch/arm64/gicv2_lr.h"
#include "arch/arm64/gicv2_virt.h"
#include "arch/arm64/mmio.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/sysreg.h"
#include "hyp/base/log.h"
#include <errno.h>
#include <inttypes.h>

#define GICD_CTLR 0x000
#define GICD_CTLR_ENABLE BIT(0)
#define GICD_TYPER 0x004
#define GICD_ITARGETSR 0x800
#define GICD_SGIR 0xf00
#define GICD_CPENDSGIR 0xf10
#define GICD_PIDR2 0xfe8
#define GICC_CTLR 0x000
#define GICC_CTLR_ENABLE BIT(0)
#define GICC_CTLR_BYPASS FIELD(8, 5) /* firmware's choice of what a disabled interface does */
#define GICC_CTLR_EOIMODE BIT(9)
#define GICC_PMR 0x004
#define GICC_BPR 0x008
#define GICC_IAR 0x00c
#define GICC_EOIR 0x010
#define GICC_APR0 0x0d0
#define GICC_NSAPR0 0x0e0
#define GICC_IIDR 0x0fc
#define IIDR_EMULATED UINT32_C(0x0002043b)
#define GICC_DIR 0x1000
#define IAR_INTID FIELD(9, 0)
#define SGIS 16
#define PRIVATE 32
#define PRIORITY_ALL UINT32_C(0xa0a0a0a0)
#define EVERY_BYTE UINT32_C(0x01010101)

/* set at startup, then const: */
static volatile void *dist, *cpu;
/* By core. */
static struct gicv2_core {
    uint8_t target; /* set by the core itself in core_init, then const: its bit in GICD_ITARGETSR and GICD_SGIR */
    uint32_t sgi;   /* this core only: GICC_IAR of the last SGI, whose sender GICC_EOIR and GICC_DIR want to know */
} cores[CONFIG_MAX_CORES];

static struct gicv2_core *this_core(void)
{
    return &cores[this_core_arch()->index];
}

/* The first word of each array is banked: the registers of the core that accesses them. */
static void gicv2_bit_write(uint32_t set, uint32_t intid)
{
    mmio_write32(dist, set + intid / 32 * 4, (uint32_t)BIT(intid % 32));
    dsb_sy();
}

static bool gicv2_bit_read(uint32_t set, uint32_t intid)
{
    return mmio_read32(dist, set + intid / 32 * 4) & BIT(intid % 32);
}

static void gicv2_route(uint32_t intid, unsigned core)
{
    if (intid >= PRIVATE)
        mmio_write8(dist, GICD_ITARGETSR + intid, cores[core].target);
}

static void gicv2_set_edge(uint32_t intid, bool edge)
{
    uint32_t offset = GIC_ICFGR + intid / 16 * 4, bit = (uint32_t)BIT(intid % 16 * 2 + 1);
    uint32_t old = mmio_read32(dist, offset);
    mmio_write32(dist, offset, edge ? old | bit : old & ~bit);
}

/* This core's bit: whatever byte of the banked registers is implemented has it. */
static uint8_t target_read(void)
{
    uint32_t words[PRIVATE / 4];
    for (uint32_t i = 0; i < ARRAY_LEN(words); i++)
        words[i] = mmio_read32(dist, GICD_ITARGETSR + i * 4);
    return gicv2_target(words);
}

/* 32 interrupts: disabled, not pending, not active. */
static void word_reset(uint32_t n)
{
    mmio_write32(dist, GIC_ICENABLER + n * 4, ~UINT32_C(0));
    mmio_write32(dist, GIC_ICPENDR + n * 4, ~UINT32_C(0));
    mmio_write32(dist, GIC_ICACTIVER + n * 4, ~UINT32_C(0));
    mmio_write32(dist, GIC_IGROUPR + n * 4, 0);
    for (uint32_t i = 0; i < 8; i++)
        mmio_write32(dist, GIC_IPRIORITYR + n * 32 + i * 4, PRIORITY_ALL);
}

static void __init_section spis_reset(uint32_t limit)
{
    uint32_t here = target_read() * EVERY_BYTE;
    for (uint32_t n = 1; n < limit / 32; n++) {
        word_reset(n);
        mmio_write32(dist, GIC_ICFGR + n * 8, 0); /* level, until who drives the device says otherwise */
        mmio_write32(dist, GIC_ICFGR + n * 8 + 4, 0);
        for (uint32_t i = 0; i < 8; i++)
            mmio_write32(dist, GICD_ITARGETSR + n * 32 + i * 4, here);
    }
}

static int gicv2_map(const struct gic_desc *desc) REQUIRES(STARTUP)
{
    if (desc->cpu.size < KIB(8))
        return error_at(-EINVAL, "gic: GICC at 0x%" PRIx64 " has 0x%" PRIx64 " bytes: GICC_DIR at 0x1000 is needed",
                        desc->cpu.base.raw, desc->cpu.size);
    volatile void *gich = mmu_map_device(desc->vctrl.base, desc->vctrl.size);
    dist = mmu_map_device(desc->dist.base, desc->dist.size);
    cpu = mmu_map_device(desc->cpu.base, desc->cpu.size);
    if (!gich || !dist || !cpu)
        return -ENOMEM;
    gicv2_virt_map(gich);
    if (desc->cpu.size >= KIB(128))
        cpu = (volatile uint8_t *)cpu +
              gicv2_cpu_offset(desc->cpu.size, mmio_read32(cpu, GICC_IIDR), mmio_read32(cpu, 0xf000 + GICC_IIDR));
    return 0;
}

/*
 * QEMU's GICv2 (to 10.0 at least; its GICC_IIDR names no product) does not look at a line again when a list register deactivates its interrupt: one that
 * is high by then is forgotten until something else happens. There EL2 deactivates it, which costs an exit.
 */
static bool __init_section links_wanted(enum gic_links links)
{
    bool emulated = mmio_read32(cpu, GICC_IIDR) == IIDR_EMULATED;
    if (links == GIC_LINKS_AUTO && emulated)
        log_info("gic: an emulated GICv2: interrupts are not linked to list registers (host option gic-links)");
    return links == GIC_LINKS_ON || (links == GIC_LINKS_AUTO && !emulated);
}

static int __startup gicv2_init(const struct gic_desc *desc, struct gic_info *info)
{
    int err = gicv2_map(desc);
    if (err)
        return err;
    unsigned arch = (unsigned)field_get(FIELD(7, 4), mmio_read32(dist, GICD_PIDR2));
    if (arch != 2)
        return error_at(-ENODEV,
                        "gic: no GICv2 distributor at 0x%" PRIx64
                        " (GICD_PIDR2.ArchRev is %u; on a Raspberry Pi 4: enable_gic=1 in config.txt)",
                        desc->dist.base.raw, arch);
    uint32_t limit = ((uint32_t)field_get(FIELD(4, 0), mmio_read32(dist, GICD_TYPER)) + 1) * 32;
    info->intid_limit = (uint16_t)(limit > 1020 ? 1020 : limit);
    info->gicv = desc->vcpu.base;
    info->links = links_wanted(desc->links);
    mmio_write32(dist, GICD_CTLR, 0);
    spis_reset(limit);
    mmio_write32(dist, GICD_CTLR, GICD_CTLR_ENABLE);
    return 0;
}

/* Nothing is enabled, and no priority is active from before; then interrupts of all priorities, priority drop apart from deactivation. */
static int cpu_interface_init(unsigned core)
{
    uint32_t bypass = mmio_read32(cpu, GICC_CTLR) & (uint32_t)GICC_CTLR_BYPASS;
    mmio_write32(cpu, GICC_CTLR, bypass);
    mmio_write32(cpu, GICC_APR0, 0);
    mmio_write32(cpu, GICC_NSAPR0, 0);
    mmio_write32(cpu, GICC_PMR, 0xff);
    if (!mmio_read32(cpu, GICC_PMR))
        return error_at(
            -ENODEV,
            "gic: core %u: GICC_PMR cannot be set: firmware has set a mask that lets only Secure interrupts pass",
            core);
    mmio_write32(cpu, GICC_BPR, 0);
    mmio_write32(cpu, GICC_CTLR, bypass | GICC_CTLR_ENABLE | GICC_CTLR_EOIMODE);
    if (!(mmio_read32(cpu, GICC_CTLR) & GICC_CTLR_EOIMODE))
        return error_at(-ENODEV, "gic: core %u: GICC_CTLR.EOImode cannot be set", core);
    return 0;
}

static int gicv2_core_init(const struct gic_desc *desc, struct gic_info *info, unsigned core)
{
    (void)desc;
    cores[core] = (struct gicv2_core){ .target = target_read() };
    word_reset(0);
    for (uint32_t i = 0; i < SGIS / 4; i++)
        mmio_write32(dist, GICD_CPENDSGIR + i * 4, ~UINT32_C(0));
    int err = cpu_interface_init(core);
    if (err)
        return err;
    gicv2_virt_init(info);
    dsb_sy();
    return 0;
}

static uint32_t gicv2_ack(void)
{
    uint32_t iar = mmio_read32(cpu, GICC_IAR), intid = (uint32_t)field_get(IAR_INTID, iar);
    if (intid < SGIS)
        this_core()->sgi = iar;
    dmb_ld(); /* pairs with gicv2_send_sgi(): what was stored before the SGI was sent is read after it was acknowledged */
    return intid;
}

/* An SGI is dropped and deactivated before the core acknowledges another. */
static uint32_t acked_as(uint32_t intid)
{
    return intid < SGIS ? this_core()->sgi : intid;
}

static void gicv2_drop(uint32_t intid)
{
    mmio_write32(cpu, GICC_EOIR, acked_as(intid));
}

static void gicv2_deactivate(uint32_t intid)
{
    mmio_write32(cpu, GICC_DIR, acked_as(intid));
}

static void gicv2_send_sgi(unsigned core, unsigned sgi)
{
    dsb_ishst(); /* what the receiver shall see is there before it is told to look */
    mmio_write32(dist, GICD_SGIR, gicv2_sgir(cores[core].target, sgi));
}

const struct gic_ops gicv2_ops __startup_table = {
    .dist_init = gicv2_init,
    .core_init = gicv2_core_init,
    .ack = gicv2_ack,
    .drop = gicv2_drop,
    .deactivate = gicv2_deactivate,
    .send_sgi = gicv2_send_sgi,
    .bit_write = gicv2_bit_write,
    .bit_read = gicv2_bit_read,
    .route = gicv2_route,
    .set_edge = gicv2_set_edge,
    .lr_encode = gicv2_lr_encode,
    .lr_decode = gicv2_lr_decode,
    .lr_read = gicv2_lr_read,
    .lr_write = gicv2_lr_write,
    .elrsr_read = gicv2_elrsr_read,
    .eisr_read = gicv2_eisr_read,
    .vhcr_read = gicv2_vhcr_read,
    .vhcr_write = gicv2_vhcr_write,
    .vmcr_read = gicv2_vmcr_read,
    .vmcr_write = gicv2_vmcr_write,
    .vcpu_load = gicv2_vcpu_load,
    .vcpu_save = gicv2_vcpu_save,
    .vcpu_reset = gicv2_vcpu_reset,
};
