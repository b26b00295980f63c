/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A GICv3 with one security state, no LPIs and no ITS. Node: compatible "arm,gic-v3", reg <GICD GICR>; both are where QEMU's virt machine has them if
 * the description does not say.
 */
#include "vdevs/vgic/build.h"
#include <errno.h>
#include <inttypes.h>

#define GICD_SIZE KIB(64)
#define GICR_SIZE KIB(128) /* of one vCPU */
#define GICR_DEFAULT UINT64_C(0x080a0000)

static int __startup v3_create(struct vdev_builder *b)
{
    const struct vgic *g = b->vdev->v_device;
    uint64_t needed = GICR_SIZE * guest_cpu_count(b->gsp);
    int err = vgic_create(b, 3, GICR_DEFAULT, needed);
    if (!err && g->second_size < needed)
        return error_at(EINVAL, "%s: reg: the redistributors have 0x%" PRIx64 " bytes, %u vCPUs need 0x%" PRIx64,
                        b->path, g->second_size, g->cpu_count, needed);
    return err;
}

static int __startup v3_regions(struct vdev_builder *b)
{
    const struct vgic *g = b->vdev->v_device;
    int err = vgic_region(b, g->dist_base, GICD_SIZE, &vgic_dist_v3_regs, 0);
    for (unsigned i = 0; i < g->cpu_count && !err; i++)
        err = vgic_region(b, g->second_base + i * GICR_SIZE, GICR_SIZE, &vgic_redist_regs, i);
    return err;
}

/* What the node copied from the description does not say; the framework adds the phandle and what makes it an interrupt controller. */
static int __startup v3_gen_fdt(struct vdev_builder *b, struct vdev_fdt *f)
{
    uint32_t two = 2;
    int err = vgic_fdt_reg(b, f);
    if (!err)
        err = vdev_fdt_u32s(f, "#address-cells", &two, 1);
    if (!err)
        err = vdev_fdt_u32s(f, "#size-cells", &two, 1);
    if (!err)
        err = vdev_fdt_prop(f, "ranges", NULL, 0);
    return err;
}

static int __startup v3_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    phase_assume_startup();
    if (ctrl == VDEV_CTRL_OPTIONS_START) {
        b->vdev->v_block.length = GICD_SIZE;
        return EOK;
    }
    if (ctrl == VDEV_CTRL_OPTIONS_END)
        return v3_create(b);
    if (ctrl == VDEV_CTRL_ASSIGN)
        return v3_regions(b);
    if (ctrl == VDEV_CTRL_GEN_FDT)
        return v3_gen_fdt(b, (struct vdev_fdt *)arg);
    return EOK;
}

static const char *const v3_compatible[] = { "arm,gic-v3", NULL };

VDEV_FACTORY(vgic_v3_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_MANUAL_REGION | VFF_INTR_NO,
    .safety = VDEV_SAFETY_SELECTED,
    .name = "gic",
    .compatible = v3_compatible,
    .extra_space = sizeof(struct vgic),
    .startup = v3_startup,
    .control = vgic_control,
    .pic = &vgic_pic,
};
