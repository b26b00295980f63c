/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/crc32.h"
#include "arch/arm64/sysreg.h"

#define ID_AA64ISAR0_EL1_CRC32 FIELD(19, 16)

bool crc32_insn_present(void)
{
    return field_get(ID_AA64ISAR0_EL1_CRC32, read_sysreg(id_aa64isar0_el1)) != 0;
}

uint32_t crc32_insn(uint32_t remainder, const uint8_t *data, size_t length)
{
    for (; length && !is_aligned((uintptr_t)data, 8); data++, length--)
        __asm__(".arch_extension crc\n\tcrc32b %w0, %w0, %w1" : "+r"(remainder) : "r"(*data));
    for (; length >= 8; data += 8, length -= 8)
        __asm__(".arch_extension crc\n\tcrc32x %w0, %w0, %x1" : "+r"(remainder) : "r"(*(const uint64_t *)data));
    for (; length; data++, length--)
        __asm__(".arch_extension crc\n\tcrc32b %w0, %w0, %w1" : "+r"(remainder) : "r"(*data));
    return remainder;
}
