/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes of vdevs: as described, then what the vdev adds, then what was assigned. */
#include <errno.h>
#include <string.h>
#include "hyp/gtree_parts.h"
#include "hyp/text.h"

#define PRIMECELL_HZ 24000000

static __startup bool vdev_is_placed(const vdev_t *v)
{
    return v->v_block.type == QST_MEMORY && v->v_block.location != QSL_NO_LOCATION && v->v_block.length;
}

/*
 * The node's name as described (or as the default vdev's path ends), with the address that was assigned if it had
 * none.
 */
static __startup void vdev_node_name(const struct gtree *g, const vdev_t *v, const struct config_vdev *c,
                                     struct text *name)
{
    const char *slash = strrchr(c->path, '/');

    text_string(name, c->node >= 0 ? fdt_get_name(g->vms, c->node, NULL) : slash ? slash + 1 : v->v_name);
    if (strchr(name->at, '@') || !vdev_is_placed(v) || (c->node >= 0 && dt_has(g->vms, c->node, "reg")))
        return;
    text_string(name, "@");
    text_hex(name, v->v_block.location);
}

static __startup void vdev_compatible(struct gtree *g, const struct vdev_factory *f)
{
    char list[160];
    size_t used = 0;

    for (const char *const *c = f->compatible; *c; c++) {
        size_t length = strlen(*c) + 1;
        if (length > sizeof(list) - used)
            break;
        memcpy(list + used, *c, length);
        used += length;
    }
    gtree_prop(g, "compatible", list, used);
}

static __startup void vdev_interrupts(struct gtree *g, const vdev_t *v)
{
    const vdev_t *pic = v->v_intr.pic;
    uint32_t cells[4];

    if (!pic || !pic->v_factory->pic || !pic->v_factory->pic->table_spec)
        return;
    int n = pic->v_factory->pic->table_spec(&v->v_intr, cells);
    if (n > 0 && n <= 4)
        gtree_u32s(g, "interrupts", cells, (unsigned)n);
}

/* A PrimeCell's driver wants its clocks: those that the description leaves out are the one made for all. */
static __startup void vdev_clocks(struct gtree *g, const struct config_vdev *c)
{
    if (c->node < 0 || !dt_compatible(g->vms, c->node, "arm,primecell") || gtree_has(g, "clocks"))
        return;
    uint32_t clock = gtree_clock(g, PRIMECELL_HZ);
    gtree_u32s(g, "clocks", (uint32_t[]){ clock, clock }, 2);
    gtree_prop(g, "clock-names", "uartclk\0apb_pclk", sizeof("uartclk\0apb_pclk"));
}

static __startup void vdev_console(struct gtree *g, const struct config_vdev *c, const char *name)
{
    const char *backend = c->node < 0 ? NULL : dt_string(g->vms, c->node, "armature,backend");

    if (g->console[0] || !backend || strncmp(backend, "console", 7) != 0)
        return;
    struct text path = text_in(g->console, sizeof(g->console));
    text_string(&path, "/");
    text_string(&path, name);
    if (path.cut)
        g->console[0] = 0;
}

/* A device of the machine that sees memory at other addresses is behind a bus that says so: a node's own dma-ranges are for what is below it. */
static __startup bool dma_bus_begin(struct gtree *g, const struct config_vdev *c, unsigned index)
{
    int length;
    const void *ranges = c->node < 0 ? NULL : fdt_getprop(g->vms, c->node, "armature,dma-ranges", &length);
    char buffer[24];
    struct text name = text_in(buffer, sizeof(buffer));

    if (!ranges)
        return false;
    text_string(&name, "dma-bus-");
    text_decimal(&name, index);
    gtree_begin(g, buffer);
    gtree_string(g, "compatible", "simple-bus");
    gtree_u32(g, "#address-cells", 2);
    gtree_u32(g, "#size-cells", 2);
    gtree_prop(g, "ranges", NULL, 0);
    gtree_prop(g, "dma-ranges", ranges, (size_t)length);
    return true;
}

int gtree_vdev(struct gtree *g, unsigned index)
{
    const vdev_t *v = &g->vm->vdevs[index];
    const struct config_vdev *c = &g->vm->config->vdevs[index];
    char buffer[DT_PATH];
    struct text name = text_in(buffer, sizeof(buffer));

    vdev_node_name(g, v, c, &name);
    vdev_console(g, c, buffer);
    bool behind = dma_bus_begin(g, c, index);
    gtree_begin(g, buffer);
    if (c->node >= 0)
        gtree_copy_props(g, c->node);
    int err = vdev_gen_fdt(g->vm, index, &g->f);
    if (err && !g->err)
        return err < 0 ? err : -err;
    vdev_compatible(g, v->v_factory);
    if (vdev_is_placed(v))
        gtree_reg(g, v->v_block.location, v->v_block.length);
    vdev_interrupts(g, v);
    vdev_clocks(g, c);
    if (v->v_factory->pic) {
        gtree_prop(g, "interrupt-controller", NULL, 0);
        gtree_u32(g, "#interrupt-cells", 3);
        gtree_u32(g, "#address-cells", 0);
        gtree_u32(g, "phandle", g->f.gic_phandle);
    }
    if (c->node >= 0)
        gtree_copy_children(g, c->node);
    gtree_end(g);
    if (behind)
        gtree_end(g);
    return 0;
}
