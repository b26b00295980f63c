/* SPDX-License-Identifier: Apache-2.0 */
/* The fixed clocks of vdevs whose description gives none: one of the description's, or one that is made. */
#include <errno.h>
#include <string.h>
#include "hyp/gtree_parts.h"
#include "hyp/text.h"

/* A fixed clock of the description's with that rate that others refer to. 0: there is none. */
static __startup uint32_t described_clock(const struct gtree *g, uint32_t hz)
{
    uint32_t rate;
    for (int node = fdt_first_subnode(g->vms, g->vm->config->node); node >= 0; node = fdt_next_subnode(g->vms, node))
        if (dt_compatible(g->vms, node, "fixed-clock") && dt_enabled(g->vms, node) &&
            dt_u32(g->vms, node, "clock-frequency", &rate) && rate == hz && fdt_get_phandle(g->vms, node))
            return fdt_get_phandle(g->vms, node);
    return 0;
}

uint32_t gtree_clock(struct gtree *g, uint32_t hz)
{
    unsigned i = 0;
    uint32_t described = described_clock(g, hz);
    if (described)
        return described;
    while (i < g->clock_count && g->clock_hz[i] != hz)
        i++;
    if (i == GTREE_CLOCKS) {
        gtree_refuse(g, "its vdevs have clocks of more rates than 8");
        return 0;
    }
    if (i == g->clock_count)
        g->clock_hz[g->clock_count++] = hz;
    return g->clock_phandle + i;
}

static __startup bool name_is_taken(const struct gtree *g, const char *name)
{
    return fdt_subnode_offset(g->vms, g->vm->config->node, name) >= 0;
}

/* The name that it has on QEMU's machine, or one by its rate, which is also what Linux knows it by. */
static __startup void clock_node(struct gtree *g, unsigned i)
{
    char buffer[32];
    struct text name = text_in(buffer, sizeof(buffer));
    bool usual = g->clock_hz[i] == 24000000 && !name_is_taken(g, "apb-pclk");

    text_string(&name, usual ? "apb-pclk" : "clock-");
    if (!usual)
        text_decimal(&name, g->clock_hz[i]);
    if (name_is_taken(g, buffer)) {
        g->err = g->err ? g->err : -FDT_ERR_EXISTS;
        return;
    }
    gtree_begin(g, buffer);
    gtree_string(g, "compatible", "fixed-clock");
    gtree_u32(g, "#clock-cells", 0);
    gtree_u32(g, "clock-frequency", g->clock_hz[i]);
    gtree_string(g, "clock-output-names", usual ? "clk24mhz" : buffer);
    gtree_u32(g, "phandle", g->clock_phandle + i);
    gtree_end(g);
}

void gtree_clocks(struct gtree *g)
{
    for (unsigned i = 0; i < g->clock_count; i++)
        clock_node(g, i);
}

int vdev_fdt_clocks(struct vdev_fdt *f, const struct vdev_clock *clocks, unsigned n)
{
    if (!phase_is(PHASE_STARTUP, f->gsp->name))
        return EPERM;
    struct gtree *g = container_of(f, struct gtree, f);
    uint32_t phandles[GTREE_CLOCKS];
    char names[96];
    size_t used = 0;

    if (gtree_has(g, "clocks"))
        return EOK;
    for (unsigned i = 0; i < n; i++) {
        size_t length = strlen(clocks[i].name) + 1;
        if (i == GTREE_CLOCKS || length > sizeof(names) - used) {
            gtree_refuse(g, "a vdev has more clocks than 8, or longer names for them than 96 bytes");
            return ENOSPC;
        }
        memcpy(names + used, clocks[i].name, length);
        used += length;
        phandles[i] = gtree_clock(g, clocks[i].hz);
    }
    gtree_u32s(g, "clocks", phandles, n);
    gtree_prop(g, "clock-names", names, used);
    return g->err ? ENOSPC : EOK;
}
