/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Bundles in memory, as the tool packs them, and wrong ones. */
#include <stddef.h>
#include <stdint.h>

struct bundle_part {
    const char *name;
    const void *data;
    uint32_t size;
    const char *format;        /* armature,format; NULL: none */
    const char *algo;          /* NULL: crc32; "": no hash */
    uint32_t offset;           /* data-offset + 1; 0: behind the part before */
    uint64_t load, entry, bss; /* ELF only */
};

/* The bundle's bytes, exactly `size`, at a multiple of 16. */
uint8_t *bundle_make(const struct bundle_part *parts, unsigned count, size_t *size);
/* Makes the header's checksums right again after a change. */
void bundle_seal(uint8_t *bundle);

/* The core's crc32 instructions, which a host has not: switched on they count their calls. */
extern int crc32_insn_calls, crc32_insn_on;
