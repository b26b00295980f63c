/* SPDX-License-Identifier: Apache-2.0 */
/* Startup only: images are placed and the tree is written once all vdevs have what they want. */
#include "hyp/gram.h"
#include "hyp/api/gasp.h"
#include "hyp/ranges.h"
#include "hyp/vm.h"

#include <errno.h>
#include <libfdt.h>

/* Where something begins that [at, at+size) would overlap; false: nothing is there. */
static __startup bool obstacle_find(const struct guest_system *vm, uint64_t at, uint64_t size, uint64_t *begin)
{
    const struct config_vm *c = vm->config;
    for (unsigned i = 0; i < vm->gram_count; i++)
        if (ranges_overlap(vm->gram[i].base, vm->gram[i].size, at, size)) {
            *begin = vm->gram[i].base;
            return true;
        }
    for (unsigned i = 0; i < c->reserve_count; i++)
        if (ranges_overlap(c->reserve[i].base, c->reserve[i].size, at, size)) {
            *begin = c->reserve[i].base;
            return true;
        }
    return false;
}

/* The highest free place in [first, end). */
static __startup bool place_below(const struct guest_system *vm, uint64_t first, uint64_t end, uint64_t size,
                                  uint64_t align, uint64_t *at)
{
    while (end > first && end - first >= size) {
        *at = align_down(end - size, align);
        if (*at < first)
            return false;
        if (!obstacle_find(vm, *at, size, &end))
            return true;
    }
    return false;
}

int gram_find_free_range(const struct vdev_builder *b, uint64_t first, uint64_t last, uint64_t size, uint64_t align,
                         uint64_t *at)
{
    const struct config_vm *c = b->gsp->config;
    bool found = false;
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    if (!size || !is_aligned(size, PAGE_SIZE) || align < PAGE_SIZE || align & (align - 1))
        return error_at(EINVAL, "%s: RAM of 0x%llx bytes aligned to 0x%llx: whole pages are needed, and a power of two",
                        b->path, (unsigned long long)size, (unsigned long long)align);
    for (unsigned i = 0; i < c->ram_count; i++) {
        uint64_t from = c->ram[i].base.raw, end = from + c->ram[i].size, place;
        from = from > first ? from : first;
        end = end - 1 > last ? last + 1 : end;
        if (c->ram[i].read_only || !place_below(b->gsp, from, end, size, align, &place))
            continue;
        *at = found && *at > place ? *at : place;
        found = true;
    }
    return found ? EOK : ENOSPC;
}

int gram_find_free(const struct vdev_builder *b, uint64_t size, uint64_t align, uint64_t *at)
{
    return gram_find_free_range(b, 0, UINT64_MAX, size, align, at);
}

static __startup bool is_ram(const struct config_vm *c, uint64_t at, uint64_t size)
{
    for (unsigned i = 0; i < c->ram_count; i++)
        if (!c->ram[i].read_only && range_covers(c->ram[i].base.raw, c->ram[i].size, at, size))
            return true;
    return false;
}

static __startup const char *gram_owner(const struct guest_system *vm, uint64_t at, uint64_t size)
{
    for (unsigned i = 0; i < vm->gram_count; i++)
        if (ranges_overlap(vm->gram[i].base, vm->gram[i].size, at, size))
            return vm->gram[i].owner;
    return NULL;
}

int gram_reserve(const struct vdev_builder *b, uint64_t at, uint64_t size)
{
    struct guest_system *vm = b->gsp;
    unsigned long long where = at, bytes = size;
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    if (vm->gram_sealed)
        return error_at(EPERM, "%s: gram_reserve refused: for before GEN_FDT only, images are placed", b->path);
    const char *owner = gram_owner(vm, at, size);
    if (!size || !is_aligned(at | size, PAGE_SIZE))
        return error_at(EINVAL, "%s: 0x%llx bytes of RAM at 0x%llx: whole pages are needed", b->path, bytes, where);
    if (!is_ram(vm->config, at, size))
        return error_at(EFAULT, "%s: 0x%llx bytes at 0x%llx are not all the VM's RAM", b->path, bytes, where);
    if (owner)
        return error_at(EEXIST, "%s: 0x%llx bytes of RAM at 0x%llx overlap those of %s", b->path, bytes, where, owner);
    if (vm->gram_count == GRAM_MAX)
        return error_at(ENOSPC, "%s: more than %d pieces of RAM reserved in one VM", b->path, GRAM_MAX);
    vm->gram[vm->gram_count++] = (struct gram){ at, size, b->path };
    return EOK;
}

int gram_describe(const struct guest_system *vm, void *buf, size_t size, size_t *used)
{
    if (!vm->gram_count)
        return 0;
    int err = fdt_open_into(buf, buf, size > INT32_MAX ? INT32_MAX : (int)size);
    for (unsigned i = 0; i < vm->gram_count && !err; i++)
        err = fdt_add_mem_rsv(buf, vm->gram[i].base, vm->gram[i].size);
    if (!err)
        err = fdt_pack(buf);
    if (err)
        return error_at(err == -FDT_ERR_NOSPACE ? -ENOSPC : -EINVAL,
                        "%s: reservations cannot be put into the guest's tree: %s", vm->config->path,
                        fdt_strerror(err));
    *used = fdt_totalsize(buf);
    return 0;
}
