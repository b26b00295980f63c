/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include "hyp/gtree_parts.h"
#include "hyp/platform.h"
#include "hyp/text.h"
#include "hyp/vm_seed.h"

static __startup void gtree_psci(struct gtree *g)
{
    static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2\0arm,psci";

    gtree_begin(g, "psci");
    gtree_prop(g, "compatible", compatible, sizeof(compatible));
    gtree_string(g, "method", "hvc");
    /* For drivers that know PSCI 0.1 only. */
    gtree_u32(g, "cpu_suspend", 0xc4000001);
    gtree_u32(g, "cpu_off", 0x84000002);
    gtree_u32(g, "cpu_on", 0xc4000003);
    gtree_end(g);
}

static __startup void gtree_memory(struct gtree *g)
{
    const struct config_vm *c = g->vm->config;

    for (unsigned i = 0; i < c->ram_count; i++) {
        char buffer[32];
        struct text name = text_in(buffer, sizeof(buffer));
        if (c->ram[i].read_only)
            continue;
        text_string(&name, "memory@");
        text_hex(&name, c->ram[i].base.raw);
        gtree_begin(g, buffer);
        gtree_string(g, "device_type", "memory");
        gtree_reg(g, c->ram[i].base.raw, c->ram[i].size);
        gtree_end(g);
    }
}

static __startup void gtree_cpus(struct gtree *g)
{
    gtree_begin(g, "cpus");
    gtree_u32(g, "#address-cells", 1);
    gtree_u32(g, "#size-cells", 0);
    for (unsigned i = 0; i < g->vm->cpu_count; i++) {
        uint32_t affinity = (uint32_t)(g->vm->cpus[i]->mpidr & FIELD(23, 0));
        char buffer[16];
        struct text name = text_in(buffer, sizeof(buffer));
        text_string(&name, "cpu@");
        text_hex(&name, affinity);
        gtree_begin(g, buffer);
        gtree_string(g, "device_type", "cpu");
        gtree_string(g, "compatible", "arm,armv8");
        gtree_u32(g, "reg", affinity);
        gtree_string(g, "enable-method", "psci");
        gtree_end(g);
    }
    gtree_end(g);
}

/* Paths in the description begin with the VM's own. */
static __startup void gtree_aliases(struct gtree *g, int node)
{
    gtree_begin(g, "aliases");
    for (int p = node < 0 ? -1 : fdt_first_property_offset(g->vms, node); p >= 0;
         p = fdt_next_property_offset(g->vms, p)) {
        const char *name;
        int length;
        const char *path = fdt_getprop_by_offset(g->vms, p, &name, &length);
        if (path && length > 0 && strnlen(path, (size_t)length) < (size_t)length)
            gtree_path(g, name, path);
    }
    if (g->console[0])
        gtree_string(g, "serial0", g->console);
    gtree_end(g);
}

/* Room for the seeds, which each life of the VM gets anew; what the description gives stays. */
static __startup void gtree_seeds(struct gtree *g)
{
    static const uint8_t none[32];

    for (unsigned i = 0; platform()->rng_seed_len && i < VM_SEEDS; i++) {
        if (!gtree_has(g, vm_seeds[i].name))
            g->vm->seeds_made |= BIT(i);
        gtree_prop(g, vm_seeds[i].name, none, vm_seeds[i].size);
    }
}

static __startup void gtree_chosen(struct gtree *g, int node, ipa_t initrd, uint64_t initrd_size)
{
    const char *stdout_path = node < 0 ? NULL : dt_string(g->vms, node, "stdout-path");

    gtree_begin(g, "chosen");
    if (stdout_path)
        gtree_path(g, "stdout-path", stdout_path);
    else if (g->console[0])
        gtree_string(g, "stdout-path", g->console);
    if (initrd_size) {
        gtree_u64(g, "linux,initrd-start", initrd.raw);
        gtree_u64(g, "linux,initrd-end", initrd.raw + initrd_size);
    }
    if (node >= 0)
        gtree_copy_props(g, node);
    gtree_seeds(g);
    if (node >= 0)
        gtree_copy_children(g, node);
    gtree_end(g);
}

/* Is this child of the VM's node one that is written elsewhere, or not at all? */
static __startup bool gtree_is_special(const struct gtree *g, int node)
{
    static const char *const names[] = { "memory", "chosen", "aliases", "armature,reserve" };
    const char *full = fdt_get_name(g->vms, node, NULL), *type = dt_string(g->vms, node, "device_type");

    if (!dt_enabled(g->vms, node) || (type && strcmp(type, "memory") == 0))
        return true;
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        size_t length = strlen(names[i]);
        if (strncmp(full, names[i], length) == 0 && (full[length] == 0 || full[length] == '@'))
            return true;
    }
    for (unsigned i = 0; i < g->vm->config->vdev_count; i++)
        if (g->vm->config->vdevs[i].node == node)
            return true;
    return false;
}

static __startup void gtree_plain_nodes(struct gtree *g)
{
    int vm = g->vm->config->node;

    for (int node = fdt_first_subnode(g->vms, vm); node >= 0; node = fdt_next_subnode(g->vms, node))
        if (!gtree_is_special(g, node))
            gtree_copy(g, node);
}

/* Phandles of nodes that are made here must be none that the description uses; the controller keeps its own. */
static __startup int gtree_phandles(struct gtree *g)
{
    const struct config_vm *c = g->vm->config;
    uint32_t highest;

    if (fdt_find_max_phandle(g->vms, &highest) || highest >= FDT_MAX_PHANDLE - 1 - GTREE_CLOCKS)
        return error_at(-EINVAL, "%s: the description has no phandles left", c->path);
    for (unsigned i = 0; i < c->vdev_count; i++) {
        int node = c->vdevs[i].node;
        if (c->vdevs[i].factory->pic && node >= 0)
            g->f.gic_phandle = fdt_get_phandle(g->vms, node);
    }
    if (!g->f.gic_phandle)
        g->f.gic_phandle = highest + 1;
    g->clock_phandle = highest + 2;
    return 0;
}

static __startup int gtree_root(struct gtree *g, ipa_t initrd, uint64_t initrd_size)
{
    static const char compatible[] = "linux,dummy-virt\0armature,vm";
    int vm = g->vm->config->node;

    gtree_begin(g, "");
    gtree_u32(g, "interrupt-parent", g->f.gic_phandle);
    gtree_string(g, "model", "linux,dummy-virt");
    gtree_u32(g, "#size-cells", 2);
    gtree_u32(g, "#address-cells", 2);
    gtree_prop(g, "compatible", compatible, sizeof(compatible));
    gtree_psci(g);
    gtree_memory(g);
    gtree_cpus(g);
    for (unsigned i = 0; i < g->vm->vdev_count; i++) {
        int err = gtree_vdev(g, i);
        if (err)
            return err;
    }
    gtree_clocks(g);
    gtree_plain_nodes(g);
    gtree_aliases(g, fdt_subnode_offset(g->vms, vm, "aliases"));
    gtree_chosen(g, fdt_subnode_offset(g->vms, vm, "chosen"), initrd, initrd_size);
    gtree_end(g);
    return 0;
}

int gtree_build(struct guest_system *vm, void *buf, size_t size, ipa_t initrd, uint64_t initrd_size, size_t *used)
{
    struct gtree g = { .vm = vm, .vms = vm->config->fdt };

    g.f.fdt = buf;
    g.f.gsp = vm;
    int err = gtree_phandles(&g);
    if (err)
        return err;
    g.err = fdt_create(buf, size > INT32_MAX ? INT32_MAX : (int)size);
    if (!g.err)
        g.err = fdt_finish_reservemap(buf);
    err = gtree_root(&g, initrd, initrd_size);
    if (!g.err)
        g.err = fdt_finish(buf);
    if (g.why)
        return error_at(-ENOSPC, "%s: the guest's tree cannot be made: %s", vm->config->path, g.why);
    if (err)
        return err;
    if (g.err == -FDT_ERR_NOSPACE)
        return error_at(-ENOSPC, "%s: the guest's tree does not fit into %lu bytes", vm->config->path,
                        (unsigned long)size);
    if (g.err)
        return error_at(-EINVAL, "%s: the guest's tree cannot be made: %s", vm->config->path, fdt_strerror(g.err));
    *used = fdt_totalsize(buf);
    return 0;
}
