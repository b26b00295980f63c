/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/crc32.h"
#include "hyp/bundle.h"

/* For cores without the instructions: four bits a step, the polynomial 0xedb88320 (bit-reflected 0x04c11db7). */
static uint32_t crc32_plain(uint32_t remainder, const uint8_t *data, size_t length)
{
    static const uint32_t nibble[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };

    for (size_t i = 0; i < length; i++) {
        remainder ^= data[i];
        remainder = remainder >> 4 ^ nibble[remainder & 15];
        remainder = remainder >> 4 ^ nibble[remainder & 15];
    }
    return remainder;
}

uint32_t crc32_ieee(uint32_t seed, const void *data, size_t len)
{
    return ~(crc32_insn_present() ? crc32_insn(~seed, data, len) : crc32_plain(~seed, data, len));
}
