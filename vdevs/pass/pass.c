/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device of the machine, given to the guest: its addresses by stage 2, its interrupts as lines. The host's interrupt stays active, so that it does not fire again,
 * from when it was taken until the guest has ended its own. While the VM does not run it is off.
 */
#include "vdevs/pass/pass.h"

#include <errno.h>
#include <string.h>

#define INTR_BYTES 12
#define DMA_BYTES 24
#define INTR_EDGE 3 /* flags of an interrupt: rising or falling edge */

static bool pass_fired(void *data)
{
    struct pass_line *l = data;
    struct pass *p = l->vdev->v_device;
    phase_assume_running();
    lock_acquire(&l->vdev->v_mtx);
    bool held = p->running;
    if (held) {
        l->high = true;
        p->taken++;
        guest_intr_signal(&l->line, GIS_ON);
    }
    lock_release(&l->vdev->v_mtx);
    return held;
}

static __running void line_end(struct pass_line *l) REQUIRES(l->vdev->v_mtx)
{
    if (!l->high)
        return;
    l->high = false;
    guest_intr_signal(&l->line, GIS_OFF);
    host_intr_done(l->intid);
}

/* The guest has ended it; or it will look now, and the device may have lowered its line long since. */
static void pass_told(void *data, enum guest_intr_notification which)
{
    struct pass_line *l = data;
    phase_assume_running();
    lock_acquire(&l->vdev->v_mtx);
    if (which == GIN_ACK || (!l->edge && !host_intr_pends(l->intid)))
        line_end(l);
    lock_release(&l->vdev->v_mtx);
}

static __running void pass_run(vdev_t *v, bool on)
{
    struct pass *p = v->v_device;
    lock_acquire(&v->v_mtx);
    p->running = on;
    for (unsigned i = 0; i < p->line_count; i++)
        host_intr_enable(p->lines[i].intid, on);
    lock_release(&v->v_mtx);
    for (unsigned i = 0; i < p->line_count && !on; i++)
        pass_told(&p->lines[i], GIN_ACK);
}

/* The machine's interrupt that stands behind number `index` of the node: the same, unless armature,host-interrupts says another. */
static int __startup host_interrupt(const struct vdev_builder *b, unsigned index, uint32_t *intid, bool *edge)
{
    const struct pass *p = b->vdev->v_device;
    const struct vdev_option *o = p->host_intr.name ? &p->host_intr : &p->intr;
    if (o->size % INTR_BYTES || index >= o->size / INTR_BYTES)
        return error_at(EINVAL, "%s: %s is no list of <0 SPI flags>, one for each of the interrupts", b->path, o->name);
    const uint8_t *cells = (const uint8_t *)o->data + index * INTR_BYTES;
    uint64_t number = pass_number(cells + 4, 4);
    if (pass_number(cells, 4) != 0 || number > 987)
        return error_at(EINVAL, "%s: %s: only shared interrupts, <0 0..987 flags>, can be passed through", b->path,
                        o->name);
    *intid = (uint32_t)number + 32;
    *edge = pass_number(cells + 8, 4) & INTR_EDGE;
    return EOK;
}

static int __startup line_pass(struct vdev_builder *b, unsigned index, const struct guest_intr *line)
{
    struct pass *p = b->vdev->v_device;
    if (index == PLACES_MAX)
        return error_at(E2BIG, "%s: interrupts: more than %d", b->path, PLACES_MAX);
    struct pass_line *l = &p->lines[index];
    *l = (struct pass_line){ .vdev = b->vdev, .line = *line };
    int err = host_interrupt(b, index, &l->intid, &l->edge);
    if (!err && p->node.path)
        err = host_node_interrupt(b, &p->node, l->intid);
    if (!err)
        err = guest_intr_watch(b, line, GIN_ACK | GIN_UNMASK, pass_told, l);
    if (!err)
        err = host_intr_claim(b, l->intid, l->edge, pass_fired, l);
    if (!err)
        p->line_count = index + 1;
    return err;
}

static int __startup pass_assign(struct vdev_builder *b)
{
    const struct pass *p = b->vdev->v_device;
    struct guest_intr line;
    int err = p->node.path && !p->no_dma ? host_node_dma(b, &p->node) : EOK;
    if (!err)
        err = pass_ranges(b);
    for (unsigned i = 0; !err && (err = vdev_interrupt(b, i, &line)) == EOK; i++)
        err = line_pass(b, i, &line);
    return err == ENOENT ? EOK : err;
}

enum pass_option {
    OPTION_ATTRIBUTES,
    OPTION_HOST_REG,
    OPTION_HOST_INTR,
    OPTION_INTR,
    OPTION_HOST_PATH,
    OPTION_NO_DMA,
    OPTION_DMA_RANGES
};
static const char *const pass_options[] = { "armature,attributes",      "armature,host-reg",
                                            "armature,host-interrupts", "interrupts",
                                            "armature,host-path",       "armature,no-dma",
                                            "armature,dma-ranges",      NULL };

static int __startup host_path_option(const struct vdev_builder *b, const struct vdev_option *o)
{
    const char *path;
    int err = vdev_option_string(b, o, &path);
    return err ? err : host_node_find(b, path, &((struct pass *)b->vdev->v_device)->node);
}

/* What it says is looked at where the machine's own dma-ranges are. */
static int __startup dma_ranges_option(const struct vdev_builder *b, const struct vdev_option *o)
{
    if (!o->size || o->size % DMA_BYTES)
        return error_at(EINVAL, "%s: %s is no list of device's address, the machine's and size, two cells each",
                        b->path, o->name);
    return EOK;
}

static int __startup pass_option(struct vdev_builder *b, enum pass_option which, const struct vdev_option *o)
{
    struct pass *p = b->vdev->v_device;
    switch (which) {
    case OPTION_ATTRIBUTES:
        if (o->index >= PLACES_MAX)
            return error_at(EINVAL, "%s: %s: more than %d strings", b->path, o->name, PLACES_MAX);
        p->attributes[o->index] = *o;
        break;
    case OPTION_HOST_REG: p->host_reg = *o; break;
    case OPTION_HOST_INTR: p->host_intr = *o; break;
    case OPTION_INTR: p->intr = *o; break;
    case OPTION_HOST_PATH: return host_path_option(b, o);
    case OPTION_NO_DMA: return vdev_option_flag(b, o, &p->no_dma);
    case OPTION_DMA_RANGES: return dma_ranges_option(b, o);
    }
    return EOK;
}

/* A memory node in all but name: the guest's kernel finds it by its device_type. */
static int __startup pass_gen_fdt(const struct vdev_builder *b, struct vdev_fdt *f)
{
    const struct vdev_option *o = &((const struct pass *)b->vdev->v_device)->attributes[0];
    return o->name && strchr(o->data, 'm') ? vdev_fdt_string(f, "device_type", "memory") : EOK;
}

static int __startup pass_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    phase_assume_startup();
    if (ctrl == VDEV_CTRL_ASSIGN)
        return pass_assign(b);
    if (ctrl == VDEV_CTRL_GEN_FDT)
        return pass_gen_fdt(b, (struct vdev_fdt *)arg);
    if (ctrl >= VDEV_CTRL_FIRST_OPTIDX)
        return pass_option(b, (enum pass_option)(ctrl - VDEV_CTRL_FIRST_OPTIDX), arg);
    return EOK;
}

static __running int pass_report(vdev_t *v)
{
    struct pass *p = v->v_device;
    lock_acquire(&v->v_mtx);
    uint64_t taken = p->taken;
    bool running = p->running;
    lock_release(&v->v_mtx);
    return qvm_report(v, "%u interrupts of the machine, %s, taken %llu times", p->line_count, running ? "on" : "off",
                      (unsigned long long)taken);
}

static bool pass_reaches_memory(const vdev_t *v)
{
    const struct pass *p = v->v_device;
    return p->node.path && !p->no_dma;
}

static __running void pass_warn(const vdev_t *v)
{
    const struct pass *p = v->v_device;
    if (pass_reaches_memory(v))
        vdev_logf(LOG_WARN, v, "%s reaches memory by itself and is not contained: no SMMU is driven", p->node.path);
}

static __running int pass_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    (void)arg;
    if (ctrl == VDEV_CTRL_GUEST_CONFIGURED)
        pass_warn(v);
    if (ctrl == VDEV_CTRL_GUEST_STARTING || ctrl == VDEV_CTRL_TERMINATE)
        pass_run(v, ctrl == VDEV_CTRL_GUEST_STARTING);
    if (ctrl == VDEV_CTRL_TERMINATE && pass_reaches_memory(v))
        vdev_logf(LOG_WARN, v,
                  "interrupts are off; the device is not reset, and its DMA may go on into this VM's memory");
    return ctrl == VDEV_CTRL_STATUS ? pass_report(v) : EOK;
}

static const char *const pass_compatible[] = { "*", NULL };

VDEV_FACTORY(pass_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_MANUAL_REGION | VFF_MUTEX,
    .name = "pass",
    .compatible = pass_compatible,
    .device = "pass",
    .option_list = pass_options,
    .option_strings = BIT(OPTION_ATTRIBUTES),
    .extra_space = sizeof(struct pass),
    .acc_sizes = BIT(1) | BIT(2) | BIT(4) | BIT(8),
    .vread = pass_vread,
    .vwrite = pass_vwrite,
    .startup = pass_startup,
    .control = pass_control,
};
