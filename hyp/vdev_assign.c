/* SPDX-License-Identifier: Apache-2.0 */
/* Where vdevs sit and which lines they raise: what the description gives, and what is assigned because it does not. */
#include "hyp/vdev_parts.h"
#include "hyp/base/log.h"
#include "hyp/pool.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

#define REG_SIZE 16 /* bytes of an entry: two cells of address, two of size */
#define INTR_CELLS 3
#define INTR_SIZE (INTR_CELLS * 4)
#define MAX_CLAIMS (CONFIG_MAX_VDEVS * 4)
#define NO_ENTRY UINT32_MAX

/* The lines of the VM that is being built. Startup only. */
static struct {
    struct {
        vdev_t *owner;
        uint32_t pin, source;
        unsigned entry; /* of the owner's `interrupts` */
    } claim[MAX_CLAIMS];
    unsigned count;
} lines;

static __startup const void *node_property(const struct vdev_builder *b, const char *name, int *size)
{
    *size = 0;
    return b->node < 0 ? NULL : fdt_getprop(b->fdt, b->node, name, size);
}

/* Does the node have the property, as whole entries of `unit` bytes? 0: it has not; the number of entries; a traced error. */
static __startup int node_entries(const struct vdev_builder *b, const char *name, int unit)
{
    int size;
    if (!node_property(b, name, &size))
        return 0;
    if (size <= 0 || size % unit)
        return error_at(-EINVAL, "%s: %s is %d bytes, not a multiple of %d", b->path, name, size, unit);
    return size / unit;
}

bool vdev_reg(const struct vdev_builder *b, unsigned index, uint64_t *base, uint64_t *size)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return false;
    int bytes;
    const fdt64_t *reg = node_property(b, "reg", &bytes);
    if (!reg || index >= (unsigned)bytes / REG_SIZE)
        return false;
    *base = fdt64_ld(&reg[2 * index]);
    *size = fdt64_ld(&reg[2 * index + 1]);
    return true;
}

/* The vdev's own source of the line, once it has it. */
static __startup uint32_t line_source(const vdev_t *v, unsigned entry)
{
    for (unsigned i = 0; i < lines.count; i++)
        if (lines.claim[i].owner == v && lines.claim[i].entry == entry)
            return lines.claim[i].source;
    return BIT(0);
}

int vdev_interrupt(const struct vdev_builder *b, unsigned index, struct guest_intr *out)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    int bytes;
    uint32_t cells[INTR_CELLS];
    const fdt32_t *interrupts = node_property(b, "interrupts", &bytes);
    vdev_t *pic = b->gsp->intc_vdev;
    if (!interrupts || index >= (unsigned)bytes / INTR_SIZE)
        return ENOENT;
    if (!pic)
        return error_at(EINVAL, "%s: interrupts given, but the VM has no interrupt controller", b->path);
    for (unsigned i = 0; i < INTR_CELLS; i++)
        cells[i] = fdt32_ld(&interrupts[index * INTR_CELLS + i]);
    *out = (struct guest_intr){ .pic = pic, .src_id = line_source(b->vdev, index) };
    return pic->v_factory->pic->parse(b, cells, INTR_CELLS, out);
}

int assign_given_place(struct vdev_builder *b)
{
    vdev_t *v = b->vdev;
    uint64_t base, size;
    int count = node_entries(b, "reg", REG_SIZE);
    if (count <= 0)
        return count;
    if (v->v_factory->factory_flags & VFF_LOC_NO)
        return error_at(-EINVAL, "%s: reg given, but a %s has no place in the address space", b->path,
                        v->v_factory->name);
    if (!vdev_reg(b, 0, &base, &size) || size < v->v_block.length || !size)
        return error_at(-EINVAL, "%s: reg is 0x%llx bytes, a %s needs 0x%llx", b->path, (unsigned long long)size,
                        v->v_factory->name, (unsigned long long)v->v_block.length);
    if (v->v_block.type != QST_MEMORY)
        return error_at(-EINVAL, "%s: reg given, but a %s is not placed in memory", b->path, v->v_factory->name);
    v->v_block.location = base;
    v->v_block.length = size;
    return 0;
}

static bool pin_reserved(const struct config_vm *c, uint32_t pin)
{
    for (unsigned i = 0; i < c->reserve_intid_count; i++)
        if (c->reserve_intid[i] == pin)
            return true;
    return false;
}

bool vdev_pin_taken(const struct vdev_builder *b, uint32_t pin)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return true;
    for (unsigned i = 0; i < lines.count; i++)
        if (lines.claim[i].pin == pin)
            return true;
    return pin_reserved(b->gsp->config, pin);
}

/* Makes the line the vdev's: one owner, or several that all share by design, each a source of its own. */
static __startup int line_claim(const struct vdev_builder *b, unsigned entry, struct guest_intr *line)
{
    unsigned sources = 0;
    for (unsigned i = 0; i < lines.count; i++) {
        const vdev_t *other = lines.claim[i].owner;
        if (lines.claim[i].pin != line->param)
            continue;
        if (!(other->v_factory->factory_flags & b->vdev->v_factory->factory_flags & VFF_INTR_SHARED))
            return error_at(-EEXIST, "%s: interrupt %u belongs to %s already", b->path, line->param, other->v_name);
        sources++;
    }
    if (lines.count == MAX_CLAIMS || sources == 32)
        return error_at(-E2BIG, "%s: too many interrupts in one VM", b->path);
    line->src_id = (uint32_t)BIT(sources);
    lines.claim[lines.count].owner = b->vdev;
    lines.claim[lines.count].pin = line->param;
    lines.claim[lines.count].entry = entry;
    lines.claim[lines.count++].source = line->src_id;
    return 0;
}

int assign_line_claim(const struct vdev_builder *b, struct guest_intr *line)
{
    return line_claim(b, NO_ENTRY, line);
}

int assign_given_lines(struct vdev_builder *b)
{
    uint32_t flags = b->vdev->v_factory->factory_flags;
    int count = node_entries(b, "interrupts", INTR_SIZE);
    if (count < 0)
        return count;
    if (count && flags & VFF_INTR_NO)
        return error_at(-EINVAL, "%s: interrupts given, but a %s raises none", b->path, b->vdev->v_factory->name);
    if (!count && flags & (VFF_INTR_REQ | VFF_INTR_NONPCI))
        return error_at(-EINVAL, "%s: a %s needs interrupts", b->path, b->vdev->v_factory->name);
    for (int i = 0; i < count; i++) {
        struct guest_intr line;
        int err = -vdev_interrupt(b, (unsigned)i, &line);
        if (!err)
            err = line_claim(b, (unsigned)i, &line);
        if (err)
            return err;
        if (i == 0)
            b->vdev->v_intr = line;
    }
    return 0;
}

/* The end of a place that a vdev of the VM has, or that its `reg` names, within [at, at+size); 0: none. */
static __startup uint64_t place_taken(struct guest_system *vm, uint64_t at, uint64_t size)
{
    for (unsigned i = 0; i < vm->vdev_count; i++) {
        const qvm_state_block *place = &vm->vdevs[i].v_block;
        struct vdev_builder other = builder_of(vm, i);
        uint64_t base, length;
        if (place->location != QSL_NO_LOCATION && ranges_overlap(place->location, place->length, at, size))
            return place->location + place->length;
        for (unsigned n = 1; vdev_reg(&other, n, &base, &length); n++)
            if (ranges_overlap(base, length, at, size))
                return base + length;
    }
    return 0;
}

void assign_begin(struct guest_system *vm)
{
    lines.count = 0;
    vm->place_taken = place_taken;
}

void assign_end(struct guest_system *vm)
{
    vm->place_taken = NULL;
}

uint64_t guest_space_find_free(const struct vdev_builder *b, uint64_t size, uint64_t align)
{
    struct guest_system *vm = b->gsp;
    if (!phase_is(PHASE_STARTUP, b->path))
        return QSL_NO_LOCATION;
    /* Places that are no regions yet count too. */
    uint64_t at, above = ASPACE_DEVICES_FROM;
    do
        at = aspace_find_free(&vm->as, vm->config, above, size, align);
    while (at != QSL_NO_LOCATION && (above = place_taken(vm, at, size)) != 0);
    return at;
}

static __startup int place_find(struct vdev_builder *b)
{
    qvm_state_block *place = &b->vdev->v_block;
    if (!place->length)
        return error_at(-EINVAL, "%s: a %s needs reg: it has no size of its own", b->path, b->vdev->v_factory->name);
    place->location = guest_space_find_free(b, place->length, PAGE_SIZE);
    if (place->location == QSL_NO_LOCATION)
        return error_at(-ENOSPC, "%s: no free place of 0x%llx bytes in the VM", b->path,
                        (unsigned long long)place->length);
    return 0;
}

int assign_free(struct vdev_builder *b)
{
    const vdev_t *v = b->vdev;
    uint32_t flags = v->v_factory->factory_flags;
    int err = 0;
    if (!(flags & VFF_VDEV_MEM))
        return 0;
    if (v->v_block.location == QSL_NO_LOCATION)
        err = place_find(b);
    if (!err && !v->v_intr.pic && !v->v_factory->pic && !(flags & VFF_INTR_NO))
        err = -guest_intr_assign(b, &b->vdev->v_intr);
    return err;
}
