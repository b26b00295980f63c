/* SPDX-License-Identifier: Apache-2.0 */
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "arch/arm64/crc32.h"
#include "hyp/bundle.h"
#include "tests/unit/bundle_support.h"

#define FIT_MAX 65536

int crc32_insn_calls, crc32_insn_on;

bool crc32_insn_present(void)
{
    return crc32_insn_on;
}

/* A bit at a time, as the polynomial is defined: independent of what is tested. */
uint32_t crc32_insn(uint32_t remainder, const uint8_t *data, size_t length)
{
    crc32_insn_calls++;
    for (size_t i = 0; i < length * 8; i++) {
        uint32_t bit = (remainder ^ data[i / 8] >> (i % 8)) & 1;
        remainder = remainder >> 1 ^ (bit ? 0xedb88320 : 0);
    }
    return remainder;
}

static void u64_put(void *fdt, const char *name, uint64_t v)
{
    fdt_property_u64(fdt, name, v);
}

static void part_write(void *fdt, const struct bundle_part *p, uint32_t offset)
{
    uint8_t hash[32];

    fdt_begin_node(fdt, p->name);
    fdt_property_string(fdt, "compression", "none");
    fdt_property_u32(fdt, "data-size", p->size);
    fdt_property_u32(fdt, "data-offset", offset);
    if (p->format)
        fdt_property_string(fdt, "armature,format", p->format);
    if (p->format && strcmp(p->format, "elf") == 0) {
        u64_put(fdt, "armature,load", p->load);
        u64_put(fdt, "armature,entry", p->entry);
        u64_put(fdt, "armature,bss", p->bss);
    }
    const char *algo = p->algo ? p->algo : "crc32";
    if (algo[0]) {
        fdt_begin_node(fdt, "hash-1");
        fdt_property_string(fdt, "algo", algo);
        if (strcmp(algo, "sha256") == 0) {
            sha256(p->data, p->size, hash);
            fdt_property(fdt, "value", hash, 32);
        } else {
            fdt_property_u32(fdt, "value", crc32_ieee(0, p->data, p->size));
        }
        fdt_end_node(fdt);
    }
    fdt_end_node(fdt);
}

static void le_put(uint8_t *at, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

void bundle_seal(uint8_t *bundle)
{
    uint64_t tree;

    memcpy(&tree, bundle + 0x18, sizeof(tree));
    le_put(bundle + 0x20, crc32_ieee(0, bundle + BUNDLE_HEADER_SIZE, tree), 4);
    le_put(bundle + 0x24, crc32_ieee(0, bundle, 0x24), 4);
}

uint8_t *bundle_make(const struct bundle_part *parts, unsigned count, size_t *size)
{
    static uint64_t fit[FIT_MAX / 8];
    uint32_t offset = 0, end = 0, offsets[64];

    fdt_create(fit, sizeof(fit));
    fdt_finish_reservemap(fit);
    fdt_begin_node(fit, "");
    fdt_begin_node(fit, "images");
    for (unsigned i = 0; i < count; i++) {
        offsets[i] = parts[i].offset ? parts[i].offset - 1 : offset;
        part_write(fit, &parts[i], offsets[i]);
        offset = (uint32_t)align_up(offsets[i] + parts[i].size, 4096);
        end = offset > end ? offset : end;
    }
    fdt_end_node(fit);
    fdt_end_node(fit);
    if (fdt_finish(fit))
        abort();
    uint32_t tree = (uint32_t)align_up(fdt_totalsize(fit), 4096);
    fdt_set_totalsize(fit, tree);
    *size = BUNDLE_HEADER_SIZE + tree + end;
    uint8_t *b = calloc(1, *size);
    memcpy(b, BUNDLE_MAGIC, 8);
    le_put(b + 0x08, BUNDLE_VERSION, 4);
    le_put(b + 0x0c, BUNDLE_HEADER_SIZE, 4);
    le_put(b + 0x10, *size, 8);
    le_put(b + 0x18, tree, 8);
    memcpy(b + BUNDLE_HEADER_SIZE, fit, tree);
    for (unsigned i = 0; i < count; i++)
        memcpy(b + BUNDLE_HEADER_SIZE + tree + offsets[i], parts[i].data, parts[i].size);
    bundle_seal(b);
    return b;
}
