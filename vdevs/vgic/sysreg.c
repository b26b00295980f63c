/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of the CPU interface that trap: SGIs always (HCR_EL2.IMO), ICC_SRE_EL1 (ICC_SRE_EL2.Enable=0), ICC_DIR_EL1 while a deactivation
 * may concern an interrupt that no list register holds, and with it, where only ICH_HCR_EL2.TC is there, the other common registers.
 */
#include "arch/arm64/exit.h"
#include "vdevs/vgic/vgic.h"

#define ICC_PMR_EL1 SYSREG_ISS(3, 0, 4, 6, 0)
#define ICC_DIR_EL1 SYSREG_ISS(3, 0, 12, 11, 1)
#define ICC_RPR_EL1 SYSREG_ISS(3, 0, 12, 11, 3)
#define ICC_SGI1R_EL1 SYSREG_ISS(3, 0, 12, 11, 5)
#define ICC_ASGI1R_EL1 SYSREG_ISS(3, 0, 12, 11, 6)
#define ICC_SGI0R_EL1 SYSREG_ISS(3, 0, 12, 11, 7)
#define ICC_CTLR_EL1 SYSREG_ISS(3, 0, 12, 12, 4)
#define ICC_SRE_EL1 SYSREG_ISS(3, 0, 12, 12, 5)

#define ICC_SRE_ALL UINT64_C(7) /* SRE, DFB, DIB: RAO/WI */
#define ICC_CTLR_CBPR BIT(0)
#define ICC_CTLR_EOIMODE BIT(1)
#define ICC_DIR_INTID FIELD(23, 0)

static bool op_deactivate(struct virq *v, unsigned with)
{
    (void)with;
    return v->active && (virq_set_active(v, false) || v->hw);
}

static __running void dir_write(struct vgic_cpu *cpu, uint64_t value)
{
    struct virq *v = vgic_virq(cpu, (uint32_t)field_get(ICC_DIR_INTID, value));
    if (v && (gic_vmcr_read() & VGIC_VMCR_EOIM))
        virq_apply_folded(v, cpu->gcp, op_deactivate, 0);
}

static void ctlr_write(uint64_t value)
{
    uint64_t vmcr = gic_vmcr_read() & ~(VGIC_VMCR_CBPR | VGIC_VMCR_EOIM);
    vmcr |= value & ICC_CTLR_CBPR ? VGIC_VMCR_CBPR : 0;
    vmcr |= value & ICC_CTLR_EOIMODE ? VGIC_VMCR_EOIM : 0;
    gic_vmcr_write(vmcr);
}

static __running enum sysreg_result icc_write(struct vgic_cpu *cpu, const struct sysreg_access *a)
{
    switch (a->reg) {
    case ICC_SGI1R_EL1: vgic_sgi(cpu, a->value, true); return SYSREG_DONE;
    /* There is one security state: the "other" one's group 1 is group 0. */
    case ICC_ASGI1R_EL1:
    case ICC_SGI0R_EL1: vgic_sgi(cpu, a->value, false); return SYSREG_DONE;
    case ICC_SRE_EL1: return SYSREG_DONE;
    case ICC_DIR_EL1: dir_write(cpu, a->value); return SYSREG_DONE;
    case ICC_PMR_EL1: gic_vmcr_write(field_set(VGIC_VMCR_PMR, gic_vmcr_read(), a->value)); return SYSREG_DONE;
    case ICC_CTLR_EL1: ctlr_write(a->value); return SYSREG_DONE;
    }
    return SYSREG_UNDEF;
}

static enum sysreg_result icc_read(struct sysreg_access *a)
{
    switch (a->reg) {
    case ICC_SRE_EL1: a->value = ICC_SRE_ALL; return SYSREG_DONE;
    case ICC_PMR_EL1: a->value = field_get(VGIC_VMCR_PMR, gic_vmcr_read()); return SYSREG_DONE;
    case ICC_RPR_EL1: a->value = gic_vrpr_read(); return SYSREG_DONE;
    case ICC_CTLR_EL1: a->value = gic_vctlr_read(); return SYSREG_DONE;
    }
    return SYSREG_UNDEF;
}

enum sysreg_result vgic_sysreg(guest_cpu *gcp, struct sysreg_access *a)
{
    struct vgic_cpu *cpu = vintc_cpu_data(gcp);
    if (cpu->vgic->version == 2)
        return SYSREG_UNDEF;
    return a->write ? icc_write(cpu, a) : icc_read(a);
}

bool vgic_sgi1r(guest_cpu *gcp, uint64_t value)
{
    struct vgic_cpu *cpu = vintc_cpu_data(gcp);
    if (cpu->vgic->version == 2)
        return false;
    vgic_sgi(cpu, value, true);
    return true;
}
