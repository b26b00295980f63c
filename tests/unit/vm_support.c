/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include "hyp/config_parts.h"
#include "hyp/factory.h"
#include "hyp/gtree.h"
#include "tests/unit/vm_support.h"

struct platform test_platform = {
    .core_count = 4, .cores_in_tree = 6, .rng_seed = "a seed of the host", .rng_seed_len = 18
};

const struct platform *platform(void)
{
    return &test_platform;
}

/* What a vdev adds to its own node. */
static int type_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    struct vdev_fdt *f = (struct vdev_fdt *)(uintptr_t)arg;

    if (ctrl != VDEV_CTRL_GEN_FDT)
        return EOK;
    if (b->vdev->v_factory->pic)
        return vdev_fdt_u32s(f, "reg", (uint32_t[]){ 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0x20000 }, 8);
    if (b->vdev->v_factory->factory_flags & VFF_LOC_NO) {
        int err = vdev_fdt_string(f, "compatible", "arm,armv8-timer");
        return err ? err : vdev_fdt_u32s(f, "interrupts", (uint32_t[]){ 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4 }, 12);
    }
    return EOK;
}

static int pic_table_spec(const struct guest_intr *gip, uint32_t cells[4])
{
    cells[0] = 0;
    cells[1] = gip->param - 32;
    cells[2] = 4;
    return 3;
}

static const struct vdev_pic_functions type_pic = { .table_spec = pic_table_spec };
static const char *const gic_names[] = { "arm,gic-v3", NULL }, *const timer_names[] = { "arm,armv8-timer", NULL };
static const char *const uart_names[] = { "arm,pl011", NULL }, *const virtio_names[] = { "virtio,mmio", NULL };
static const char *const uart_options[] = { "armature,backend", NULL };
static const char *const disk_options[] = { "armature,backend", "armature,read-only", NULL };

const struct vdev_factory __vdev_factories_start[] = {
    { .abi = QVM_VDEV_ABI,
      .name = "pl011",
      .compatible = uart_names,
      .option_list = uart_options,
      .startup = type_startup },
    { .abi = QVM_VDEV_ABI,
      .name = "disk",
      .compatible = virtio_names,
      .device = "blk",
      .option_list = disk_options,
      .startup = type_startup },
    { .abi = QVM_VDEV_ABI, .name = "gic", .compatible = gic_names, .startup = type_startup, .pic = &type_pic },
    { .abi = QVM_VDEV_ABI,
      .name = "timer",
      .compatible = timer_names,
      .factory_flags = VFF_LOC_NO,
      .startup = type_startup },
};

/* As the linker script does: the end is where the table ends. */
void test_factories_end(void);
__attribute__((used)) void test_factories_end(void)
{
    __asm__(".globl __vdev_factories_end\n.set __vdev_factories_end, __vdev_factories_start + %c0"
            :
            : "i"(sizeof(__vdev_factories_start)));
}

int (*test_gen_fdt)(struct vdev_fdt *f);

int vdev_gen_fdt(struct guest_system *vm, unsigned index, struct vdev_fdt *f)
{
    struct vdev_builder b = { .vdev = &vm->vdevs[index], .gsp = vm };
    int err = test_gen_fdt ? test_gen_fdt(f) : EOK;

    return err ? err : vm->vdevs[index].v_factory->startup(&b, VDEV_CTRL_GEN_FDT, f);
}

static void test_vdev_make(struct guest_system *vm, unsigned index, uint64_t *place, uint32_t *line)
{
    const struct config_vdev *c = &vm->config->vdevs[index];
    vdev_t *v = &vm->vdevs[index];
    uint64_t base, size;

    v->v_factory = c->factory;
    v->v_gsp = vm;
    v->v_block = (qvm_state_block){ .type = QST_MEMORY, .location = QSL_NO_LOCATION };
    if (c->factory->factory_flags & VFF_LOC_NO || c->factory->pic)
        return;
    if (config_reg_get(vm->config->fdt, c->node, 0, &base, &size) > 0) {
        v->v_block.location = base;
        v->v_block.length = size;
    } else {
        v->v_block.location = *place;
        v->v_block.length = 0x1000;
        *place += 0x1000;
    }
    v->v_intr = (struct guest_intr){ .pic = &vm->vdevs[0], .param = (*line)++ };
}

struct guest_system *test_vm_make(const struct config_vm *config, unsigned id, uint64_t place, uint32_t line)
{
    struct guest_system *vm = calloc(1, sizeof(*vm));

    vm->id = id;
    vm->config = config;
    vm->name = config->name;
    vm->cpu_count = config->cpus;
    vm->cpus = calloc(config->cpus, sizeof(*vm->cpus));
    for (unsigned i = 0; i < config->cpus; i++) {
        vm->cpus[i] = calloc(1, sizeof(*vm->cpus[i]));
        vm->cpus[i]->mpidr = BIT(31) | (i / 16) << 8 | i % 16;
    }
    vm->vdev_count = config->vdev_count;
    vm->vdevs = calloc(config->vdev_count + 1, sizeof(*vm->vdevs));
    for (unsigned i = 0; i < config->vdev_count; i++)
        test_vdev_make(vm, i, &place, &line);
    return vm;
}

void test_vm_free(struct guest_system *vm)
{
    for (unsigned i = 0; i < vm->cpu_count; i++)
        free(vm->cpus[i]);
    free(vm->cpus);
    free(vm->vdevs);
    free(vm);
}
