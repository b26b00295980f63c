/* SPDX-License-Identifier: Apache-2.0 */
/* Register files by slice descriptors. */
#include "hyp/api/utils.h"

#include <errno.h>
#include <string.h>

#define SLICE_TAGS 64

static uint8_t slice_mask(const struct qvm_slice_descriptor *s, uint64_t at)
{
    return (uint8_t)(s->writable >> (8 * (at % 8)));
}

static uint8_t slice_get(const struct qvm_slice_file *f, const struct qvm_slice_descriptor *s, uint64_t at)
{
    uint8_t mask = slice_mask(s, at), ro = s->ro_offset == QVM_SLICE_NO_RO ? 0 : f->ro[s->ro_offset + at];
    return (uint8_t)((ro & ~mask) | (mask ? f->store[s->store_offset + at] & mask : 0));
}

static void slice_put(const struct qvm_slice_file *f, const struct qvm_slice_descriptor *s, uint64_t at, uint8_t value)
{
    uint8_t mask = slice_mask(s, at);
    if (!mask)
        return;
    uint8_t *byte = &f->store[s->store_offset + at];
    *byte = (uint8_t)((*byte & ~mask) | (value & mask));
}

int qvm_slice_check(const struct vdev_builder *b, const struct qvm_slice_file *f)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    for (unsigned i = 0; i < f->count; i++) {
        const struct qvm_slice_descriptor *s = &f->slices[i];
        if (s->tag >= SLICE_TAGS)
            return error_at(EINVAL, "%s: slice %u: tag %u is not below %d", b->path, i, s->tag, SLICE_TAGS);
        if (s->ro_offset != QVM_SLICE_NO_RO && (uint64_t)s->ro_offset + s->nbytes > f->ro_size)
            return error_at(EINVAL, "%s: slice %u: ends behind the constant data", b->path, i);
        if (s->writable && (uint64_t)s->store_offset + s->nbytes > f->store_size)
            return error_at(EINVAL, "%s: slice %u: ends behind the store", b->path, i);
    }
    return EOK;
}

/* The part of the access that lies in a slice: bytes [from, to) of the file. */
struct overlap {
    uint64_t from, to;
};

static struct overlap overlap_of(uint64_t base, uint32_t nbytes, uint64_t offset, size_t len)
{
    uint64_t end = len > UINT64_MAX - offset ? UINT64_MAX : offset + len, slice_end = base + nbytes;
    return (struct overlap){ offset > base ? offset : base, end < slice_end ? end : slice_end };
}

uint64_t qvm_slice_read(const struct qvm_slice_file *f, uint64_t offset, void *data, size_t len)
{
    uint64_t base = 0, tags = 0;
    memset(data, 0, len);
    for (unsigned i = 0; i < f->count; base += f->slices[i++].nbytes) {
        const struct qvm_slice_descriptor *s = &f->slices[i];
        struct overlap o = overlap_of(base, s->nbytes, offset, len);
        for (uint64_t at = o.from; at < o.to; at++)
            ((uint8_t *)data)[at - offset] = slice_get(f, s, at - base);
        tags |= o.from < o.to ? BIT(s->tag) : 0;
    }
    return tags;
}

uint64_t qvm_slice_write(const struct qvm_slice_file *f, uint64_t offset, const void *data, size_t len)
{
    uint64_t base = 0, tags = 0;
    for (unsigned i = 0; i < f->count; base += f->slices[i++].nbytes) {
        const struct qvm_slice_descriptor *s = &f->slices[i];
        struct overlap o = overlap_of(base, s->nbytes, offset, len);
        for (uint64_t at = o.from; at < o.to; at++)
            slice_put(f, s, at - base, ((const uint8_t *)data)[at - offset]);
        tags |= o.from < o.to ? BIT(s->tag) : 0;
    }
    return tags;
}
