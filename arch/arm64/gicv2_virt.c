/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/gicv2_virt.h"
#include "arch/arm64/mmio.h"

#define GICH_HCR 0x00
#define GICH_VTR 0x04
#define GICH_VMCR 0x08
#define GICH_EISR0 0x20
#define GICH_ELRSR0 0x30
#define GICH_APR 0xf0
#define GICH_LR0 0x100

#define GICH_VTR_LISTREGS FIELD(5, 0)
#define GICH_VTR_PREBITS FIELD(28, 26)
#define GICH_VTR_PRIBITS FIELD(31, 29)

static volatile void *gich; /* set at startup, then const; the registers are the accessing core's */

void gicv2_virt_map(volatile void *at)
{
    gich = at;
}

uint64_t gicv2_lr_read(unsigned n)
{
    return mmio_read32(gich, GICH_LR0 + n * 4);
}

void gicv2_lr_write(unsigned n, uint64_t raw)
{
    mmio_write32(gich, GICH_LR0 + n * 4, (uint32_t)raw);
}

uint64_t gicv2_elrsr_read(void)
{
    return mmio_read32(gich, GICH_ELRSR0); /* GIC_MAX_LRS are in the first word */
}

uint64_t gicv2_eisr_read(void)
{
    return mmio_read32(gich, GICH_EISR0);
}

uint64_t gicv2_vhcr_read(void)
{
    return mmio_read32(gich, GICH_HCR);
}

void gicv2_vhcr_write(uint64_t v)
{
    mmio_write32(gich, GICH_HCR, (uint32_t)v);
}

uint64_t gicv2_vmcr_read(void)
{
    return mmio_read32(gich, GICH_VMCR);
}

void gicv2_vmcr_write(uint64_t v)
{
    mmio_write32(gich, GICH_VMCR, (uint32_t)v);
}

void gicv2_virt_init(struct gic_info *info)
{
    uint32_t vtr = mmio_read32(gich, GICH_VTR);
    unsigned lr_count = (unsigned)field_get(GICH_VTR_LISTREGS, vtr) + 1;
    info->lr_count = (uint8_t)(lr_count > GIC_MAX_LRS ? GIC_MAX_LRS : lr_count);
    info->vpri_bits = (uint8_t)(field_get(GICH_VTR_PRIBITS, vtr) + 1);
    info->vpre_bits = (uint8_t)(field_get(GICH_VTR_PREBITS, vtr) + 1);
    info->vhcr_trap_dir = 0;
    info->vgrp0_die = true;
    gicv2_vhcr_write(0);
    for (unsigned n = 0; n < lr_count; n++)
        gicv2_lr_write(n, 0);
    mmio_write32(gich, GICH_APR, 0);
    gicv2_vmcr_write(0);
}

/* Five bits of preemption at most: all active priorities, of both groups, are in one word. */
void gicv2_vcpu_load(const struct gic_vcpu *s)
{
    gicv2_vmcr_write(s->vmcr);
    mmio_write32(gich, GICH_APR, (uint32_t)s->apr0[0]);
    gicv2_vhcr_write(VGIC_HCR_EN);
}

void gicv2_vcpu_save(struct gic_vcpu *s)
{
    s->vmcr = gicv2_vmcr_read();
    s->apr0[0] = mmio_read32(gich, GICH_APR);
    gicv2_vhcr_write(0);
}

void gicv2_vcpu_reset(struct gic_vcpu *s)
{
    *s = (struct gic_vcpu){ .vmcr = 0 };
}
