/* SPDX-License-Identifier: Apache-2.0 */
/* The fixed clocks that are made for vdevs whose description gives none. */
#include <errno.h>
#include <string.h>
#include "hyp/gtree_parts.h"
#include "hyp/text.h"

uint32_t gtree_clock(struct gtree *g, uint32_t hz)
{
    unsigned i = 0;
    while (i < g->clock_count && g->clock_hz[i] != hz)
        i++;
    if (i == GTREE_CLOCKS) {
        g->err = g->err ? g->err : -FDT_ERR_NOSPACE;
        return 0;
    }
    if (i == g->clock_count)
        g->clock_hz[g->clock_count++] = hz;
    return g->clock_phandle + i;
}

/* The first has the name that it has on QEMU's machine; the others are named by their rate. */
static __startup void clock_node(struct gtree *g, unsigned i)
{
    char buffer[32], output[16];
    struct text name = text_in(buffer, sizeof(buffer)), out = text_in(output, sizeof(output));
    uint32_t hz = g->clock_hz[i];

    text_string(&name, hz == 24000000 ? "apb-pclk" : "clock-");
    if (hz != 24000000)
        text_decimal(&name, hz);
    text_string(&out, "clk");
    text_decimal(&out, hz % 1000000 ? hz : hz / 1000000);
    text_string(&out, hz % 1000000 ? "hz" : "mhz");
    gtree_begin(g, buffer);
    gtree_string(g, "compatible", "fixed-clock");
    gtree_u32(g, "#clock-cells", 0);
    gtree_u32(g, "clock-frequency", hz);
    gtree_string(g, "clock-output-names", output);
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
        if (i == GTREE_CLOCKS || length > sizeof(names) - used)
            return ENOSPC;
        memcpy(names + used, clocks[i].name, length);
        used += length;
        phandles[i] = gtree_clock(g, clocks[i].hz);
    }
    gtree_u32s(g, "clocks", phandles, n);
    gtree_prop(g, "clock-names", names, used);
    return g->err ? ENOSPC : EOK;
}
