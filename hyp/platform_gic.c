/* SPDX-License-Identifier: Apache-2.0 */
/* The interrupt controller's node. */
#include <errno.h>
#include "hyp/dt.h"
#include "hyp/platform_parts.h"

#define GICD_BYTES KIB(4)
#define GICR_BYTES KIB(128) /* RD_base and SGI_base of one core */
#define GICC_BYTES KIB(4)

/* reg entry `index`, at least `bytes` long. */
static __startup int gic_range(const void *fdt, int node, unsigned index, const char *name, uint64_t bytes,
                               struct range *out)
{
    struct dt_path path;
    int err = dt_reg(fdt, node, index, out);

    if (err == -ENOENT)
        return error_at(-ENODEV, "%s: reg: no entry for %s", dt_path(fdt, node, &path), name);
    if (!err && (out->size < bytes || !is_aligned(out->base.raw, PAGE_SIZE)))
        return error_at(-ENODEV, "%s: reg: %s at 0x%lx with 0x%lx bytes cannot be", dt_path(fdt, node, &path), name,
                        out->base.raw, out->size);
    return err;
}

/* The optional GICv2 parts of a GICv3 come behind the redistributors; nothing here needs them. */
static __startup int gic_v3(const void *fdt, int node, struct gic_desc *gic)
{
    struct dt_path path;
    uint32_t regions = 1;

    gic->version = 3;
    (void)dt_u32(fdt, node, "#redistributor-regions", &regions);
    (void)dt_u64(fdt, node, "redistributor-stride", &gic->redist_stride);
    if (regions > ARRAY_LEN(gic->redist)) {
        log_warn("%s: %u redistributor regions, %u can be used", dt_path(fdt, node, &path), regions,
                 (unsigned)ARRAY_LEN(gic->redist));
        regions = ARRAY_LEN(gic->redist);
    }
    int err = gic_range(fdt, node, 0, "GICD", GICD_BYTES, &gic->dist);
    for (unsigned i = 0; i < regions && !err; i++) {
        err = gic_range(fdt, node, 1 + i, "GICR", GICR_BYTES, &gic->redist[i]);
        gic->redist_count = i + 1;
    }
    if (!err && !gic->redist_count)
        return error_at(-ENODEV, "%s: #redistributor-regions is 0", dt_path(fdt, node, &path));
    return err;
}

static __startup int gic_v2(const void *fdt, int node, struct gic_desc *gic)
{
    gic->version = 2;
    int err = gic_range(fdt, node, 0, "GICD", GICD_BYTES, &gic->dist);
    if (!err)
        err = gic_range(fdt, node, 1, "GICC", GICC_BYTES, &gic->cpu);
    if (!err)
        err = gic_range(fdt, node, 2, "GICH", 0x200, &gic->vctrl);
    if (!err)
        err = gic_range(fdt, node, 3, "GICV", GICC_BYTES, &gic->vcpu);
    return err;
}

int platform_gic_find(const void *fdt, unsigned *version)
{
    static const struct {
        const char *compatible;
        unsigned version;
    } known[] = {
        { "arm,gic-v3", 3 },         { "arm,gic-v4", 3 },        { "arm,gic-400", 2 },
        { "arm,cortex-a15-gic", 2 }, { "arm,cortex-a7-gic", 2 }, { "arm,cortex-a9-gic", 2 },
    };

    for (unsigned i = 0; i < ARRAY_LEN(known); i++) {
        int node = dt_find(fdt, -1, known[i].compatible);
        *version = known[i].version;
        if (node >= 0)
            return node;
    }
    return -ENODEV;
}

int platform_gic(const void *fdt, struct platform *p)
{
    struct dt_path path;
    unsigned version;
    int node = platform_gic_find(fdt, &version);
    if (node < 0)
        return error_at(-ENODEV, "host tree: no GICv2 or GICv3 (on a Raspberry Pi 4: enable_gic=1 in config.txt)");
    int err = version == 3 ? gic_v3(fdt, node, &p->gic) : gic_v2(fdt, node, &p->gic);
    if (err)
        return -ENODEV;
    p->gic.links = p->options.gic_links;
    p->gic.maint_intid = dt_interrupt(fdt, node, 0, node);
    if (!p->gic.maint_intid) {
        p->gic.maint_intid = GIC_PPI_MAINT;
        log_warn("%s: no usable maintenance interrupt: %d is taken", dt_path(fdt, node, &path), GIC_PPI_MAINT);
    }
    return node;
}
