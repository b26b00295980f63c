/* SPDX-License-Identifier: Apache-2.0 */
/* Placing: what has a place is checked against everything else that has one, then the rest gets what is left. */
#include <errno.h>
#include "hyp/api/gasp.h"
#include "hyp/base/log.h"
#include "hyp/image_parts.h"
#include "hyp/ranges.h"

#define IMAGE_TREE "the guest's tree"
#define BSS_ROOM (UINT64_C(128) << 20)

/* What is where already. */
struct occupied {
    const struct config_vm *vm;
    struct {
        uint64_t base, size;
        const char *name;
    } at[CONFIG_MAX_RAM_RANGES + GRAM_MAX + 3];
    unsigned count;
};

/* The memory of the VM that has all of the range, or NULL. */
static __startup const struct config_ram *place_memory(const struct config_vm *vm, uint64_t base, uint64_t size)
{
    for (unsigned i = 0; i < vm->ram_count; i++)
        if (range_covers(vm->ram[i].base.raw, vm->ram[i].size, base, size))
            return &vm->ram[i];
    return NULL;
}

/* Takes the range for `name`: in the VM's memory, and nobody else's. */
static __startup int place_fixed(struct occupied *o, const char *name, uint64_t base, uint64_t size)
{
    const struct config_vm *vm = o->vm;

    if (!place_memory(vm, base, size))
        return error_at(-ENOSPC, "%s: %s: 0x%lx bytes at 0x%lx are not inside the VM's memory", vm->path, name, size,
                        base);
    for (unsigned i = 0; i < o->count; i++)
        if (ranges_overlap(base, size, o->at[i].base, o->at[i].size))
            return error_at(-EEXIST, "%s: %s: 0x%lx bytes at 0x%lx overlap %s: 0x%lx bytes at 0x%lx", vm->path, name,
                            size, base, o->at[i].name, o->at[i].size, o->at[i].base);
    o->at[o->count].base = base;
    o->at[o->count].size = size;
    o->at[o->count++].name = name;
    return 0;
}

/* The lowest free place in [from, end) at a multiple of `align`. False: none. */
static __startup bool place_between(const struct occupied *o, uint64_t from, uint64_t end, uint64_t size,
                                    uint64_t align, uint64_t *at)
{
    bool moved = true;

    from = align_up(from, align);
    while (moved) {
        if (from >= end || size > end - from)
            return false;
        moved = false;
        for (unsigned i = 0; i < o->count; i++)
            if (ranges_overlap(from, size, o->at[i].base, o->at[i].size)) {
                from = align_up(o->at[i].base + o->at[i].size, align);
                moved = true;
            }
    }
    *at = from;
    return true;
}

/*
 * A place at or above `from` in the memory around it, at the coarser alignment if there is one; else the lowest
 * anywhere.
 */
static __startup int place_free(struct occupied *o, const char *name, uint64_t from, uint64_t size, uint64_t align,
                                uint64_t *at)
{
    const struct config_vm *vm = o->vm;
    const struct config_ram *near = from ? place_memory(vm, from - 1, 1) : NULL;
    bool found = false;

    if (near && !near->read_only) {
        uint64_t end = near->base.raw + near->size;
        found = place_between(o, from, end, size, BLOCK_SIZE, at) || place_between(o, from, end, size, align, at);
    }
    for (unsigned i = 0; i < vm->ram_count && !found; i++)
        if (!vm->ram[i].read_only)
            found = place_between(o, vm->ram[i].base.raw, vm->ram[i].base.raw + vm->ram[i].size, size, align, at);
    if (!found)
        return error_at(-ENOSPC, "%s: %s: no room for 0x%lx bytes in the VM's memory", vm->path, name, size);
    return place_fixed(o, name, *at, size);
}

static __startup int place_preloaded(struct occupied *o, const struct image_set *set)
{
    const struct config_vm *vm = o->vm;

    for (unsigned i = 0; i < vm->ram_count; i++) {
        const struct image *image = set->ram[i];
        if (!image)
            continue;
        if (image->size > vm->ram[i].size)
            return error_at(-ENOSPC, "%s: image \"%s\" has 0x%lx bytes, its memory at 0x%lx has 0x%lx", vm->path,
                            image->name, image->size, vm->ram[i].base.raw, vm->ram[i].size);
        int err = place_fixed(o, image->name, vm->ram[i].base.raw, image->size);
        if (err)
            return err;
    }
    return 0;
}

static __startup int place_reserved(struct occupied *o, const struct image_set *set)
{
    int err = 0;

    for (unsigned i = 0; i < set->reserved_count && !err; i++)
        err = place_fixed(o, set->reserved[i].owner, set->reserved[i].base, set->reserved[i].size);
    return err;
}

static __startup int place_entry(const struct config_vm *vm, struct placement *out)
{
    if (vm->has_entry)
        out->entry = vm->entry;
    if (!is_aligned(out->entry, 4))
        return error_at(-EINVAL, "%s: entry 0x%lx is not a multiple of 4", vm->path, out->entry);
    if (!place_memory(vm, out->entry, 4))
        return error_at(-EINVAL, "%s: entry 0x%lx is not inside the VM's memory", vm->path, out->entry);
    return 0;
}

/* The first RAM's start; false: there is none. */
static __startup bool place_ram_start(const struct config_vm *vm, uint64_t *start)
{
    for (unsigned i = 0; i < vm->ram_count; i++)
        if (!vm->ram[i].read_only) {
            *start = vm->ram[i].base.raw;
            return true;
        }
    return false;
}

/*
 * Where the rest may begin. Who does not say where its bss ends gets what it has on QEMU's virt machine, if the rest fits behind that: half its RAM, 128
 * MiB at most.
 */
static __startup uint64_t place_above(const struct config_vm *vm, const struct image_set *set,
                                      const struct placement *out)
{
    uint64_t rest = (set->ramdisk ? set->ramdisk->size : 0) + set->dtb_size + 2 * BLOCK_SIZE;
    uint64_t end = out->kernel_load + out->kernel_mem_size;
    const struct config_ram *ram = out->bss_unknown ? place_memory(vm, out->kernel_load, 1) : NULL;
    if (!ram)
        return end;
    uint64_t room = ram->base.raw + (ram->size / 2 < BSS_ROOM ? ram->size / 2 : BSS_ROOM);
    return room > end && ram->base.raw + ram->size - room >= rest ? room : end;
}

int image_place(const struct config_vm *vm, const struct image_set *set, struct placement *out)
{
    struct occupied o = { .vm = vm };
    uint64_t above = 0;
    int err = 0;

    *out = (struct placement){ 0 };
    if (!place_ram_start(vm, &above))
        return error_at(-EINVAL, "%s: no RAM", vm->path);
    err = place_reserved(&o, set);
    if (!err)
        err = place_preloaded(&o, set);
    if (!err && set->kernel)
        err = image_place_kernel(vm, set->kernel, above, out);
    if (!err && set->kernel)
        err = place_fixed(&o, set->kernel->name, out->kernel_load, out->kernel_mem_size);
    if (!err)
        err = place_entry(vm, out);
    if (!err && set->dtb_size && vm->has_dtb_address)
        err = place_fixed(&o, IMAGE_TREE, out->dtb_at = vm->dtb_address, set->dtb_size);
    if (err)
        return err;

    if (set->kernel)
        above = place_above(vm, set, out);
    if (set->ramdisk) {
        err = place_free(&o, set->ramdisk->name, above, set->ramdisk->size, PAGE_SIZE, &out->ramdisk_at);
        above = out->ramdisk_at + set->ramdisk->size;
    }
    if (!err && set->dtb_size && !vm->has_dtb_address)
        err = place_free(&o, IMAGE_TREE, above, set->dtb_size, 8, &out->dtb_at);
    return err;
}
