/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A GICv2 on a machine that has one: the distributor is emulated, the CPU interface is the machine's virtual one (GICV) in the guest's place for GICC. Its
 * second page, GICC_DIR alone, is not mapped: what is deactivated may be in no list register, or in another vCPU's. Node: compatible
 * "arm,gic-400" or "arm,cortex-a15-gic", reg <GICD GICC>; both are where QEMU's virt machine has them if the description does not say.
 */
#include "hyp/api/gasp.h"
#include "vdevs/vgic/build.h"
#include <errno.h>
#include <inttypes.h>

#define GICD_SIZE KIB(4)
#define GICC_SIZE KIB(8)
#define GICC_PAGE KIB(4)
#define GICC_DEFAULT UINT64_C(0x08010000)
#define DIR_INTID FIELD(9, 0)

static bool op_deactivate(struct virq *v, unsigned with)
{
    (void)with;
    return v->active && (virq_set_active(v, false) || v->hw);
}

/* With GICC_CTLR.EOImode=0 EOIR deactivates, and this does nothing. */
static __running void dir_write(const struct reg_access *a, uint64_t value)
{
    struct virq *v = vgic_virq(vintc_cpu_data(a->gcp), (uint32_t)field_get(DIR_INTID, value));
    if (v && gic_vmcr_read() & VGIC_VMCR_EOIM)
        virq_apply_folded(v, a->gcp, op_deactivate, 0);
}

static const struct reg dir_rows[] = {
    { .offset = 0, .span = 4, .stride = 4, .sizes = REG_SIZE_4, .write = dir_write },
};
static const struct reg_table dir_regs = { .rows = dir_rows, .count = ARRAY_LEN(dir_rows), .other = REG_RAZ_WI };

static int __startup v2_create(struct vdev_builder *b)
{
    const struct vgic *g = b->vdev->v_device;
    int err = vgic_create(b, 2, GICC_DEFAULT, GICC_SIZE);
    if (!err && g->second_size < GICC_SIZE)
        return error_at(EINVAL, "%s: reg: GICC has 0x%" PRIx64 " bytes, a GICv2's CPU interface has 0x%" PRIx64,
                        b->path, g->second_size, GICC_SIZE);
    return err;
}

static int __startup v2_regions(struct vdev_builder *b)
{
    const struct vgic *g = b->vdev->v_device;
    struct gasp_region gicv = {
        .flags = GRF_PASS_RD | GRF_PASS_WR | GRF_PASSTHRU,
        .host_location = gic_info()->gicv.raw,
        .guest = { .type = QST_MEMORY, .location = g->second_base, .length = GICC_PAGE },
    };
    int err = vgic_region(b, g->dist_base, GICD_SIZE, &vgic_dist_v2_regs, 0);
    if (!err)
        err = gasp_region_set(b, 1, &gicv);
    if (!err)
        err = vgic_region(b, g->second_base + GICC_PAGE, GICC_PAGE, &dir_regs, 0);
    return err;
}

static int __startup v2_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    phase_assume_startup();
    if (ctrl == VDEV_CTRL_OPTIONS_START) {
        b->vdev->v_block.length = GICD_SIZE;
        return EOK;
    }
    if (ctrl == VDEV_CTRL_OPTIONS_END)
        return v2_create(b);
    if (ctrl == VDEV_CTRL_ASSIGN)
        return v2_regions(b);
    if (ctrl == VDEV_CTRL_GEN_FDT)
        return vgic_fdt_reg(b, (struct vdev_fdt *)arg);
    return EOK;
}

static const char *const v2_compatible[] = { "arm,gic-400", "arm,cortex-a15-gic", NULL };

VDEV_FACTORY(vgic_v2_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_MANUAL_REGION | VFF_INTR_NO,
    .safety = VDEV_SAFETY_SELECTED,
    .name = "gic",
    .compatible = v2_compatible,
    .extra_space = sizeof(struct vgic),
    .startup = v2_startup,
    .control = vgic_control,
    .pic = &vgic_pic,
};
