/* SPDX-License-Identifier: Apache-2.0 */
/* The registers and memory of a device that is passed on. */
#include "vdevs/pass/pass.h"

#include <errno.h>
#include <string.h>

#define PAGE 4096
#define REG_BYTES 16

static int __startup attribute_refuse(const struct vdev_builder *b, const char *text, const char *why)
{
    return error_at(EINVAL, "%s: armature,attributes: \"%.16s\": %s", b->path, text, why);
}

/* One string to the region's flags. Without one: "rw". */
static int __startup attributes_flags(const struct vdev_builder *b, const struct vdev_option *o, uint32_t *flags)
{
    const char *text = o->name ? o->data : "rw";
    bool ram = strchr(text, 'm') != NULL;
    *flags = GRF_ACTIVE | (ram ? GRF_MEMORY : GRF_PASSTHRU);
    for (const char *c = text; *c; c++) {
        switch (*c) {
        case 'r': *flags |= GRF_PASS_RD; break;
        case 'w': *flags |= GRF_PASS_WR; break;
        case 'x': *flags |= GRF_PASS_EX; break;
        case 'c': *flags |= GRF_MEMORY; break;
        case 'm': break;
        case 'e':
        case 'd':
        case 'n':
        case 's':
        case 't': return attribute_refuse(b, text, "e, d, n, s and t are not offered: no SMMU is driven");
        default: return attribute_refuse(b, text, "an attribute is one of r, w, x, c, m");
        }
    }
    if (!(*flags & (GRF_PASS_RD | GRF_PASS_WR)))
        return attribute_refuse(b, text, "neither r nor w");
    if (*flags & GRF_PASS_EX && !(*flags & GRF_MEMORY))
        return attribute_refuse(b, text, "nothing is executed from device memory: x needs c or m");
    if (*flags & GRF_MEMORY && !(*flags & GRF_PASS_RD))
        return attribute_refuse(b, text, "memory that cannot be read: c and m need r");
    return EOK;
}

uint64_t pass_number(const void *data, unsigned bytes)
{
    const uint8_t *at = data;
    uint64_t n = 0;
    while (bytes--)
        n = n << 8 | *at++;
    return n;
}

/* Where the machine has what the guest has at [base, base + size): the same place, unless armature,host-reg says another. */
static int __startup host_place(const struct vdev_builder *b, unsigned index, uint64_t size, uint64_t *base)
{
    const struct vdev_option *o = &((const struct pass *)b->vdev->v_device)->host_reg;
    if (!o->name)
        return EOK;
    if (o->size % REG_BYTES || index >= o->size / REG_BYTES)
        return error_at(EINVAL, "%s: %s is no list of address and size, two cells each, for each range of reg", b->path,
                        o->name);
    const uint8_t *entry = (const uint8_t *)o->data + index * REG_BYTES;
    if (pass_number(entry + 8, 8) != size)
        return error_at(EINVAL, "%s: %s: range %u has another size than in reg", b->path, o->name, index);
    *base = pass_number(entry, 8);
    return EOK;
}

/* Whole pages: the guest's own. */
static int __startup range_direct(struct vdev_builder *b, uint64_t base, uint64_t size, uint64_t host, uint32_t flags)
{
    struct gasp_region r = {
        .flags = flags,
        .vdev = b->vdev,
        .host_location = host,
        .guest = { .type = QST_MEMORY, .location = base, .length = size },
    };
    int err = host_device_claim(b, host, size);
    return err ? err : gasp_region_set(b, 1, &r);
}

/* A part of a page: its accesses exit, and are made for the guest. */
static int __startup range_forward(struct vdev_builder *b, unsigned index, uint64_t base, uint64_t size, uint64_t host,
                                   uint32_t flags)
{
    struct pass *p = b->vdev->v_device;
    struct gasp_region r = {
        .flags = GRF_ACTIVE | (flags & GRF_PASS_RD ? GRF_VIRT_RD : 0) | (flags & GRF_PASS_WR ? GRF_VIRT_WR : 0),
        .vdev = b->vdev,
        .cookie = index,
        .guest = { .type = QST_MEMORY, .location = base, .length = size },
    };
    if (flags & GRF_MEMORY)
        return error_at(EINVAL, "%s: 0x%llx bytes at 0x%llx are no whole pages of 4 KiB, which memory must be", b->path,
                        (unsigned long long)size, (unsigned long long)base);
    if ((base ^ host) & 7)
        return error_at(EINVAL,
                        "%s: range %u is 0x%llx to the guest and 0x%llx on the machine: they differ within 8 bytes",
                        b->path, index, (unsigned long long)base, (unsigned long long)host);
    p->bases[index] = base;
    int err = host_regs_claim(b, host, size, &p->regs[index]);
    return err ? err : gasp_region_set(b, 1, &r);
}

static int __startup range_pass(struct vdev_builder *b, unsigned index, uint64_t base, uint64_t size)
{
    const struct pass *p = b->vdev->v_device;
    uint64_t host = base;
    uint32_t flags;
    if (index == PLACES_MAX)
        return error_at(E2BIG, "%s: reg: more than %d ranges", b->path, PLACES_MAX);
    int err = attributes_flags(b, &p->attributes[index], &flags);
    if (!err)
        err = host_place(b, index, size, &host);
    if (!err && p->node.path)
        err = host_node_range(b, &p->node, host, size);
    if (err)
        return err;
    if (!((base | size | host) & (PAGE - 1)))
        return range_direct(b, base, size, host, flags);
    return range_forward(b, index, base, size, host, flags);
}

int pass_ranges(struct vdev_builder *b)
{
    uint64_t base, size;
    int err = EOK;
    for (unsigned i = 0; !err && vdev_reg(b, i, &base, &size); i++)
        err = range_pass(b, i, base, size);
    return err;
}

enum vdev_ref_status pass_vread(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd, const qvm_state_block *oopnd,
                                guest_cpu *gcp)
{
    const struct pass *p = v->v_device;
    unsigned size = (unsigned)vopnd->length;
    uint64_t value;
    if (host_regs_read(&p->regs[cookie], vopnd->location - p->bases[cookie], size, &value) != EOK)
        return VRS_BUS_ERROR;
    return guest_cpu_to_vrs(guest_cpu_write(gcp, GXF_NONE, oopnd, 1, &value, size));
}

enum vdev_ref_status pass_vwrite(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd, const qvm_state_block *oopnd,
                                 guest_cpu *gcp)
{
    const struct pass *p = v->v_device;
    unsigned size = (unsigned)vopnd->length;
    uint64_t value = 0;
    int err = guest_cpu_read(gcp, GXF_NONE, oopnd, 1, &value, size);
    if (err)
        return guest_cpu_to_vrs(err);
    err = host_regs_write(&p->regs[cookie], vopnd->location - p->bases[cookie], size, value);
    return err ? VRS_BUS_ERROR : VRS_NORMAL;
}
