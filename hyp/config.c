/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include "hyp/config_parts.h"
#include "hyp/factory.h"
#include "hyp/platform.h"
#include "hyp/text.h"

#define CONFIG_ROOT_NAME "armature,vms"
#define CONFIG_VM_NAME "armature,vm"

/* The description's compiled tree. NULL, traced. */
static __startup const void *config_tree(const struct bundle *bundle)
{
    struct image image;

    if (bundle_image(bundle, "vms", "VM description", &image))
        return NULL;
    if (dt_check(image.data, image.size, "VM description"))
        return NULL;
    if (!dt_compatible(image.data, 0, CONFIG_ROOT_NAME)) {
        log_error("VM description: /: compatible is not \"%s\"", CONFIG_ROOT_NAME);
        return NULL;
    }
    return image.data;
}

/* A VM's name is its node's. */
static __startup void config_vm_name(struct config_reader *r, const struct config *c, int node)
{
    struct text name = text_in(r->vm->name, sizeof(r->vm->name));
    struct text path = text_in(r->vm->path, sizeof(r->vm->path));

    text_string(&name, fdt_get_name(r->fdt, node, NULL));
    text_string(&path, dt_path(r->fdt, node, &r->path));
    if (name.cut)
        config_refuse(r, node, "the name has more than %d characters", CONFIG_NAME - 1);
    for (const struct config_vm *other = c->vms; other < r->vm; other++)
        if (strcmp(other->name, r->vm->name) == 0)
            config_refuse(r, node, "a second VM with the name \"%s\"", r->vm->name);
}

static __startup bool config_is_vm(const void *fdt, int node)
{
    return dt_compatible(fdt, node, CONFIG_VM_NAME) && dt_enabled(fdt, node);
}

static __startup unsigned config_vms_described(const void *fdt)
{
    unsigned count = 0;

    for (int node = fdt_first_subnode(fdt, 0); node >= 0; node = fdt_next_subnode(fdt, node))
        count += config_is_vm(fdt, node);
    return count;
}

static __startup void config_vm_add(struct config *c, int node)
{
    struct config_reader r = { .fdt = c->vms_fdt };

    if (c->vm_count == CONFIG_MAX_VMS) {
        log_error("%s: not started: %u VMs are described, CONFIG_MAX_VMS=%d", dt_path(c->vms_fdt, node, &r.path),
                  config_vms_described(c->vms_fdt), CONFIG_MAX_VMS);
        return;
    }
    r.vm = &c->vms[c->vm_count++];
    r.vm->fdt = r.fdt;
    r.vm->node = node;
    config_vm_name(&r, c, node);
    config_vm_read(&r, node);
    if (r.faults > CONFIG_MAX_FAULTS)
        log_error("%s: %u more faults", r.vm->path, r.faults - CONFIG_MAX_FAULTS);
}

int config_parse(const struct bundle *bundle, struct config *c)
{
    struct dt_path path;
    unsigned others = 0;

    memset(c, 0, sizeof(*c));
    c->bundle = *bundle;
    c->vms_fdt = config_tree(bundle);
    if (!c->vms_fdt)
        return -EINVAL;
    int err = factory_check_all();
    if (err)
        return err;
    for (int node = fdt_first_subnode(c->vms_fdt, 0); node >= 0; node = fdt_next_subnode(c->vms_fdt, node)) {
        if (dt_compatible(c->vms_fdt, node, CONFIG_VM_NAME)) {
            if (config_is_vm(c->vms_fdt, node))
                config_vm_add(c, node);
            else
                log_info("%s: switched off by its status", dt_path(c->vms_fdt, node, &path));
        } else if (strncmp(fdt_get_name(c->vms_fdt, node, NULL), "__", 2) != 0 && others++ < CONFIG_MAX_FAULTS) {
            /* dtc's own nodes (__symbols__) begin so. */
            log_error("%s: compatible is not \"%s\": this is no VM", dt_path(c->vms_fdt, node, &path), CONFIG_VM_NAME);
        }
    }
    if (!c->vm_count)
        return error_at(-EINVAL, "VM description: no VM in it");
    return 0;
}
