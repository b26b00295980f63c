/* SPDX-License-Identifier: Apache-2.0 */
/* A device that is passed on by its path: does the machine that runs have it as the description says? The host tool made that from a tree, maybe another one. */
#include "hyp/api/host.h"
#include "hyp/api/vdev.h"
#include "hyp/base/log.h"
#include "hyp/dt.h"
#include "hyp/host.h"
#include "hyp/platform.h"
#include "hyp/ranges.h"
#include "hyp/vm.h"

#include <errno.h>
#include <string.h>

#define DMA_CELLS 2
#define DMA_ENTRY 24 /* of armature,dma-ranges: bytes */
#define REGS_MAX 64  /* ranges of one node that are looked at */

int host_node_find(const struct vdev_builder *b, const char *path, struct host_node *out)
{
    const void *tree = host_tree();
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    *out = (struct host_node){ path, path[0] == '/' ? dt_lookup(tree, path, strlen(path)) : -1 };
    if (out->offset < 0)
        return error_at(ENOENT, "%s: this machine's tree has no %s", b->path, path);
    if (!dt_enabled(tree, out->offset) && !dt_has(b->fdt, b->node, "status"))
        return error_at(ENOENT, "%s: %s is switched off in this machine's tree", b->path, path);
    return EOK;
}

/* The node's range `index`, told to nobody: a node that makes no sense is none of ours. */
static __startup bool node_range(const void *tree, int node, unsigned index, struct range *r)
{
    struct dt_way way;
    int length;
    const fdt32_t *reg = fdt_getprop(tree, node, "reg", &length);
    if (!reg || dt_way(tree, node, &way) || way.count < 2)
        return false;
    int bus = way.node[way.count - 2], na = fdt_address_cells(tree, bus), ns = fdt_size_cells(tree, bus);
    if (na < 1 || ns < 1 || na > DMA_CELLS || ns > DMA_CELLS || index >= (unsigned)length / (4 * (unsigned)(na + ns)))
        return false;
    reg += index * (unsigned)(na + ns);
    uint64_t base = dt_number(reg, (unsigned)na), size = dt_number(reg + na, (unsigned)ns);
    if (!range_fits(base, size, 63) || dt_translate(tree, &way, &base, size))
        size = 0;
    *r = (struct range){ PA(base), size };
    return true;
}

/* The same, or below it. */
static __startup bool is_within(const void *tree, int node, int above)
{
    struct dt_way way;
    if (dt_way(tree, node, &way))
        return false;
    for (unsigned i = 1; i < way.count; i++)
        if (way.node[i] == above)
            return true;
    return false;
}

/* A node above or below the other: a part of one device. */
static __startup bool is_kin(const void *tree, int a, int b)
{
    return is_within(tree, a, b) || is_within(tree, b, a);
}

/* Another node with registers there. Negative: none. */
static __startup int node_at(const void *tree, int but, uint64_t location, uint64_t length)
{
    struct range r;
    for (int node = fdt_next_node(tree, 0, NULL); node >= 0; node = fdt_next_node(tree, node, NULL)) {
        if (!dt_has(tree, node, "reg"))
            continue;
        for (unsigned i = 0; i < REGS_MAX && node_range(tree, node, i, &r); i++)
            if (r.size && ranges_overlap(r.base.raw, r.size, location, length) && !is_kin(tree, but, node))
                return node;
    }
    return -1;
}

int host_node_range(const struct vdev_builder *b, const struct host_node *n, uint64_t location, uint64_t length)
{
    const void *tree = host_tree();
    struct dt_path path;
    struct range r;
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    for (unsigned i = 0; i < REGS_MAX && node_range(tree, n->offset, i, &r); i++) {
        uint64_t first = align_down(r.base.raw, PAGE_SIZE), end = align_up(r.base.raw + r.size, PAGE_SIZE);
        if (r.size && location == r.base.raw && length == r.size && !is_aligned(location | length, PAGE_SIZE))
            return EOK; /* each access is forwarded: nobody else's are */
        if (!r.size || location != first || length != end - first)
            continue;
        int other = node_at(tree, n->offset, location, length);
        if (other < 0)
            return EOK;
        return error_at(EBUSY, "%s: 0x%llx bytes at 0x%llx of the machine, the pages of %s, hold registers of %s too",
                        b->path, (unsigned long long)length, (unsigned long long)location, n->path,
                        dt_path(tree, other, &path));
    }
    return error_at(EINVAL, "%s: 0x%llx bytes at 0x%llx are no registers of %s in this machine's tree", b->path,
                    (unsigned long long)length, (unsigned long long)location, n->path);
}

int host_node_interrupt(const struct vdev_builder *b, const struct host_node *n, uint32_t intid)
{
    const void *tree = host_tree();
    unsigned version;
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    int gic = platform_gic_find(tree, &version);
    for (unsigned i = 0; gic >= 0 && i < REGS_MAX; i++)
        if (dt_interrupt(tree, n->offset, i, gic) == intid)
            return EOK;
    return error_at(EINVAL, "%s: interrupt %u is none of %s in this machine's tree", b->path, intid, n->path);
}

/* One bus down: `address` in `parent`, which it sits in, becomes the one below it. */
static __startup bool dma_step(const void *tree, int bus, int parent, uint64_t *address, uint64_t size)
{
    int length;
    const fdt32_t *map = fdt_getprop(tree, bus, "dma-ranges", &length);
    if (!map || !length)
        return true;
    int na = fdt_address_cells(tree, bus), ns = fdt_size_cells(tree, bus), pna = fdt_address_cells(tree, parent);
    if (na < 1 || ns < 1 || pna < 1 || na > DMA_CELLS || ns > DMA_CELLS || pna > DMA_CELLS)
        return false;
    for (int entry = na + pna + ns; length >= 4 * entry; length -= 4 * entry, map += entry) {
        uint64_t child = dt_number(map, (unsigned)na), base = dt_number(map + na, (unsigned)pna);
        if (!range_covers(base, dt_number(map + na + pna, (unsigned)ns), *address, size))
            continue;
        *address = child + (*address - base);
        return true;
    }
    return false;
}

/* Memory of the machine as the device sees it, down all the buses. False: it does not. */
static __startup bool dma_translate(const void *tree, int node, uint64_t *address, uint64_t size)
{
    struct dt_way way;
    if (dt_way(tree, node, &way))
        return false;
    for (unsigned bus = 1; bus + 1 < way.count; bus++)
        if (!dma_step(tree, way.node[bus], way.node[bus - 1], address, size))
            return false;
    return true;
}

/* The same, as the VM is told. */
static __startup bool dma_described(const struct vdev_builder *b, uint64_t *address, uint64_t size)
{
    int length;
    const fdt32_t *map = fdt_getprop(b->fdt, b->node, "armature,dma-ranges", &length);
    for (; map && length >= DMA_ENTRY; length -= DMA_ENTRY, map += DMA_ENTRY / 4) {
        uint64_t base = dt_number(map + 2, 2);
        if (!range_covers(base, dt_number(map + 4, 2), *address, size))
            continue;
        *address = dt_number(map, 2) + (*address - base);
        return true;
    }
    return !map;
}

int host_node_dma(const struct vdev_builder *b, const struct host_node *n)
{
    const struct config_vm *c = b->gsp->config;
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    if (!c->identity)
        return error_at(
            EPERM,
            "%s: %s may reach memory by itself: its VM must be armature,identity, or the node say armature,no-dma",
            b->path, n->path);
    for (unsigned i = 0; i < c->ram_count; i++) {
        uint64_t at = c->ram[i].base.raw, size = c->ram[i].size, seen = at, told = at;
        if (!dma_translate(host_tree(), n->offset, &seen, size))
            return error_at(
                EFAULT,
                "%s: the VM's memory 0x%llx to 0x%llx is not within what %s reaches (dma-ranges of the buses above it)",
                b->path, (unsigned long long)at, (unsigned long long)(at + size), n->path);
        if (!dma_described(b, &told, size) || told != seen)
            return error_at(
                EINVAL,
                "%s: %s sees the VM's memory 0x%llx at 0x%llx on this machine, armature,dma-ranges says otherwise",
                b->path, n->path, (unsigned long long)at, (unsigned long long)seen);
    }
    return EOK;
}
