/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/vm_images.h"
#include "arch/arm64/cache.h"
#include "arch/arm64/mmu.h"
#include "hyp/base/log.h"
#include "hyp/gtree.h"
#include "hyp/image.h"
#include "hyp/pool.h"
#include "hyp/vm_seed.h"

#include <errno.h>

#define GUEST_TREE_MAX KIB(64)

/* The VM's images as found in the bundle. */
struct found {
    struct image kernel, ramdisk, dtb, ram[CONFIG_MAX_RAM_RANGES];
    struct image_set set;
};

static __startup int find_one(const struct config *c, const struct config_vm *vc, const char *name, struct image *out,
                              const struct image **where)
{
    if (!name)
        return 0;
    *where = out;
    return bundle_image(&c->bundle, name, vc->path, out);
}

static __startup int images_find(const struct config *c, const struct config_vm *vc, struct found *f)
{
    const struct image *own_tree = NULL;
    int err = find_one(c, vc, vc->kernel, &f->kernel, &f->set.kernel);
    if (!err)
        err = find_one(c, vc, vc->ramdisk, &f->ramdisk, &f->set.ramdisk);
    if (!err)
        err = find_one(c, vc, vc->dtb, &f->dtb, &own_tree);
    for (unsigned i = 0; !err && i < vc->ram_count; i++)
        err = find_one(c, vc, vc->ram[i].image, &f->ram[i], &f->set.ram[i]);
    f->set.dtb_size = vc->no_dtb ? 0 : GUEST_TREE_MAX;
    return err;
}

static __startup int image_add(struct guest_system *vm, uint64_t at, const void *data, uint64_t size)
{
    unsigned i = vm->image_count;
    if (!size)
        return 0;
    if (i == VM_MAX_IMAGES)
        return error_at(-E2BIG, "%s: more than %u images", vm->config->path, (unsigned)VM_MAX_IMAGES);
    for (; i > 0 && vm->images[i - 1].base.raw > at; i--)
        vm->images[i] = vm->images[i - 1];
    vm->images[i] = (struct vm_image){ IPA(at), data, size };
    vm->image_count++;
    return 0;
}

static __startup int tree_write(struct guest_system *vm, const struct found *f, const struct placement *at, void *buf,
                                size_t *used)
{
    if (vm->config->dtb)
        return gtree_own(vm->config, &f->dtb, buf, GUEST_TREE_MAX, IPA(at->ramdisk_at), f->ramdisk.size, used);
    return gtree_build(vm, buf, GUEST_TREE_MAX, IPA(at->ramdisk_at), f->ramdisk.size, used);
}

/* The tree is written into borrowed memory, since its size is known only then; what is kept is exactly that. */
static __startup int tree_create(struct guest_system *vm, const struct found *f, const struct placement *at)
{
    struct range scratch = pool_alloc(pool_machine(), GUEST_TREE_MAX, PAGE_SIZE, PA(0), PA(BIT(48)));
    void *buf = scratch.size ? mmu_map_direct(scratch.base, scratch.size, S1_RW) : NULL;
    size_t used = 0;
    if (!buf)
        return error_at(-ENOMEM, "%s: no memory to write its device tree", vm->config->path);
    int err = tree_write(vm, f, at, buf, &used);
    if (!err)
        err = gram_describe(vm, buf, GUEST_TREE_MAX, &used);
    uint8_t *kept = err ? NULL : hyp_alloc(used, 16);
    if (kept)
        bulk_copy(kept, buf, used);
    mmu_unmap_direct(scratch.base, scratch.size);
    pool_free(pool_machine(), scratch);
    if (err)
        return err;
    if (!kept)
        return -ENOMEM;
    vm_seeds_find(vm, kept);
    vm->fdt_ipa = at->dtb_at;
    return image_add(vm, at->dtb_at, kept, used);
}

int vm_images_create(struct guest_system *vm, const struct config *c)
{
    struct found f = { .set = { .reserved = vm->gram, .reserved_count = vm->gram_count } };
    struct placement at;
    vm->gram_sealed = true;
    int err = images_find(c, vm->config, &f);
    if (!err)
        err = image_place(vm->config, &f.set, &at);
    if (err)
        return err;
    vm->entry = at.entry;
    err = image_add(vm, at.kernel_load, f.kernel.data, f.kernel.size);
    if (!err)
        err = image_add(vm, at.ramdisk_at, f.ramdisk.data, f.ramdisk.size);
    for (unsigned i = 0; !err && i < vm->config->ram_count; i++)
        err = image_add(vm, vm->config->ram[i].base.raw, f.ram[i].data, f.ram[i].size);
    if (!err && !vm->config->no_dtb)
        err = tree_create(vm, &f, &at);
    return err;
}
