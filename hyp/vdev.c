/* SPDX-License-Identifier: Apache-2.0 */
/* The vdev core: instances and their lifecycle. */
#include "hyp/api/gasp.h"
#include "hyp/base/log.h"
#include "hyp/gtree.h"
#include "hyp/pool.h"
#include "hyp/vdev_parts.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

static const void *description; /* of the VM that is being built; startup only */

struct vdev_builder builder_of(struct guest_system *vm, unsigned index)
{
    const struct config_vdev *c = &vm->config->vdevs[index];
    return (struct vdev_builder){
        .vdev = &vm->vdevs[index], .gsp = vm, .path = c->path, .fdt = description, .node = c->node
    };
}

struct vdev_builder *vdev_builder_of(vdev_t *v)
{
    static struct vdev_builder builder;
    if (!phase_is(PHASE_STARTUP, v->v_name))
        return NULL;
    builder = builder_of(v->v_gsp, (unsigned)(v - v->v_gsp->vdevs));
    return &builder;
}

/* The one place from which factories' startup entries are called. 0 or a negative errno, traced. */
static __startup int vdev_startup(struct vdev_builder *b, unsigned ctrl, const void *arg, const char *step)
{
    int err = b->vdev->v_factory->startup(b, ctrl, arg);
    return err ? error_at(-err, "%s: the %s refuses %s (error %d)", b->path, b->vdev->v_factory->name, step, err) : 0;
}

static __startup int vdev_options(struct vdev_builder *b)
{
    const char *const *names = b->vdev->v_factory->option_list;
    int err = options_common(b), got;
    for (unsigned i = 0; names && names[i] && !err; i++) {
        struct vdev_option option = { .name = NULL };
        while (!err && (got = option_next(b, i, &option)) != 0)
            err = got < 0 ? got : vdev_startup(b, VDEV_CTRL_FIRST_OPTIDX + i, &option, names[i]);
    }
    return err;
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Does the VM's rule admit a vdev of that class? */
static __startup int safety_check(const struct vdev_builder *b, const struct vdev_factory *f)
{
    enum safety_policy policy = b->gsp->config->safety;
    if (f->safety == VDEV_SAFETY_SELECTED || policy == SAFETY_NONE)
        return 0;
    if (policy == SAFETY_REQUIRED)
        return error_at(-EPERM, "%s: the %s is no safety vdev, and the VM has armature,safety = \"required\"", b->path,
                        f->name);
    log_warn("%s: the %s is no safety vdev", b->path, f->name);
    return 0;
}

static __startup int vdev_init(struct vdev_builder *b, const struct vdev_factory *f)
{
    vdev_t *v = b->vdev;
    *v = (vdev_t){ .v_factory = f, .v_gsp = b->gsp, .v_name = last_name(b->path) };
    v->v_block = (qvm_state_block){ .type = QST_MEMORY, .location = QSL_NO_LOCATION };
    if (!f->regs && (f->vread || f->vwrite) && !f->acc_sizes)
        return error_at(-EINVAL, "%s: the %s's factory allows no size of access", b->path, f->name);
    int err = safety_check(b, f);
    if (!err)
        err = options_sched(b);
    if (err || !f->extra_space)
        return err;
    v->v_device = hyp_alloc(f->extra_space, 16);
    return v->v_device ? 0 : -ENOMEM;
}

static __startup int vdev_create(struct guest_system *vm, unsigned index)
{
    struct vdev_builder b = builder_of(vm, index);
    int err = vdev_init(&b, vm->config->vdevs[index].factory);
    if (!err)
        err = vdev_startup(&b, VDEV_CTRL_OPTIONS_START, NULL, "OPTIONS_START");
    if (!err)
        err = assign_given_place(&b);
    if (!err)
        err = vdev_options(&b);
    if (!err)
        err = vdev_startup(&b, VDEV_CTRL_OPTIONS_END, NULL, "OPTIONS_END");
    return err;
}

static __startup int vdev_lines(struct guest_system *vm, unsigned index)
{
    struct vdev_builder b = builder_of(vm, index);
    return assign_given_lines(&b);
}

static __startup int vdev_assign(struct guest_system *vm, unsigned index)
{
    struct vdev_builder b = builder_of(vm, index);
    int err = assign_free(&b);
    return err ? err : vdev_startup(&b, VDEV_CTRL_ASSIGN, NULL, "ASSIGN");
}

static __startup int vdev_region(struct guest_system *vm, unsigned index)
{
    struct vdev_builder b = builder_of(vm, index);
    const vdev_t *v = b.vdev;
    uint32_t flags = v->v_factory->factory_flags;
    if (flags & VFF_MANUAL_REGION || v->v_block.type != QST_MEMORY || v->v_block.location == QSL_NO_LOCATION)
        return 0;
    struct gasp_region r = { .flags = GRF_VIRT_RD | GRF_VIRT_WR, .vdev = b.vdev, .guest = v->v_block };
    return -gasp_region_set(&b, 1, &r);
}

/* Takes all vdevs through one step. */
static __startup int for_all(struct guest_system *vm, int (*step)(struct guest_system *vm, unsigned index))
{
    int err = 0;
    for (unsigned i = 0; i < vm->vdev_count && !err; i++)
        err = step(vm, i);
    return err;
}

static __startup int vdev_array(struct guest_system *vm)
{
    unsigned count = vm->config->vdev_count;
    if (!count || !vm->config->vdevs[0].factory->pic)
        return error_at(-EINVAL, "%s: the first vdev of a VM is its interrupt controller", vm->config->path);
    vm->vdevs = hyp_alloc(count * sizeof(*vm->vdevs), sizeof(uint64_t));
    if (!vm->vdevs)
        return -ENOMEM;
    vm->vdev_count = count;
    /* Not created yet is not placed: automatic assignment looks at all. */
    for (unsigned i = 0; i < count; i++)
        vm->vdevs[i].v_block.location = QSL_NO_LOCATION;
    return 0;
}

int vdev_create_all(struct guest_system *vm, const void *fdt)
{
    int err = vdev_array(vm);
    if (err)
        return err;
    description = fdt;
    assign_begin(vm);
    err = for_all(vm, vdev_create);
    if (!err)
        err = for_all(vm, vdev_lines);
    if (!err)
        err = for_all(vm, vdev_assign);
    if (!err)
        err = for_all(vm, vdev_region);
    assign_end(vm);
    return err;
}

int vdev_gen_fdt(struct guest_system *vm, unsigned index, struct vdev_fdt *f)
{
    struct vdev_builder b = builder_of(vm, index);
    return vdev_startup(&b, VDEV_CTRL_GEN_FDT, f, "GEN_FDT");
}

/* 0 or a negative errno, traced. */
static int vdev_control(vdev_t *v, unsigned code, const void *arg)
{
    bool status = code == VDEV_CTRL_STATUS;
    if (status)
        __atomic_store_n(&v->v_reporting, true, __ATOMIC_RELAXED);
    int err = v->v_factory->control ? v->v_factory->control(v, code, arg) : EOK;
    if (status)
        __atomic_store_n(&v->v_reporting, false, __ATOMIC_RELAXED);
    if (err)
        vdev_logf(LOG_ERROR, v, "control code %u fails (error %d)", code, err);
    return -err;
}

static int control_all(struct guest_system *vm, unsigned code, const void *arg)
{
    int first = 0;
    for (unsigned i = 0; i < vm->vdev_count; i++) {
        int err = vdev_control(&vm->vdevs[i], code, arg);
        first = first ? first : err;
    }
    return first;
}

int vdev_control_all(struct guest_system *vm, unsigned code)
{
    return control_all(vm, code, NULL);
}

bool vdev_button_all(struct guest_system *vm)
{
    struct vdev_button button = { .taken = false };
    return !control_all(vm, VDEV_CTRL_BUTTON, &button) && button.taken;
}
