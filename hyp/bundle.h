/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The bundle: a 4 KiB header page, then a FIT with external data (docs/DESCRIPTION.md). Untrusted input: all is bounded. */
#include "hyp/base/addr.h"
#include "hyp/base/bits.h"
#include "hyp/base/phase.h"

#define BUNDLE_MAGIC "ARMABNDL"
#define BUNDLE_VERSION 1
#define BUNDLE_HEADER_SIZE 4096

enum image_format { IMAGE_DATA, IMAGE_RAW, IMAGE_ARM64, IMAGE_ELF };

struct bundle {
    const uint8_t *base; /* mapped, read-only */
    uint64_t size;       /* whole file, as the header says and the initrd range bounds */
    const void *fit;
};

struct image {
    const char *name;    /* points into the FIT */
    const uint8_t *data; /* in the bundle */
    uint64_t size;
    enum image_format format;
    bool has_load, has_entry;
    uint64_t load, entry, bss; /* ELF: laid out by the tool; bss = bytes to zero behind the data */
};

/* Checks the header and the FIT's structure and checksum. -EINVAL with the reason traced (no magic, version, truncated, checksum). */
int bundle_open(const uint8_t *base, uint64_t available, struct bundle *b) __startup __must_check;
/* Finds an image and checks its bounds and hash. -ENOENT, -EINVAL (bounds), -EBADMSG (hash); all name the image. `who` is the path of who asks. */
int bundle_image(const struct bundle *b, const char *name, const char *who, struct image *out) __startup __must_check;

/* crc32 (IEEE 802.3, as zlib's) with the CPU's instructions where ID_AA64ISAR0_EL1 has them. */
uint32_t crc32_ieee(uint32_t seed, const void *data, size_t len);
void sha256(const void *data, size_t len, uint8_t digest[32]);
