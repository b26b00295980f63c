/* SPDX-License-Identifier: Apache-2.0 */
/* RAM and what of it is somebody else's. */
#include <errno.h>
#include <string.h>
#include "hyp/dt.h"
#include "hyp/platform_parts.h"
#include "hyp/ranges.h"

/* The widest physical address that stage 1 and 2 of ours are made for. */
#define PLATFORM_PA_BITS 48

/* Whole pages only: RAM shrinks to them, what is reserved grows. */
static __startup struct range platform_pages_within(struct range r)
{
    uint64_t start = align_up(r.base.raw, PAGE_SIZE), end = align_down(r.base.raw + r.size, PAGE_SIZE);

    return (struct range){ PA(start), end > start ? end - start : 0 };
}

static __startup struct range platform_pages_around(struct range r)
{
    uint64_t start = align_down(r.base.raw, PAGE_SIZE), end = align_up(r.base.raw + r.size, PAGE_SIZE);

    return (struct range){ PA(start), r.size ? end - start : 0 };
}

static __startup void platform_ram_node(const void *fdt, int node, struct platform *p)
{
    struct dt_path path;
    struct range r;

    for (unsigned i = 0; dt_reg(fdt, node, i, &r) == 0; i++) {
        if (!range_fits(r.base.raw, r.size, PLATFORM_PA_BITS)) {
            log_warn("%s: 0x%lx bytes at 0x%lx are beyond %d address bits and not used", dt_path(fdt, node, &path),
                     r.size, r.base.raw, PLATFORM_PA_BITS);
        } else if (ranges_add(p->ram, &p->ram_count, PLATFORM_MAX_RANGES, platform_pages_within(r))) {
            log_warn("%s: more than %d ranges of RAM (PLATFORM_MAX_RANGES): the rest is not used",
                     dt_path(fdt, node, &path), PLATFORM_MAX_RANGES);
            return;
        }
    }
}

int platform_ram(const void *fdt, struct platform *p)
{
    int node;

    for (node = fdt_first_subnode(fdt, 0); node >= 0; node = fdt_next_subnode(fdt, node)) {
        const char *type = dt_string(fdt, node, "device_type");
        if (type && strcmp(type, "memory") == 0 && dt_enabled(fdt, node))
            platform_ram_node(fdt, node, p);
    }
    if (!p->ram_count)
        return error_at(-ENODEV, "host tree: no memory: no enabled node with device_type \"memory\" has a usable reg");
    return 0;
}

static __startup int platform_reserve(struct platform *p, struct range r, const char *what)
{
    /* What is beyond all RAM needs no entry. */
    if (!range_fits(r.base.raw, r.size, PLATFORM_PA_BITS) || !r.size)
        return 0;
    if (ranges_add(p->reserved, &p->reserved_count, PLATFORM_MAX_RANGES, platform_pages_around(r)))
        return error_at(-E2BIG, "%s: more than %d reserved ranges (PLATFORM_MAX_RANGES)", what, PLATFORM_MAX_RANGES);
    return 0;
}

static __startup int platform_reserved_node(const void *fdt, int node, struct platform *p)
{
    struct dt_path path;
    struct range r;
    int err = 0;

    /* A node without reg asks an operating system for memory; it reserves none. */
    for (unsigned i = 0; dt_has(fdt, node, "reg") && !err; i++) {
        err = dt_reg(fdt, node, i, &r);
        if (err == -ENOENT)
            return 0;
        if (!err)
            err = platform_reserve(p, r, dt_path(fdt, node, &path));
    }
    return err;
}

/* Cores wait for their start in these pages and read them until then. */
static __startup int platform_reserve_spin_tables(struct platform *p)
{
    int err = 0;

    for (unsigned i = 0; i < p->core_count && !err; i++)
        if (p->cores[i].start == CORE_START_SPIN_TABLE)
            err = platform_reserve(p, (struct range){ p->cores[i].release_addr, 8 }, "cpu-release-addr");
    return err;
}

int platform_reserved(const void *fdt, struct platform *p)
{
    int parent = fdt_subnode_offset(fdt, 0, "reserved-memory"), node;

    if (parent >= 0) {
        for (node = fdt_first_subnode(fdt, parent); node >= 0; node = fdt_next_subnode(fdt, node)) {
            int err = dt_enabled(fdt, node) ? platform_reserved_node(fdt, node, p) : 0;
            if (err)
                return err;
        }
    }
    return platform_reserve_spin_tables(p);
}

int platform_reserved_rest(const void *fdt, struct platform *p)
{
    int count = fdt_num_mem_rsv(fdt);

    for (int i = 0; i < count; i++) {
        uint64_t base, size;
        if (fdt_get_mem_rsv(fdt, i, &base, &size))
            break;
        int err = platform_reserve(p, (struct range){ PA(base), size }, "/memreserve/");
        if (err)
            return err;
    }
    int err = platform_reserve(p, p->fdt, "host tree");
    return err ? err : platform_reserve(p, p->initrd, "bundle");
}
