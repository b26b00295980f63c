/* SPDX-License-Identifier: Apache-2.0 */
/* What a node says in its bus's terms, in the CPU's: addresses through `ranges`, interrupts as INTIDs. */
#include <errno.h>
#include "hyp/base/log.h"
#include "hyp/dt.h"
#include "hyp/ranges.h"

/* More cells than two are no address of ours (a PCI bus has three). */
#define DT_CELLS 2

int dt_way(const void *fdt, int node, struct dt_way *out)
{
    int depth = 0;

    for (int at = 0; at >= 0 && at <= node && depth >= 0 && depth <= DT_DEPTH; at = fdt_next_node(fdt, at, &depth)) {
        out->node[depth] = at;
        out->count = (unsigned)depth + 1;
        if (at == node)
            return 0;
    }
    out->count = 0;
    return -EINVAL;
}

/* One bus up: `bus` has the children's addresses, `parent` is where it sits. */
static __startup int dt_translate_step(const void *fdt, int bus, int parent, uint64_t *address, uint64_t size)
{
    int length;
    const fdt32_t *map = fdt_getprop(fdt, bus, "ranges", &length);
    int na = fdt_address_cells(fdt, bus), ns = fdt_size_cells(fdt, bus), pna = fdt_address_cells(fdt, parent);

    if (!map || na < 1 || ns < 1 || pna < 1 || na > DT_CELLS || ns > DT_CELLS || pna > DT_CELLS)
        return -EINVAL;
    if (length == 0)
        return 0;
    for (int entry = na + pna + ns; length >= 4 * entry; length -= 4 * entry, map += entry) {
        uint64_t child = dt_number(map, (unsigned)na), window = dt_number(map + na + pna, (unsigned)ns);
        uint64_t base = dt_number(map + na, (unsigned)pna);
        if (!range_covers(child, window, *address, size) || !range_fits(base, window, 63))
            continue;
        *address = base + (*address - child);
        return 0;
    }
    return -EINVAL;
}

int dt_translate(const void *fdt, const struct dt_way *way, uint64_t *address, uint64_t size)
{
    if (way->count < 2)
        return -EINVAL;
    for (unsigned bus = way->count - 2; bus > 0; bus--) {
        int err = dt_translate_step(fdt, way->node[bus], way->node[bus - 1], address, size);
        if (err)
            return err;
    }
    return 0;
}

int dt_reg(const void *fdt, int node, unsigned index, struct range *out)
{
    struct dt_path path;
    struct dt_way way;
    int length;
    const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &length);

    if (!reg || dt_way(fdt, node, &way) || way.count < 2)
        return -ENOENT;
    int bus = way.node[way.count - 2], na = fdt_address_cells(fdt, bus), ns = fdt_size_cells(fdt, bus);
    if (na < 1 || ns < 0 || na > DT_CELLS || ns > DT_CELLS)
        return error_at(-EINVAL, "%s: reg: its bus has addresses of %d and sizes of %d cells",
                        dt_path(fdt, node, &path), na, ns);
    unsigned entry = 4 * (unsigned)(na + ns);
    if (length == 0 || (unsigned)length % entry)
        return error_at(-EINVAL, "%s: reg: %d bytes are no multiple of %u", dt_path(fdt, node, &path), length, entry);
    if (index >= (unsigned)length / entry)
        return -ENOENT;

    reg += index * (entry / 4);
    uint64_t base = dt_number(reg, (unsigned)na), size = dt_number(reg + na, (unsigned)ns);
    uint64_t bus_address = base;
    if (!range_fits(base, size, 63))
        return error_at(-EINVAL, "%s: reg: 0x%lx bytes at 0x%lx go beyond all addresses", dt_path(fdt, node, &path),
                        size, base);
    if (dt_translate(fdt, &way, &base, size))
        return error_at(-EINVAL, "%s: reg: no bus's ranges lead to 0x%lx", dt_path(fdt, node, &path), bus_address);
    *out = (struct range){ PA(base), size };
    return 0;
}

uint32_t dt_gic_intid(uint32_t type, uint32_t number)
{
    if (type == 0 && number < 988)
        return 32 + number;
    if (type == 1 && number < 16)
        return 16 + number;
    return 0;
}

/* The controller that the node's `interrupts` go to, by its phandle: the nearest interrupt-parent on the way up. 0: none. */
static __startup uint32_t dt_interrupt_parent(const void *fdt, int node)
{
    struct dt_way way;
    uint32_t phandle;

    if (dt_way(fdt, node, &way))
        return 0;
    for (unsigned i = way.count; i > 0; i--)
        if (dt_u32(fdt, way.node[i - 1], "interrupt-parent", &phandle))
            return phandle;
    return 0;
}

uint32_t dt_interrupt(const void *fdt, int node, unsigned index, int gic)
{
    int length;
    const fdt32_t *cells = fdt_getprop(fdt, node, "interrupts", &length);
    uint32_t per;

    uint32_t parent = cells && gic >= 0 ? dt_interrupt_parent(fdt, node) : 0;
    if (!parent || parent != fdt_get_phandle(fdt, gic))
        return 0;
    if (!dt_u32(fdt, gic, "#interrupt-cells", &per) || per < 3 || per > 8 || index >= (unsigned)length / (4 * per))
        return 0;
    cells += (size_t)index * per;
    return dt_gic_intid(fdt32_ld(cells), fdt32_ld(cells + 1));
}
