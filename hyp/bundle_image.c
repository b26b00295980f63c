/* SPDX-License-Identifier: Apache-2.0 */
/* Images of the bundle: where they are, what they are, and whether they are whole. */
#include <errno.h>
#include <string.h>
#include "hyp/base/log.h"
#include "hyp/bundle.h"
#include "hyp/dt.h"
#include "hyp/ranges.h"

/* Who asks for which image, for messages. */
struct image_query {
    const struct bundle *bundle;
    const char *who, *name;
};

/*
 * An image's bytes, as offset from the bundle's start: external data by data-position (from the tree's start) or
 * data-offset (from its end), or inside the tree. -ENOENT: the node has none; -EINVAL: outside of the bundle.
 */
static __startup int image_extent(const struct bundle *b, int node, uint64_t *start, uint64_t *size)
{
    uint32_t offset, length;
    int inline_length;
    const uint8_t *data = fdt_getprop(b->fit, node, "data", &inline_length);
    uint64_t tree = (uint64_t)((const uint8_t *)b->fit - b->base);

    if (data) {
        *start = (uint64_t)(data - b->base);
        *size = (uint64_t)inline_length;
        return 0;
    }
    if (!dt_u32(b->fit, node, "data-size", &length))
        return -ENOENT;
    if (dt_u32(b->fit, node, "data-position", &offset))
        *start = tree + offset;
    else if (dt_u32(b->fit, node, "data-offset", &offset))
        *start = tree + align_up(fdt_totalsize(b->fit), 4) + offset;
    else
        return -ENOENT;
    *size = length;
    /* External data begins behind the tree, whatever the position says. */
    if (!range_covers(tree + fdt_totalsize(b->fit), b->size - tree - fdt_totalsize(b->fit), *start, *size))
        return -EINVAL;
    return 0;
}

static __startup int image_find(const struct image_query *q, uint64_t *start, uint64_t *size)
{
    const void *fit = q->bundle->fit;
    int images = fdt_path_offset(fit, "/images");
    int node = images < 0 ? images : fdt_subnode_offset(fit, images, q->name);

    if (node < 0)
        return error_at(-ENOENT, "%s: image \"%.64s\" is not in the bundle", q->who, q->name);
    int err = image_extent(q->bundle, node, start, size);
    if (err == -ENOENT)
        return error_at(-EINVAL, "%s: image \"%.64s\" has no data in the bundle", q->who, q->name);
    if (err)
        return error_at(-EINVAL,
                        "%s: image \"%.64s\": truncated: its 0x%lx bytes at 0x%lx are not inside the bundle's 0x%lx",
                        q->who, q->name, *size, *start, q->bundle->size);
    return node;
}

/* No other image may share its bytes: a bundle packed well has none that do. */
static __startup int image_overlap_check(const struct image_query *q, int image, uint64_t start, uint64_t size)
{
    const void *fit = q->bundle->fit;
    int node = fdt_first_subnode(fit, fdt_path_offset(fit, "/images"));

    for (; node >= 0; node = fdt_next_subnode(fit, node)) {
        uint64_t other, other_size;
        if (node == image || image_extent(q->bundle, node, &other, &other_size) == -ENOENT)
            continue;
        if (range_fits(other, other_size, 63) && ranges_overlap(start, size, other, other_size))
            return error_at(-EINVAL, "%s: image \"%.64s\" overlaps image \"%.64s\" in the bundle", q->who, q->name,
                            fdt_get_name(fit, node, NULL));
    }
    return 0;
}

static __startup int image_hash_check(const struct image_query *q, int hash, const uint8_t *data, uint64_t size)
{
    const void *fit = q->bundle->fit;
    const char *algorithm = dt_string(fit, hash, "algo");
    uint8_t computed[32];
    int length, expected;
    const uint8_t *value = fdt_getprop(fit, hash, "value", &length);

    if (algorithm && strcmp(algorithm, "crc32") == 0) {
        fdt32_st(computed, crc32_ieee(0, data, size));
        expected = 4;
    } else if (algorithm && strcmp(algorithm, "sha256") == 0) {
        sha256(data, size, computed);
        expected = 32;
    } else {
        return error_at(-EBADMSG, "%s: image \"%.64s\": hash of an unknown kind \"%.16s\": crc32 and sha256 are known",
                        q->who, q->name, algorithm ? algorithm : "");
    }
    if (!value || length != expected || memcmp(value, computed, (size_t)expected) != 0)
        return error_at(-EBADMSG, "%s: image \"%.64s\": wrong %s: it is damaged", q->who, q->name, algorithm);
    return 0;
}

/* Every hash that the image has, and at least one. */
static __startup int image_hashes_check(const struct image_query *q, int image, const uint8_t *data, uint64_t size)
{
    const void *fit = q->bundle->fit;
    unsigned found = 0;

    for (int node = fdt_first_subnode(fit, image); node >= 0; node = fdt_next_subnode(fit, node)) {
        const char *name = fdt_get_name(fit, node, NULL);
        if (strncmp(name, "hash", 4) != 0)
            continue;
        int err = image_hash_check(q, node, data, size);
        if (err)
            return err;
        found++;
    }
    if (!found)
        return error_at(-EBADMSG, "%s: image \"%.64s\" has no hash", q->who, q->name);
    return 0;
}

static __startup int image_format_read(const struct image_query *q, int node, struct image *out)
{
    static const struct {
        const char *name;
        enum image_format format;
    } formats[] = { { "data", IMAGE_DATA }, { "raw", IMAGE_RAW }, { "image", IMAGE_ARM64 }, { "elf", IMAGE_ELF } };
    const void *fit = q->bundle->fit;
    const char *format = dt_string(fit, node, "armature,format"), *compression = dt_string(fit, node, "compression");

    if (compression && strcmp(compression, "none") != 0)
        return error_at(-EINVAL,
                        "%s: image \"%.64s\" is compressed (%.16s): the tool that packs unpacks, not the hypervisor",
                        q->who, q->name, compression);
    out->has_load = dt_u64(fit, node, "armature,load", &out->load);
    out->has_entry = dt_u64(fit, node, "armature,entry", &out->entry);
    (void)dt_u64(fit, node, "armature,bss", &out->bss);
    out->format = IMAGE_DATA;
    if (!format)
        return 0;
    for (unsigned i = 0; i < ARRAY_LEN(formats); i++)
        if (strcmp(format, formats[i].name) == 0) {
            out->format = formats[i].format;
            return 0;
        }
    return error_at(-EINVAL, "%s: image \"%.64s\": unknown armature,format \"%.16s\"", q->who, q->name, format);
}

int bundle_image(const struct bundle *b, const char *name, const char *who, struct image *out)
{
    struct image_query q = { .bundle = b, .who = who, .name = name };
    uint64_t start, size;
    int node = image_find(&q, &start, &size);

    if (node < 0)
        return node;
    *out = (struct image){ .name = fdt_get_name(b->fit, node, NULL), .data = b->base + start, .size = size };
    int err = image_format_read(&q, node, out);
    if (!err && !size)
        err = error_at(-EINVAL, "%s: image \"%.64s\" is empty", who, name);
    if (!err)
        err = image_overlap_check(&q, node, start, size);
    if (!err)
        err = image_hashes_check(&q, node, out->data, size);
    return err;
}
