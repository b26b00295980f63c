/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/dispatch.h"
#include "hyp/api/vdev.h"
#include "hyp/vm.h"

static uint64_t size_mask(unsigned size)
{
    return ~UINT64_C(0) >> (64 - 8 * size);
}

/* The bytes of an array of registers that all read as `value`. */
static uint64_t constant_read(const struct reg *row, uint32_t offset, unsigned size)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < size; i++)
        bytes |= (row->value >> 8 * ((offset - row->offset + i) % row->stride) & 0xff) << 8 * i;
    return bytes;
}

static enum vdev_ref_status table_access(const struct region *r, guest_cpu *gcp, const struct mmio *m, uint32_t offset,
                                         uint64_t *value)
{
    const struct reg *row = reg_find_indexed(r->regs, &r->index, offset);
    if (!row || !reg_takes(row, offset, m->size)) {
        if (!m->write)
            *value = 0;
        return r->regs->other == REG_BUS_ERROR ? VRS_BUS_ERROR : VRS_NORMAL;
    }
    struct reg_access a = {
        .vdev = r->vdev,
        .gcp = gcp,
        .cookie = r->cookie,
        .offset = offset,
        .index = (offset - row->offset) / row->stride,
        .size = m->size,
    };
    if (!m->write)
        *value = mmio_extend(m, mmio_reverse(m, row->read ? row->read(&a) : constant_read(row, offset, m->size)));
    else if (row->write)
        row->write(&a, mmio_reverse(m, *value) & size_mask(m->size));
    return VRS_NORMAL;
}

static uint16_t extension_of(const struct mmio *m)
{
    unsigned bytes = m->wide ? 8 : 4;
    return m->sign_extend ? QSF_SIGN_EXTEND(bytes) : QSF_ZERO_EXTEND(bytes);
}

static enum vdev_ref_status vdev_access(const struct region *r, guest_cpu *gcp, const struct mmio *m, uint64_t *value)
{
    const struct vdev_factory *f = r->vdev->v_factory;
    qvm_state_block place = { .type = QST_MEMORY, .location = m->ipa.raw, .length = m->size };
    qvm_state_block operand = { .type = QST_CPUREGS, .location = 8 * m->reg, .length = m->size };
    operand.flags = m->reverse ? QSF_REVERSE : 0;
    if (m->write)
        return f->vwrite(r->vdev, r->cookie, &place, &operand, gcp);
    operand.flags |= extension_of(m);
    enum vdev_ref_status status = f->vread(r->vdev, r->cookie, &place, &operand, gcp);
    /* The vdev has written the register itself; the caller's write-back then changes nothing. */
    *value = m->reg < ARRAY_LEN(gcp->arch.regs.x) ? gcp->arch.regs.x[m->reg] : 0;
    return status;
}

enum vdev_ref_status dispatch_mmio(const struct region *r, guest_cpu *gcp, const struct mmio *m, uint64_t *value)
{
    uint64_t into = m->ipa.raw - r->base.raw;
    if (!(r->flags & (m->write ? GRF_VIRT_WR : GRF_VIRT_RD)) || !r->vdev)
        return VRS_CONTINUE;
    if (m->size > r->size - into)
        return VRS_BUS_ERROR;
    if (r->regs)
        return table_access(r, gcp, m, (uint32_t)(into + r->skip), value);
    const struct vdev_factory *f = r->vdev->v_factory;
    if (m->write ? !f->vwrite : !f->vread)
        return VRS_CONTINUE;
    if (!(f->acc_sizes & BIT(m->size)))
        return VRS_BUS_ERROR;
    return vdev_access(r, gcp, m, value);
}
