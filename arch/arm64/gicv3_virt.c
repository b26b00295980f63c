/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/gicv3_virt.h"
#include "arch/arm64/gicv3_lr.h"
#include "arch/arm64/sysreg.h"

#define ICH_VTR_LISTREGS FIELD(4, 0)
#define ICH_VTR_TDS BIT(19)
#define ICH_VTR_A3V BIT(21)
#define ICH_VTR_SEIS BIT(22)
#define ICH_VTR_IDBITS FIELD(25, 23)
#define ICH_VTR_PREBITS FIELD(28, 26)
#define ICH_VTR_PRIBITS FIELD(31, 29)
#define ICH_MISR_VGRP0D BIT(5)
#define ICH_VMCR_VFIQEN BIT(3) /* RES1 with the system register interface */

#define ICC_CTLR_CBPR BIT(0)
#define ICC_CTLR_EOIMODE BIT(1)
#define ICC_CTLR_PRIBITS FIELD(10, 8)
#define ICC_CTLR_IDBITS FIELD(13, 11)
#define ICC_CTLR_SEIS BIT(14)
#define ICC_CTLR_A3V BIT(15)

/* set at startup, then const: how many registers each group's active priorities take (IHI 0069: 5, 6, 7 preemption bits). */
static unsigned apr_count;

/* A register is named in the instruction: one case each. */
#define LR_CASES(X) \
    case 0: X(0); \
    case 1: X(1); \
    case 2: X(2); \
    case 3: X(3); \
    case 4: X(4); \
    case 5: X(5); \
    case 6: X(6); \
    case 7: X(7); \
    case 8: X(8); \
    case 9: X(9); \
    case 10: X(10); \
    case 11: X(11); \
    case 12: X(12); \
    case 13: X(13); \
    case 14: X(14); \
    case 15: \
        X(15);
#define LR_READ(number) return read_sysreg(ich_lr##number##_el2)
#define LR_WRITE(number) \
    { \
        write_sysreg(ich_lr##number##_el2, raw); \
        return; \
    }

uint64_t gicv3_lr_read(unsigned n)
{
    switch (n) {
        LR_CASES(LR_READ)
    }
    return 0;
}

void gicv3_lr_write(unsigned n, uint64_t raw)
{
    switch (n) {
        LR_CASES(LR_WRITE)
    }
}

uint64_t gicv3_elrsr_read(void)
{
    return read_sysreg(ich_elrsr_el2);
}

uint64_t gicv3_eisr_read(void)
{
    return read_sysreg(ich_eisr_el2);
}

uint64_t gicv3_vhcr_read(void)
{
    return read_sysreg(ich_hcr_el2);
}

void gicv3_vhcr_write(uint64_t v)
{
    write_sysreg(ich_hcr_el2, v);
}

uint64_t gicv3_vmcr_read(void)
{
    return read_sysreg(ich_vmcr_el2);
}

void gicv3_vmcr_write(uint64_t v)
{
    write_sysreg(ich_vmcr_el2, v);
}

static void aprs_write(const uint64_t apr0[4], const uint64_t apr1[4])
{
    write_sysreg(ich_ap0r0_el2, apr0[0]);
    write_sysreg(ich_ap1r0_el2, apr1[0]);
    if (apr_count > 1) {
        write_sysreg(ich_ap0r1_el2, apr0[1]);
        write_sysreg(ich_ap1r1_el2, apr1[1]);
    }
    if (apr_count > 2) {
        write_sysreg(ich_ap0r2_el2, apr0[2]);
        write_sysreg(ich_ap1r2_el2, apr1[2]);
        write_sysreg(ich_ap0r3_el2, apr0[3]);
        write_sysreg(ich_ap1r3_el2, apr1[3]);
    }
}

static void aprs_read(uint64_t apr0[4], uint64_t apr1[4])
{
    apr0[0] = read_sysreg(ich_ap0r0_el2);
    apr1[0] = read_sysreg(ich_ap1r0_el2);
    if (apr_count > 1) {
        apr0[1] = read_sysreg(ich_ap0r1_el2);
        apr1[1] = read_sysreg(ich_ap1r1_el2);
    }
    if (apr_count > 2) {
        apr0[2] = read_sysreg(ich_ap0r2_el2);
        apr1[2] = read_sysreg(ich_ap1r2_el2);
        apr0[3] = read_sysreg(ich_ap0r3_el2);
        apr1[3] = read_sysreg(ich_ap1r3_el2);
    }
}

/* QEMU's GICv3 (to 10.0 at least) looks at VENG1 for it: with group 1 closed it would interrupt without end. */
static bool vgrp0_die_works(void)
{
    write_sysreg(ich_vmcr_el2, VGIC_VMCR_ENG0);
    write_sysreg(ich_hcr_el2, VGIC_HCR_EN | VGIC_HCR_GRP0_DIE);
    isb();
    bool told = read_sysreg(ich_misr_el2) & ICH_MISR_VGRP0D;
    write_sysreg(ich_hcr_el2, 0);
    isb();
    return !told;
}

void gicv3_virt_init(struct gic_info *info)
{
    uint64_t vtr = read_sysreg(ich_vtr_el2);
    unsigned lr_count = (unsigned)field_get(ICH_VTR_LISTREGS, vtr) + 1;
    info->lr_count = (uint8_t)(lr_count > GIC_MAX_LRS ? GIC_MAX_LRS : lr_count);
    info->vpri_bits = (uint8_t)(field_get(ICH_VTR_PRIBITS, vtr) + 1);
    info->vpre_bits = (uint8_t)(field_get(ICH_VTR_PREBITS, vtr) + 1);
    info->links = true;
    info->vhcr_trap_dir = vtr & ICH_VTR_TDS ? VGIC_HCR_TDIR : VGIC_HCR_TC;
    if (!apr_count) /* the boot core's; one that is unlike it is refused */
        apr_count = info->vpre_bits < 6 ? 1 : info->vpre_bits == 6 ? 2 : 4;
    info->vgrp0_die = vgrp0_die_works();
    for (unsigned n = 0; n < info->lr_count; n++)
        gicv3_lr_write(n, 0);
    struct gic_vcpu empty;
    gicv3_vcpu_reset(&empty);
    write_sysreg(ich_vmcr_el2, empty.vmcr);
    aprs_write(empty.apr0, empty.apr1);
    isb();
}

uint8_t gicv3_vrpr_read(void)
{
    uint64_t apr0[4] = { 0 }, apr1[4] = { 0 };
    unsigned vpre_bits = (unsigned)field_get(ICH_VTR_PREBITS, read_sysreg(ich_vtr_el2)) + 1;
    aprs_read(apr0, apr1);
    uint8_t p0 = gicv3_active_priority(apr0, vpre_bits), p1 = gicv3_active_priority(apr1, vpre_bits);
    return p0 < p1 ? p0 : p1;
}

uint64_t gicv3_vctlr_read(void)
{
    uint64_t vtr = read_sysreg(ich_vtr_el2), vmcr = read_sysreg(ich_vmcr_el2);
    return (vmcr & VGIC_VMCR_CBPR ? ICC_CTLR_CBPR : 0) | (vmcr & VGIC_VMCR_EOIM ? ICC_CTLR_EOIMODE : 0) |
           field_make(ICC_CTLR_PRIBITS, field_get(ICH_VTR_PRIBITS, vtr)) |
           field_make(ICC_CTLR_IDBITS, field_get(ICH_VTR_IDBITS, vtr)) | (vtr & ICH_VTR_SEIS ? ICC_CTLR_SEIS : 0) |
           (vtr & ICH_VTR_A3V ? ICC_CTLR_A3V : 0);
}

void gicv3_vcpu_load(const struct gic_vcpu *s)
{
    write_sysreg(ich_vmcr_el2, s->vmcr);
    aprs_write(s->apr0, s->apr1);
    write_sysreg(ich_hcr_el2, VGIC_HCR_EN);
}

void gicv3_vcpu_save(struct gic_vcpu *s)
{
    s->vmcr = read_sysreg(ich_vmcr_el2);
    aprs_read(s->apr0, s->apr1);
    write_sysreg(ich_hcr_el2, 0);
}

void gicv3_vcpu_reset(struct gic_vcpu *s)
{
    *s = (struct gic_vcpu){ .vmcr = ICH_VMCR_VFIQEN };
}
