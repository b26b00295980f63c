/* SPDX-License-Identifier: Apache-2.0 */
/* A VM's memory, vdevs and descriptive nodes. */
#include <string.h>
#include "hyp/config_parts.h"
#include "hyp/factory.h"
#include "hyp/platform.h"
#include "hyp/text.h"

void config_memory_read(struct config_reader *r, int node)
{
    static const char *const names[] = { "device_type", "reg", "armature,read-only", "armature,image", NULL };
    struct config_ram ram = { .image = NULL };
    struct config_vm *vm = r->vm;
    unsigned i = 0;
    int got;

    config_names(r, node, names, CONFIG_NAMES_ALL);
    config_flag(r, node, "armature,read-only", &ram.read_only);
    config_string(r, node, "armature,image", &ram.image);
    for (; (got = config_reg(r, node, i, &ram.base.raw, &ram.size)) > 0; i++) {
        if (!is_aligned(ram.base.raw | ram.size, PAGE_SIZE)) {
            config_refuse(r, node, "reg: 0x%lx bytes at 0x%lx are no whole pages of 4 KiB", ram.size, ram.base.raw);
            continue;
        }
        for (unsigned j = 0; j < vm->ram_count; j++)
            if (ranges_overlap(ram.base.raw, ram.size, vm->ram[j].base.raw, vm->ram[j].size))
                config_refuse(r, node, "reg: 0x%lx bytes at 0x%lx overlap the VM's memory at 0x%lx", ram.size,
                              ram.base.raw, vm->ram[j].base.raw);
        if (vm->ram_count == CONFIG_MAX_RAM_RANGES) {
            config_refuse(r, node, "reg: more than %d ranges of memory", CONFIG_MAX_RAM_RANGES);
            return;
        }
        vm->ram[vm->ram_count++] = ram;
    }
    if (i == 0 && got == 0)
        config_refuse(r, node, "reg is missing");
    if (i > 1 && ram.image)
        config_refuse(r, node, "armature,image needs a node with one range");
}

/* Nodes that other nodes refer to and no vdev stands behind. */
static __startup bool config_is_support(const void *fdt, int node)
{
    static const char *const names[] = { "fixed-clock",     "fixed-factor-clock",  "simple-bus", "simple-mfd",
                                         "regulator-fixed", "operating-points-v2", "gpio-keys" };

    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (dt_compatible(fdt, node, names[i]))
            return true;
    return false;
}

void config_plain_read(struct config_reader *r, int node)
{
    static const char *const none[] = { NULL };
    int depth = 0;

    for (int at = node; at >= 0 && depth >= 0; at = fdt_next_node(r->fdt, at, &depth)) {
        config_names(r, at, none, CONFIG_NAMES_OURS);
        if (depth > 0 && dt_has(r->fdt, at, "compatible") && !config_is_support(r->fdt, at))
            config_refuse(r, at, "a device must be a direct child of the VM's node");
    }
}

static __startup const struct vdev_factory *config_factory(struct config_reader *r, int node)
{
    const struct vdev_factory *f = factory_find(r->fdt, node);
    const char *compatible = dt_string(r->fdt, node, "compatible"), *option, *nearest;

    if (f)
        return f;
    compatible = compatible ? compatible : "";
    option = factory_missing_option(r->fdt, node);
    nearest = factory_nearest(r->fdt, node);
    if (option)
        config_refuse(r, node, "the vdev for \"%.48s\" is not built in: %s", compatible, option);
    else if (nearest)
        config_refuse(r, node, "no vdev for \"%.48s\": nearest is \"%s\"", compatible, nearest);
    else
        config_refuse(r, node, "no vdev for \"%.48s\"", compatible);
    return NULL;
}

/* armature,* properties of a vdev are its options, and armature,device where its factory goes by it. */
static __startup void config_option_names(struct config_reader *r, int node, const struct vdev_factory *f)
{
    const char *known[64];
    unsigned count = 0;

    known[count++] = "armature,log";
    known[count++] = "armature,sched";
    known[count++] = "armature,runmask";
    if (f->device)
        known[count++] = "armature,device";
    for (const char *const *o = f->option_list; o && *o && count < ARRAY_LEN(known) - 1; o++)
        known[count++] = *o;
    known[count] = NULL;
    config_names(r, node, known, CONFIG_NAMES_OURS);
}

/* Addresses and interrupts as such; who else has them shows later. */
static __startup void config_places_read(struct config_reader *r, int node, const struct vdev_factory *f)
{
    uint64_t base, size;
    uint32_t intid;
    unsigned i = 0;

    while (!(f->factory_flags & VFF_LOC_NO) && config_reg(r, node, i, &base, &size) > 0)
        i++;
    if (i > CONFIG_MAX_PLACES)
        config_refuse(r, node, "reg: more than %d ranges", CONFIG_MAX_PLACES);
    for (i = 0; config_interrupt(r, node, i, &intid) > 0; i++)
        ;
    if (i > CONFIG_MAX_PLACES)
        config_refuse(r, node, "interrupts: more than %d", CONFIG_MAX_PLACES);
}

void config_device_read(struct config_reader *r, int node)
{
    struct config_vm *vm = r->vm;

    /* A vdev may be one of these to the guest besides. */
    if (config_is_support(r->fdt, node) && !factory_find(r->fdt, node)) {
        config_plain_read(r, node);
        return;
    }
    const struct vdev_factory *f = config_factory(r, node);
    if (!f)
        return;
    config_option_names(r, node, f);
    config_places_read(r, node, f);
    if (vm->vdev_count == CONFIG_MAX_VDEVS) {
        r->vdevs_over++;
        return;
    }
    struct config_vdev *v = &vm->vdevs[vm->vdev_count++];
    struct text path = text_in(v->path, sizeof(v->path));
    text_string(&path, dt_path(r->fdt, node, &r->path));
    v->node = node;
    v->factory = f;
}

/* Adds a vdev that the description leaves out. */
static __startup void config_default_add(struct config_reader *r, const char *compatible, const char *name)
{
    struct config_vm *vm = r->vm;
    const struct vdev_factory *f = factory_find_compatible(compatible);
    const char *option = factory_missing_compatible(compatible);

    if (!f) {
        config_refuse(r, vm->node, "the vdev for \"%s\", which every VM needs, is not built in: %s", compatible,
                      option ? option : "?");
        return;
    }
    if (vm->vdev_count == CONFIG_MAX_VDEVS) {
        r->vdevs_over++;
        return;
    }
    struct config_vdev *v = &vm->vdevs[vm->vdev_count++];
    struct text path = text_in(v->path, sizeof(v->path));
    text_string(&path, vm->path);
    text_string(&path, "/");
    text_string(&path, name);
    v->node = -1;
    v->factory = f;
}

static __startup bool config_has_vdev(const struct config_vm *vm, const char *compatible)
{
    for (unsigned i = 0; i < vm->vdev_count; i++)
        for (const char *const *c = vm->vdevs[i].factory->compatible; *c; c++)
            if (strcmp(*c, compatible) == 0)
                return true;
    return false;
}

void config_devices_complete(struct config_reader *r)
{
    struct config_vm *vm = r->vm;
    unsigned controllers = 0;

    for (unsigned i = 0; i < vm->vdev_count; i++)
        controllers += vm->vdevs[i].factory->pic != NULL;
    if (controllers > 1)
        config_refuse(r, vm->node, "%u interrupt controllers: one is possible", controllers);
    if (!controllers)
        config_default_add(r, platform()->gic.version == 2 ? "arm,gic-400" : "arm,gic-v3", "intc@8000000");
    if (!config_has_vdev(vm, "arm,armv8-timer"))
        config_default_add(r, "arm,armv8-timer", "timer");
    if (r->vdevs_over)
        config_refuse(r, vm->node, "%u vdevs, interrupt controller and timer included: CONFIG_MAX_VDEVS=%d",
                      vm->vdev_count + r->vdevs_over, CONFIG_MAX_VDEVS);
    /* The controller goes first: the others' interrupts are read by it. */
    for (unsigned i = 1; i < vm->vdev_count; i++) {
        if (!vm->vdevs[i].factory->pic)
            continue;
        struct config_vdev pic = vm->vdevs[i];
        memmove(&vm->vdevs[1], &vm->vdevs[0], i * sizeof(pic));
        vm->vdevs[0] = pic;
        return;
    }
}
