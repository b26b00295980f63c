/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/insn.h"

static int64_t sign_extend(uint64_t value, unsigned bits)
{
    uint64_t sign = BIT(bits - 1);
    return (int64_t)((value ^ sign) - sign);
}

static unsigned bits(uint32_t insn, unsigned hi, unsigned lo)
{
    return (unsigned)field_get(FIELD(hi, lo), insn);
}

/* Load/store pair: opc 10 1 0 type L imm7 Rt2 Rn Rt. */
static bool pair_decode(uint32_t insn, struct insn_access *a)
{
    unsigned opc = bits(insn, 31, 30), type = bits(insn, 24, 23);
    a->load = bits(insn, 22, 22);
    if (opc == 3 || (opc == 1 && !a->load)) /* unallocated, STGP */
        return false;
    a->size = opc == 2 ? 8 : 4;
    a->wide = opc != 0;
    a->sign_extend = opc == 1; /* LDPSW */
    a->count = 2;
    a->rt[0] = (uint8_t)bits(insn, 4, 0);
    a->rt[1] = (uint8_t)bits(insn, 14, 10);
    a->writeback = type & 1;
    a->writeback_offset = (int16_t)(sign_extend(bits(insn, 21, 15), 7) * a->size);
    return true;
}

/* Load/store register, immediate: size 11 1 0 00 opc 0 imm9 index Rn Rt. */
static bool single_decode(uint32_t insn, struct insn_access *a)
{
    unsigned size = bits(insn, 31, 30), opc = bits(insn, 23, 22), index = bits(insn, 11, 10);
    if (bits(insn, 25, 24) != 0 || bits(insn, 21, 21))
        return false;
    if ((size == 3 && opc > 1) || (size == 2 && opc == 3)) /* PRFM, unallocated */
        return false;
    a->size = (uint8_t)(1u << size);
    a->count = 1;
    a->load = opc != 0;
    a->sign_extend = opc > 1;
    a->wide = size == 3 || opc == 2;
    a->rt[0] = (uint8_t)bits(insn, 4, 0);
    a->writeback = index & 1;
    a->writeback_offset = (int16_t)sign_extend(bits(insn, 20, 12), 9);
    return true;
}

bool insn_decode(uint32_t insn, struct insn_access *a)
{
    *a = (struct insn_access){ .rn = (uint8_t)bits(insn, 9, 5) };
    if (bits(insn, 26, 26)) /* V: FP/SIMD registers */
        return false;
    switch (bits(insn, 29, 27)) {
    case 5: return pair_decode(insn, a);
    case 7: return single_decode(insn, a);
    }
    return false;
}
