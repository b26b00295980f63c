/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interrupt controller vdev: a GICv3 with one security state, no LPIs and no ITS. Node: compatible "arm,gic-v3", reg <GICD GICR>; both are where
 * QEMU's virt machine has them if the description does not say.
 */
#include "hyp/api/gasp.h"
#include "vdevs/vgic/vgic.h"
#include <errno.h>
#include <inttypes.h>

#define GICD_SIZE KIB(64)
#define GICR_SIZE KIB(128) /* of one vCPU */
#define GICD_DEFAULT UINT64_C(0x08000000)
#define GICR_DEFAULT UINT64_C(0x080a0000)

static void cpu_reset(struct vgic_cpu *cpu)
{
    const uint32_t lrs = (uint32_t)(BIT(cpu->vgic->lr_count) - 1);
    bool loaded = cpu->core;
    lock_acquire(&cpu->lock);
    list_init(&cpu->queue);
    cpu->queued = 0;
    cpu->asleep = true;
    cpu->moved = cpu->done = false;
    cpu->vmcr = 0;
    cpu->bank = (struct virq_bank){ .edge = BIT(VGIC_SGIS) - 1 };
    for (unsigned n = 0; n < VGIC_PRIVATE; n++)
        virq_reset(&cpu->banked[n], cpu);
    /* If a core still holds the vCPU, its hardware is of the past: not to be believed but to be written at the next entry. */
    cpu->watch = loaded ? lrs : 0;
    cpu->hcr = ~UINT64_C(0);
    for (unsigned n = 0; n < GIC_MAX_LRS; n++) {
        cpu->lr_virq[n] = NULL;
        cpu->lr_raw[n] = loaded ? ~UINT64_C(0) : 0;
    }
    for (unsigned k = 0; k < cpu->vgic->link_count; k++) {
        cpu->link[k]->phys_active = loaded;
    }
    vgic_cpu_touch(cpu, DIRTY_ALL);
    lock_release(&cpu->lock);
}

static void dist_reset(struct vgic *g)
{
    __atomic_store_n(&g->ctlr, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&g->split_eoi, 0, __ATOMIC_RELAXED);
    for (unsigned n = 0; n < ARRAY_LEN(g->banks); n++)
        g->banks[n] = (struct virq_bank){ .edge = 0 };
    /* GICD_IROUTER resets to affinity 0.0.0.0: the first vCPU. */
    for (unsigned n = 0; n < VGIC_SPIS; n++)
        virq_reset(&g->spi[n], g->cpus[0]);
}

void vgic_reset(guest_system *gsp)
{
    struct vgic *g = vintc_vdev(gsp)->v_device;
    for (unsigned i = 0; i < g->cpu_count; i++)
        cpu_reset(g->cpus[i]);
    dist_reset(g);
}

static const struct vintc_ops vgic_ops = {
    .flush = vgic_flush,
    .sync = vgic_sync,
    .wakes = vgic_wakes,
    .load = vgic_load,
    .put = vgic_put,
    .hw_fired = vgic_hw_fired,
    .sysreg = vgic_sysreg,
    .reset = vgic_reset,
};

static int __startup cpu_create(struct vgic *g, unsigned index)
{
    guest_cpu *gcp = guest_cpu_get(g->gsp, index);
    struct vgic_cpu *cpu = vintc_cpu_alloc(gcp, sizeof(*cpu));
    if (!cpu)
        return ENOMEM;
    cpu->gcp = gcp;
    cpu->vgic = g;
    cpu->index = index;
    cpu->affinity = guest_cpu_mpidr(gcp) & (FIELD(39, 32) | FIELD(23, 0));
    for (unsigned n = 0; n < VGIC_PRIVATE; n++) {
        cpu->banked[n].intid = (uint16_t)n;
        cpu->banked[n].bank = &cpu->bank;
    }
    g->cpus[index] = cpu;
    return EOK;
}

static int __startup places_check(struct vdev_builder *b, struct vgic *g)
{
    qvm_state_block *place = &b->vdev->v_block;
    if (place->location == QSL_NO_LOCATION)
        place->location = GICD_DEFAULT;
    g->dist_base = place->location;
    g->dist_size = place->length;
    if (!vdev_reg(b, 1, &g->redist_base, &g->redist_size)) {
        g->redist_base = GICR_DEFAULT;
        g->redist_size = GICR_SIZE * g->cpu_count;
    }
    if (g->redist_size < GICR_SIZE * g->cpu_count)
        return error_at(EINVAL, "%s: reg: the redistributors have 0x%" PRIx64 " bytes, %u vCPUs need 0x%" PRIx64,
                        b->path, g->redist_size, g->cpu_count, GICR_SIZE * g->cpu_count);
    return EOK;
}

static int __startup vgic_create(struct vdev_builder *b)
{
    struct vgic *g = b->vdev->v_device;
    g->gsp = b->gsp;
    g->cpu_count = guest_cpu_count(b->gsp);
    g->lr_count = gic_info()->lr_count;
    g->priority_mask = (uint8_t)(0xff << (8 - gic_info()->vpri_bits));
    int err = places_check(b, g);
    for (unsigned i = 0; i < g->cpu_count && !err; i++)
        err = cpu_create(g, i);
    if (err)
        return err;
    for (unsigned n = 0; n < VGIC_SPIS; n++) {
        g->spi[n].intid = (uint16_t)(n + VGIC_PRIVATE);
        g->spi[n].bank = &g->banks[n / 32];
    }
    err = vintc_register(b, &vgic_ops);
    if (!err)
        vgic_reset(b->gsp);
    return err;
}

static int __startup regions_set(struct vdev_builder *b)
{
    const struct vgic *g = b->vdev->v_device;
    struct gasp_region region = {
        .flags = GRF_VIRT_RD | GRF_VIRT_WR,
        .vdev = b->vdev,
        .regs = &vgic_dist_regs,
        .guest = { .type = QST_MEMORY, .location = g->dist_base, .length = GICD_SIZE },
    };
    int err = gasp_region_set(b, 1, &region);
    for (unsigned i = 0; i < g->cpu_count && !err; i++) {
        region.cookie = i;
        region.regs = &vgic_redist_regs;
        region.guest =
            (qvm_state_block){ .type = QST_MEMORY, .location = g->redist_base + i * GICR_SIZE, .length = GICR_SIZE };
        err = gasp_region_set(b, 1, &region);
    }
    return err;
}

/* What the node copied from the description does not say; the framework adds the phandle and what makes it an interrupt controller. */
static int __startup vgic_gen_fdt(struct vdev_builder *b, struct vdev_fdt *f)
{
    const struct vgic *g = b->vdev->v_device;
    const uint64_t places[] = { g->dist_base, g->dist_size, g->redist_base, g->redist_size };
    uint32_t reg[2 * ARRAY_LEN(places)], two = 2;
    for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
        reg[2 * i] = (uint32_t)(places[i] >> 32);
        reg[2 * i + 1] = (uint32_t)places[i];
    }
    int err = vdev_fdt_u32s(f, "reg", reg, ARRAY_LEN(reg));
    if (!err)
        err = vdev_fdt_u32s(f, "#address-cells", &two, 1);
    if (!err)
        err = vdev_fdt_u32s(f, "#size-cells", &two, 1);
    if (!err)
        err = vdev_fdt_prop(f, "ranges", NULL, 0);
    return err;
}

static int __startup vgic_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    phase_assume_startup();
    if (ctrl == VDEV_CTRL_OPTIONS_START) {
        b->vdev->v_block.length = GICD_SIZE;
        return EOK;
    }
    if (ctrl == VDEV_CTRL_OPTIONS_END)
        return vgic_create(b);
    if (ctrl == VDEV_CTRL_ASSIGN)
        return regions_set(b);
    if (ctrl == VDEV_CTRL_GEN_FDT)
        return vgic_gen_fdt(b, (struct vdev_fdt *)arg);
    return EOK;
}

int vgic_link_private(struct vdev_builder *b, vdev_t *controller, uint32_t intid, uint32_t pintid,
                      bool (*asserted)(void))
{
    if (!controller || controller->v_factory->pic != &vgic_pic)
        return error_at(ENODEV, "%s: the VM has no interrupt controller that links interrupts to the machine's",
                        b->path);
    struct vgic *g = controller->v_device;
    if (g->link_count == VGIC_LINKS)
        return error_at(ENOSPC, "%s: more than %d linked interrupts", b->path, VGIC_LINKS);
    unsigned k = g->link_count++;
    g->link[k].intid = intid;
    g->link[k].pintid = pintid;
    g->link[k].asserted = asserted;
    for (unsigned i = 0; i < g->cpu_count; i++) {
        struct virq *v = &g->cpus[i]->banked[intid];
        v->hw = true;
        v->pintid = (uint16_t)pintid;
        g->cpus[i]->link[k] = v;
    }
    return EOK;
}

static int cpu_report(const vdev_t *v, struct vgic_cpu *cpu)
{
    lock_acquire(&cpu->lock);
    unsigned queued = cpu->queued;
    bool asleep = cpu->asleep;
    lock_release(&cpu->lock);
    return qvm_report(v, "vcpu %u: %u interrupts pending and enabled, or active%s", cpu->index, queued,
                      asleep ? "; asleep" : "");
}

static int vgic_report(const vdev_t *v)
{
    const struct vgic *g = v->v_device;
    uint32_t ctlr = __atomic_load_n(&g->ctlr, __ATOMIC_RELAXED);
    int err = qvm_report(v, "%u SPIs, %u list registers, group 0 %s, group 1 %s", VGIC_SPIS, g->lr_count,
                         ctlr & CTLR_ENABLE_GRP0 ? "on" : "off", ctlr & CTLR_ENABLE_GRP1 ? "on" : "off");
    for (unsigned i = 0; i < g->cpu_count && !err; i++)
        err = cpu_report(v, g->cpus[i]);
    return err;
}

static int vgic_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    (void)arg;
    return ctrl == VDEV_CTRL_STATUS ? vgic_report(v) : EOK;
}

static const char *const vgic_compatible[] = { "arm,gic-v3", NULL };

VDEV_FACTORY(vgic_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_MANUAL_REGION | VFF_INTR_NO,
    .safety = VDEV_SAFETY_SELECTED,
    .name = "gic",
    .compatible = vgic_compatible,
    .extra_space = sizeof(struct vgic),
    .startup = vgic_startup,
    .control = vgic_control,
    .pic = &vgic_pic,
};
