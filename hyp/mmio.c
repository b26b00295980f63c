/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/exit.h"
#include "hyp/dispatch.h"

enum mmio_decoded mmio_decode(uint64_t esr, ipa_t ipa, struct mmio *out)
{
    uint64_t iss = ESR_ISS(esr);
    if (ESR_EC(esr) != EC_DABT_LOW || !(iss & ISS_ISV) || iss & (ISS_CM | ISS_S1PTW))
        return MMIO_NO_SYNDROME;
    *out = (struct mmio){
        .ipa = ipa,
        .size = (uint8_t)(1u << field_get(ISS_SAS, iss)),
        .write = iss & ISS_WNR,
        .sign_extend = iss & ISS_SSE,
        .wide = iss & ISS_SF,
        .reg = (uint8_t)field_get(ISS_SRT, iss),
    };
    return MMIO_OK;
}

uint64_t mmio_extend(const struct mmio *m, uint64_t value)
{
    unsigned unused = 64 - 8 * m->size;
    value <<= unused;
    value = m->sign_extend ? (uint64_t)((int64_t)value >> unused) : value >> unused;
    return m->wide ? value : (uint32_t)value;
}

uint64_t mmio_reverse(const struct mmio *m, uint64_t value)
{
    return m->reverse ? __builtin_bswap64(value) >> (64 - 8 * m->size) : value;
}
