/* SPDX-License-Identifier: Apache-2.0 */
/* A VM's description as a whole, when all its nodes were read. */
#include <string.h>
#include "hyp/api/vdev.h"
#include "hyp/config_parts.h"

/* Window `index` of a vdev, if it has one that is sound. */
static __startup bool config_window(const struct config_reader *r, const struct config_vdev *v, unsigned index,
                                    uint64_t *base, uint64_t *size)
{
    return v->node >= 0 && !(v->factory->factory_flags & VFF_LOC_NO) && index < CONFIG_MAX_PLACES &&
           config_reg_get(r->fdt, v->node, index, base, size) > 0;
}

static __startup void config_window_check(struct config_reader *r, unsigned vdev, uint64_t base, uint64_t size)
{
    const struct config_vm *vm = r->vm;
    const struct config_vdev *v = &vm->vdevs[vdev];
    uint64_t other, other_size;

    for (unsigned i = 0; i < vm->ram_count; i++)
        if (ranges_overlap(base, size, vm->ram[i].base.raw, vm->ram[i].size))
            config_refuse(r, v->node, "reg: 0x%lx bytes at 0x%lx lie over the VM's memory at 0x%lx", size, base,
                          vm->ram[i].base.raw);
    for (unsigned u = 0; u < vdev; u++)
        for (unsigned i = 0; config_window(r, &vm->vdevs[u], i, &other, &other_size); i++)
            if (ranges_overlap(base, size, other, other_size))
                config_refuse(r, v->node, "reg: 0x%lx bytes at 0x%lx overlap 0x%lx of %s at 0x%lx", size, base,
                              other_size, vm->vdevs[u].path, other);
}

/* Interrupts are looked at when they are assigned: only then it is known which may be shared. */
static __startup void config_owners_check(struct config_reader *r)
{
    uint64_t base, size;

    for (unsigned v = 0; v < r->vm->vdev_count; v++)
        for (unsigned i = 0; config_window(r, &r->vm->vdevs[v], i, &base, &size); i++)
            config_window_check(r, v, base, size);
}

/* A VM that no one can talk to is possible, but seldom meant. */
static __startup void config_console_check(const struct config_reader *r)
{
    for (unsigned i = 0; i < r->vm->vdev_count; i++) {
        int node = r->vm->vdevs[i].node;
        const char *backend = node < 0 ? NULL : dt_string(r->fdt, node, "armature,backend");
        bool uart = node >= 0 && !strcmp(r->vm->vdevs[i].factory->name, "pl011"); /* whose default it is */
        if (backend ? strncmp(backend, "console", 7) == 0 : uart)
            return;
    }
    log_warn("%s: no vdev has armature,backend = \"console\": this VM has no console", r->vm->path);
}

void config_check(struct config_reader *r)
{
    const struct config_vm *vm = r->vm;
    unsigned writable = 0;

    for (unsigned i = 0; i < vm->ram_count; i++)
        writable += !vm->ram[i].read_only;
    if (!writable)
        config_refuse(r, vm->node, "no RAM: a node memory@... without armature,read-only is needed");
    if (!vm->kernel && !vm->has_entry)
        config_refuse(r, vm->node, "nothing to start: chosen has neither armature,kernel nor armature,entry");
    if (vm->ramdisk && !vm->kernel)
        config_refuse(r, vm->node, "chosen: armature,ramdisk without armature,kernel");
    config_owners_check(r);
    config_console_check(r);
}
