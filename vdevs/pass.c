/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device of the machine, given to the guest: its addresses by stage 2, its interrupts as lines. The host's interrupt stays active, so that it does not fire again,
 * from when it was taken until the guest has ended its own. While the VM does not run it is off.
 */
#include "hyp/api/gasp.h"
#include "hyp/api/guest.h"
#include "hyp/api/host.h"
#include "hyp/api/vdev.h"

#include <errno.h>
#include <string.h>

#define PLACES_MAX 8 /* of one node: ranges, and interrupts */
#define REG_BYTES 16
#define INTR_BYTES 12
#define INTR_EDGE 3 /* flags of an interrupt: rising or falling edge */

struct pass_line {
    /* set at startup, then const: */
    vdev_t *vdev;
    struct guest_intr line;
    uint32_t intid; /* of the machine */
    bool edge;
    /* under v_mtx: */
    bool high; /* taken, and not ended by the guest yet */
};

struct pass {
    /* startup only: the properties' bytes */
    struct vdev_option attributes[PLACES_MAX], host_reg, host_intr, intr;
    /* set at startup, then const: */
    struct pass_line lines[PLACES_MAX];
    unsigned line_count;
    /* under v_mtx: */
    bool running;
    uint64_t taken;
};

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

static int __startup attribute_refuse(const struct vdev_builder *b, const char *text, const char *why)
{
    return error_at(EINVAL, "%s: armature,attributes: \"%.16s\": %s", b->path, text, why);
}

/* One string to the region's flags. Without one: "rw". */
static int __startup attributes_flags(const struct vdev_builder *b, const struct vdev_option *o, uint32_t *flags)
{
    const char *text = o->name ? o->data : "rw";
    bool ram = strchr(text, 'm') != NULL;
    *flags = GRF_ACTIVE | (ram ? GRF_MEMORY : GRF_PASSTHRU);
    for (const char *c = text; *c; c++) {
        switch (*c) {
        case 'r': *flags |= GRF_PASS_RD; break;
        case 'w': *flags |= GRF_PASS_WR; break;
        case 'x': *flags |= GRF_PASS_EX; break;
        case 'c': *flags |= GRF_MEMORY; break;
        case 'm': break;
        case 'e':
        case 'd':
        case 'n':
        case 's':
        case 't': return attribute_refuse(b, text, "e, d, n, s and t are not offered: no SMMU is driven");
        default: return attribute_refuse(b, text, "an attribute is one of r, w, x, c, m");
        }
    }
    if (!(*flags & (GRF_PASS_RD | GRF_PASS_WR)))
        return attribute_refuse(b, text, "neither r nor w");
    if (*flags & GRF_PASS_EX && !(*flags & GRF_MEMORY))
        return attribute_refuse(b, text, "nothing is executed from device memory: x needs c or m");
    if (*flags & GRF_MEMORY && !(*flags & GRF_PASS_RD))
        return attribute_refuse(b, text, "memory that cannot be read: c and m need r");
    return EOK;
}

static uint64_t __startup big_number(const void *data, unsigned bytes)
{
    const uint8_t *at = data;
    uint64_t n = 0;
    while (bytes--)
        n = n << 8 | *at++;
    return n;
}

/* Where the machine has what the guest has at [base, base + size): the same place, unless armature,host-reg says another. */
static int __startup host_place(const struct vdev_builder *b, unsigned index, uint64_t size, uint64_t *base)
{
    const struct vdev_option *o = &((const struct pass *)b->vdev->v_device)->host_reg;
    if (!o->name)
        return EOK;
    if (o->size % REG_BYTES || index >= o->size / REG_BYTES)
        return error_at(EINVAL, "%s: %s is no list of address and size, two cells each, for each range of reg", b->path,
                        o->name);
    const uint8_t *entry = (const uint8_t *)o->data + index * REG_BYTES;
    if (big_number(entry + 8, 8) != size)
        return error_at(EINVAL, "%s: %s: range %u has another size than in reg", b->path, o->name, index);
    *base = big_number(entry, 8);
    return EOK;
}

static int __startup range_pass(struct vdev_builder *b, unsigned index, uint64_t base, uint64_t size)
{
    const struct pass *p = b->vdev->v_device;
    uint64_t host = base;
    uint32_t flags;
    if (index == PLACES_MAX)
        return error_at(E2BIG, "%s: reg: more than %d ranges", b->path, PLACES_MAX);
    int err = attributes_flags(b, &p->attributes[index], &flags);
    if (!err)
        err = host_place(b, index, size, &host);
    if (!err)
        err = host_device_claim(b, host, size);
    if (err)
        return err;
    struct gasp_region r = {
        .flags = flags,
        .vdev = b->vdev,
        .host_location = host,
        .guest = { .type = QST_MEMORY, .location = base, .length = size },
    };
    return gasp_region_set(b, 1, &r);
}

/* The machine's interrupt that stands behind number `index` of the node: the same, unless armature,host-interrupts says another. */
static int __startup host_interrupt(const struct vdev_builder *b, unsigned index, uint32_t *intid, bool *edge)
{
    const struct pass *p = b->vdev->v_device;
    const struct vdev_option *o = p->host_intr.name ? &p->host_intr : &p->intr;
    if (o->size % INTR_BYTES || index >= o->size / INTR_BYTES)
        return error_at(EINVAL, "%s: %s is no list of <0 SPI flags>, one for each of the interrupts", b->path, o->name);
    const uint8_t *cells = (const uint8_t *)o->data + index * INTR_BYTES;
    uint64_t number = big_number(cells + 4, 4);
    if (big_number(cells, 4) != 0 || number > 987)
        return error_at(EINVAL, "%s: %s: only shared interrupts, <0 0..987 flags>, can be passed through", b->path,
                        o->name);
    *intid = (uint32_t)number + 32;
    *edge = big_number(cells + 8, 4) & INTR_EDGE;
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
    uint64_t base, size;
    struct guest_intr line;
    int err = EOK;
    for (unsigned i = 0; !err && vdev_reg(b, i, &base, &size); i++)
        err = range_pass(b, i, base, size);
    for (unsigned i = 0; !err && (err = vdev_interrupt(b, i, &line)) == EOK; i++)
        err = line_pass(b, i, &line);
    return err == ENOENT ? EOK : err;
}

enum pass_option { OPTION_ATTRIBUTES, OPTION_HOST_REG, OPTION_HOST_INTR, OPTION_INTR };
static const char *const pass_options[] = { "armature,attributes", "armature,host-reg", "armature,host-interrupts",
                                            "interrupts", NULL };

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

static __running int pass_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    (void)arg;
    if (ctrl == VDEV_CTRL_GUEST_STARTING || ctrl == VDEV_CTRL_TERMINATE)
        pass_run(v, ctrl == VDEV_CTRL_GUEST_STARTING);
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
    .startup = pass_startup,
    .control = pass_control,
};
