/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include "hyp/dt.h"
#include "hyp/factory.h"
#include "hyp/nearest.h"

/* Every vdev that the sources have, so that one left out of this image can be told from one that does not exist. */
static const struct {
    const char *compatible, *option;
} factory_options[] = {
    { "arm,gic-v3", "CONFIG_GIC_V3" },         { "arm,gic-400", "CONFIG_GIC_V2" },
    { "arm,cortex-a15-gic", "CONFIG_GIC_V2" }, { "arm,armv8-timer", "CONFIG_VDEV_VTIMER" },
    { "arm,pl011", "CONFIG_VDEV_PL011" },      { "arm,pl031", "CONFIG_VDEV_PL031" },
    { "arm,pl061", "CONFIG_VDEV_PL061" },      { "arm,sp805", "CONFIG_VDEV_WDT_SP805" },
    { "armature,dummy", "CONFIG_VDEV_DUMMY" }, { "armature,pvtime", "CONFIG_VDEV_PVTIME" },
    { "armature,trace", "CONFIG_VDEV_TRACE" }, { "qvm,guest_shm", "CONFIG_VDEV_SHMEM" },
};

/* More `compatible` strings of a node than these are not looked at. */
#define FACTORY_COMPATIBLES 16

static __startup bool factory_is_sound(const struct vdev_factory *f)
{
    return f->abi == QVM_VDEV_ABI && f->name && f->compatible && f->startup;
}

/* "*" stands for every compatible, where the node's armature,device says who is meant. */
static __startup bool factory_takes_any(const struct vdev_factory *f, const char *compatible)
{
    return f->device && strcmp(compatible, "*") == 0;
}

static __startup bool factory_takes(const struct vdev_factory *f, const char *compatible, const char *device)
{
    if (!factory_is_sound(f) || (f->device && (!device || strcmp(f->device, device) != 0)))
        return false;
    for (const char *const *c = f->compatible; *c; c++)
        if (strcmp(*c, compatible) == 0 || factory_takes_any(f, *c))
            return true;
    return false;
}

/* A compatible that both name for the same device; NULL: none. */
static __startup const char *factory_shared(const struct vdev_factory *f, const struct vdev_factory *g)
{
    bool same = f->device ? g->device && strcmp(f->device, g->device) == 0 : !g->device;

    for (const char *const *c = f->compatible; same && *c; c++)
        if (factory_takes(g, *c, g->device))
            return *c;
    return NULL;
}

/* With two for one node the linker would decide. */
static __startup int factory_check_alone(const struct vdev_factory *f)
{
    for (const struct vdev_factory *g = __vdev_factories_start; g < f; g++) {
        const char *shared = factory_is_sound(f) ? factory_shared(f, g) : NULL;
        if (shared)
            return error_at(-EEXIST, "vdev factories %s and %s: both are for \"%s\"", g->name, f->name, shared);
    }
    return 0;
}

int factory_check_all(void)
{
    int err = 0;

    for (const struct vdev_factory *f = __vdev_factories_start; f < __vdev_factories_end; f++) {
        if (f->abi != QVM_VDEV_ABI)
            err = error_at(-EINVAL, "vdev factory at %p: ABI %u, this is %u", (const void *)f, f->abi, QVM_VDEV_ABI);
        else if (!factory_is_sound(f))
            err = error_at(-EINVAL, "vdev factory %s: no name, no compatible or no startup()", f->name ? f->name : "?");
        else if (factory_check_alone(f) != 0)
            err = -EEXIST;
    }
    return err;
}

/* One that names the node's armature,device goes before one that takes any. */
static __startup const struct vdev_factory *factory_match(const char *compatible, const char *device)
{
    const struct vdev_factory *any = NULL;

    for (const struct vdev_factory *f = __vdev_factories_start; f < __vdev_factories_end; f++) {
        if (!factory_takes(f, compatible, device))
            continue;
        if (f->device)
            return f;
        any = f;
    }
    return any;
}

const struct vdev_factory *factory_find_compatible(const char *compatible)
{
    return factory_match(compatible, NULL);
}

const struct vdev_factory *factory_find(const void *fdt, int node)
{
    const char *device = dt_string(fdt, node, "armature,device"), *compatible;

    for (int i = 0;
         i < FACTORY_COMPATIBLES && (compatible = fdt_stringlist_get(fdt, node, "compatible", i, NULL)) != NULL; i++) {
        const struct vdev_factory *f = factory_match(compatible, device);
        if (f)
            return f;
    }
    return NULL;
}

const char *factory_nearest(const void *fdt, int node)
{
    const char *compatible = dt_string(fdt, node, "compatible");
    struct nearest n = nearest_to(compatible ? compatible : "");

    for (const struct vdev_factory *f = __vdev_factories_start; f < __vdev_factories_end; f++)
        for (const char *const *c = f->compatible; factory_is_sound(f) && *c; c++)
            if (!factory_takes_any(f, *c))
                nearest_offer(&n, *c);
    return n.best;
}

const char *factory_missing_compatible(const char *compatible)
{
    for (unsigned i = 0; i < ARRAY_LEN(factory_options); i++)
        if (strcmp(factory_options[i].compatible, compatible) == 0)
            return factory_options[i].option;
    return NULL;
}

const char *factory_missing_option(const void *fdt, int node)
{
    const char *compatible, *option, *device = dt_string(fdt, node, "armature,device");

    if (device && strcmp(device, "pass") == 0)
        return "CONFIG_VDEV_PASS";
    for (int i = 0;
         i < FACTORY_COMPATIBLES && (compatible = fdt_stringlist_get(fdt, node, "compatible", i, NULL)) != NULL; i++) {
        option = factory_missing_compatible(compatible);
        if (option)
            return option;
    }
    return NULL;
}

bool factory_has_option(const struct vdev_factory *f, const char *property)
{
    for (const char *const *o = f->option_list; o && *o; o++)
        if (strcmp(*o, property) == 0)
            return true;
    return false;
}
