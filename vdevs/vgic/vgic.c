/* SPDX-License-Identifier: Apache-2.0 */
/* The interrupt controller vdev, as far as GICv2 and GICv3 are the same. */
#include "hyp/api/gasp.h"
#include "hyp/base/config.h"
#include "vdevs/vgic/build.h"
#include <errno.h>

static void cpu_reset(struct vgic_cpu *cpu)
{
    const uint32_t lrs = (uint32_t)(BIT(cpu->vgic->lr_count) - 1);
    bool loaded = cpu->core;
    lock_acquire(&cpu->lock);
    /* One by one: others may signal a shared one's line meanwhile, and find it in the queue or not. */
    while (!list_empty(&cpu->queue))
        virq_dequeue(container_of(cpu->queue.next, struct virq, node));
    cpu->asleep = false; /* as firmware leaves it, and KVM: not every guest touches GICR_WAKER */
    cpu->moved = cpu->done = false;
    cpu->vmcr = 0;
    __atomic_store_n(&cpu->closed, 0, __ATOMIC_RELAXED);
    cpu->bank =
        (struct virq_bank){ .edge = BIT(VGIC_SGIS) - 1, .enabled = cpu->vgic->version == 2 ? BIT(VGIC_SGIS) - 1 : 0 };
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
    __atomic_store_n(&g->one_of_n, 0, __ATOMIC_RELAXED);
    for (unsigned n = 0; n < ARRAY_LEN(g->banks); n++)
        g->banks[n] = (struct virq_bank){ .edge = 0 };
    for (unsigned n = 0; n < VGIC_SPIS; n++)
        vgic_spi_reset(g, &g->spi[n]);
}

void vgic_reset(guest_system *gsp)
{
    struct vgic *g = vintc_vdev(gsp)->v_device;
    for (unsigned i = 0; i < g->cpu_count; i++)
        cpu_reset(g->cpus[i]);
    dist_reset(g);
}

/* A GICv2 has no system registers. */
static enum sysreg_result no_sysreg(guest_cpu *gcp, struct sysreg_access *a)
{
    (void)gcp;
    (void)a;
    return SYSREG_UNDEF;
}

static bool no_sgi(guest_cpu *gcp, uint64_t value)
{
    (void)gcp;
    (void)value;
    return false;
}

static const struct vintc_ops vgic_ops = {
    .flush = vgic_flush,
    .sync = vgic_sync,
    .wakes = vgic_wakes,
    .load = vgic_load,
    .unload = vgic_put,
    .off = vgic_off,
    .hw_fired = vgic_hw_fired,
    .refresh = vgic_refresh,
    .sgi = IS_ENABLED(CONFIG_GIC_V3) ? vgic_sgi1r : no_sgi,
    .sysreg = IS_ENABLED(CONFIG_GIC_V3) ? vgic_sysreg : no_sysreg,
    .reset = vgic_reset,
};

static int __startup cpu_create(struct vgic *g, unsigned index)
{
    guest_cpu *gcp = guest_cpu_get(g->gsp, index);
    struct vgic_cpu *cpu = vintc_cpu_alloc(gcp, sizeof(*cpu));
    if (!cpu)
        return ENOMEM;
    lock_rank(&cpu->lock, LOCK_INTC_CPU, index + 1);
    cpu->gcp = gcp;
    cpu->vgic = g;
    cpu->index = index;
    list_init(&cpu->queue);
    cpu->affinity = guest_cpu_mpidr(gcp) & (FIELD(39, 32) | FIELD(23, 0));
    for (unsigned n = 0; n < VGIC_PRIVATE; n++) {
        cpu->banked[n].intid = (uint16_t)n;
        cpu->banked[n].bank = &cpu->bank;
    }
    g->cpus[index] = cpu;
    return EOK;
}

/* A guest's CPU interface is the machine's own, which is of one version. */
static int __startup version_check(struct vdev_builder *b, unsigned version)
{
    unsigned host = gic_info()->version;
    if (version != host)
        return error_at(
            ENOTSUP,
            "%s: a GICv%u is described, but this machine has a GICv%u and can give guests no other; a VM whose "
            "description names no interrupt controller gets the machine's kind",
            b->path, version, host);
    if (version == 2 && guest_cpu_count(b->gsp) > 8)
        return error_at(ENOTSUP, "%s: a GICv2 has 8 CPU interfaces at most, the VM has %u vCPUs", b->path,
                        guest_cpu_count(b->gsp));
    return EOK;
}

static int __startup places_check(struct vdev_builder *b, uint64_t second_base, uint64_t second_size)
{
    struct vgic *g = b->vdev->v_device;
    qvm_state_block *place = &b->vdev->v_block;
    if (place->location == QSL_NO_LOCATION)
        place->location = GICD_DEFAULT;
    g->dist_base = place->location;
    g->dist_size = place->length;
    if (!vdev_reg(b, 1, &g->second_base, &g->second_size)) {
        g->second_base = second_base;
        g->second_size = second_size;
    }
    return EOK;
}

int vgic_create(struct vdev_builder *b, unsigned version, uint64_t second_base, uint64_t second_size)
{
    struct vgic *g = b->vdev->v_device;
    int err = version_check(b, version);
    if (err)
        return err;
    lock_rank(&g->route_lock, LOCK_INTC, 0);
    g->gsp = b->gsp;
    g->version = (uint8_t)version;
    g->cpu_count = guest_cpu_count(b->gsp);
    g->lr_count = gic_info()->lr_count;
    g->priority_mask = (uint8_t)(0xff << (8 - gic_info()->vpri_bits));
    err = places_check(b, second_base, second_size);
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

int vgic_region(struct vdev_builder *b, uint64_t location, uint64_t length, const struct reg_table *regs,
                uint32_t cookie)
{
    struct gasp_region region = {
        .flags = GRF_VIRT_RD | GRF_VIRT_WR,
        .cookie = cookie,
        .vdev = b->vdev,
        .regs = regs,
        .guest = { .type = QST_MEMORY, .location = location, .length = length },
    };
    return gasp_region_set(b, 1, &region);
}

int vgic_fdt_reg(struct vdev_builder *b, struct vdev_fdt *f)
{
    const struct vgic *g = b->vdev->v_device;
    const uint64_t places[] = { g->dist_base, g->dist_size, g->second_base, g->second_size };
    uint32_t reg[2 * ARRAY_LEN(places)];
    for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
        reg[2 * i] = (uint32_t)(places[i] >> 32);
        reg[2 * i + 1] = (uint32_t)places[i];
    }
    return vdev_fdt_u32s(f, "reg", reg, ARRAY_LEN(reg));
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
        v->link = gic_info()->links;
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
    int err = qvm_report(v, "GICv%u, %u SPIs, %u list registers, group 0 %s, group 1 %s", g->version, VGIC_SPIS,
                         g->lr_count, ctlr & CTLR_ENABLE_GRP0 ? "on" : "off", ctlr & CTLR_ENABLE_GRP1 ? "on" : "off");
    for (unsigned i = 0; i < g->cpu_count && !err; i++)
        err = cpu_report(v, g->cpus[i]);
    return err;
}

int vgic_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    (void)arg;
    return ctrl == VDEV_CTRL_STATUS ? vgic_report(v) : EOK;
}
