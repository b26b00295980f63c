/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include "hyp/base/log.h"
#include "hyp/bundle.h"
#include "hyp/dt.h"
#include "hyp/ranges.h"

/* The header page's fields, little endian (docs/DESCRIPTION.md). */
struct bundle_header {
    char magic[8];
    uint32_t version;
    uint32_t header_size;
    uint64_t total_size;
    uint64_t fit_size;
    uint32_t fit_crc32;
    uint32_t header_crc32; /* of the bytes before it */
};
_Static_assert(sizeof(struct bundle_header) == 0x28, "header layout");

static __startup int bundle_header_check(const struct bundle_header *h, uint64_t available)
{
    if (memcmp(h->magic, BUNDLE_MAGIC, sizeof(h->magic)) != 0)
        return error_at(-EINVAL, "bundle: no magic \"%s\" at its start: this is no bundle", BUNDLE_MAGIC);
    if (crc32_ieee(0, h, offsetof(struct bundle_header, header_crc32)) != h->header_crc32)
        return error_at(-EINVAL, "bundle: wrong checksum of the header");
    if (h->version != BUNDLE_VERSION || h->header_size != BUNDLE_HEADER_SIZE)
        return error_at(-EINVAL, "bundle: version %u with a header of %u bytes; version %u with %u is understood",
                        h->version, h->header_size, BUNDLE_VERSION, BUNDLE_HEADER_SIZE);
    if (h->total_size > available)
        return error_at(-EINVAL, "bundle: truncated: its header says 0x%lx bytes, there are 0x%lx", h->total_size,
                        available);
    if (h->total_size < BUNDLE_HEADER_SIZE || h->fit_size > h->total_size - BUNDLE_HEADER_SIZE)
        return error_at(-EINVAL, "bundle: its tree of 0x%lx bytes does not fit into 0x%lx", h->fit_size, h->total_size);
    return 0;
}

int bundle_open(const uint8_t *base, uint64_t available, struct bundle *b)
{
    struct bundle_header h;

    if (available < BUNDLE_HEADER_SIZE)
        return error_at(-EINVAL, "bundle: truncated: 0x%lx bytes, its header alone has 0x%x", available,
                        BUNDLE_HEADER_SIZE);
    memcpy(&h, base, sizeof(h));
    int err = bundle_header_check(&h, available);
    if (err)
        return err;

    const void *fit = base + BUNDLE_HEADER_SIZE;
    if (crc32_ieee(0, fit, h.fit_size) != h.fit_crc32)
        return error_at(-EINVAL, "bundle: wrong checksum of its tree");
    err = dt_check(fit, h.fit_size, "bundle");
    if (err)
        return err;
    if (fdt_totalsize(fit) != h.fit_size)
        return error_at(-EINVAL, "bundle: its tree has %u bytes, the header says 0x%lx", fdt_totalsize(fit),
                        h.fit_size);
    if (fdt_path_offset(fit, "/images") < 0)
        return error_at(-EINVAL, "bundle: no node /images in its tree");
    *b = (struct bundle){ .base = base, .size = h.total_size, .fit = fit };
    return 0;
}
