/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/gicv3_lr.h"

#define MPIDR_AFF3 FIELD(39, 32)
#define MPIDR_AFF2 FIELD(23, 16)
#define MPIDR_AFF1 FIELD(15, 8)
#define MPIDR_AFF0 FIELD(7, 0)

uint64_t gicv3_lr_encode(struct lr lr)
{
    uint64_t raw = lr.vintid | field_make(ICH_LR_PRIORITY, lr.priority) | field_make(ICH_LR_STATE, lr.state);
    if (lr.group1)
        raw |= ICH_LR_GROUP;
    if (lr.hw)
        raw |= ICH_LR_HW | field_make(ICH_LR_PINTID, lr.pintid);
    else if (lr.eoi_maint)
        raw |= ICH_LR_EOI;
    return raw;
}

struct lr gicv3_lr_decode(uint64_t raw)
{
    bool hw = raw & ICH_LR_HW;
    return (struct lr){
        .vintid = (uint16_t)field_get(ICH_LR_VINTID, raw),
        .pintid = hw ? (uint16_t)field_get(ICH_LR_PINTID, raw) : 0,
        .priority = (uint8_t)field_get(ICH_LR_PRIORITY, raw),
        .state = (uint8_t)field_get(ICH_LR_STATE, raw),
        .group1 = raw & ICH_LR_GROUP,
        .hw = hw,
        .eoi_maint = !hw && (raw & ICH_LR_EOI),
    };
}

uint8_t gicv3_active_priority(const uint64_t apr[4], unsigned vpre_bits)
{
    for (unsigned n = 0; n < 4; n++) {
        uint32_t bits = (uint32_t)apr[n];
        if (bits)
            return (uint8_t)((n * 32 + (unsigned)__builtin_ctz(bits)) << (8 - vpre_bits));
    }
    return 0xff;
}

uint64_t gicv3_irouter(uint64_t mpidr)
{
    return mpidr & (MPIDR_AFF3 | MPIDR_AFF2 | MPIDR_AFF1 | MPIDR_AFF0);
}

uint32_t gicv3_typer_affinity(uint64_t mpidr)
{
    return (uint32_t)(field_get(MPIDR_AFF3, mpidr) << 24 | (mpidr & FIELD(23, 0)));
}

uint64_t gicv3_sgi1r(uint64_t mpidr, unsigned sgi)
{
    uint64_t aff0 = field_get(MPIDR_AFF0, mpidr);
    return field_get(MPIDR_AFF3, mpidr) << 48 | (aff0 >> 4) << 44 | field_get(MPIDR_AFF2, mpidr) << 32 |
           (uint64_t)sgi << 24 | field_get(MPIDR_AFF1, mpidr) << 16 | BIT(aff0 & 15);
}
