/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/gicv2_lr.h"

#define GICC_IIDR_ARCHITECTURE FIELD(19, 16)
#define GICC_IIDR_GICV2 2
#define ALIASED_SIZE KIB(128)
#define ALIASED_OFFSET 0xf000

uint64_t gicv2_lr_encode(struct lr lr)
{
    uint64_t raw = lr.vintid | field_make(GICH_LR_PRIORITY, lr.priority >> 3) | field_make(GICH_LR_STATE, lr.state);
    if (lr.group1)
        raw |= GICH_LR_GROUP;
    if (lr.hw)
        raw |= GICH_LR_HW | field_make(GICH_LR_PINTID, lr.pintid);
    else
        raw |= field_make(GICH_LR_CPUID, lr.source) | (lr.eoi_maint ? GICH_LR_EOI : 0);
    return raw;
}

struct lr gicv2_lr_decode(uint64_t raw)
{
    bool hw = raw & GICH_LR_HW;
    return (struct lr){
        .vintid = (uint16_t)field_get(GICH_LR_VINTID, raw),
        .pintid = hw ? (uint16_t)field_get(GICH_LR_PINTID, raw) : 0,
        .priority = (uint8_t)(field_get(GICH_LR_PRIORITY, raw) << 3),
        .state = (uint8_t)field_get(GICH_LR_STATE, raw),
        .source = hw ? 0 : (uint8_t)field_get(GICH_LR_CPUID, raw),
        .group1 = raw & GICH_LR_GROUP,
        .hw = hw,
        .eoi_maint = !hw && (raw & GICH_LR_EOI),
    };
}

uint8_t gicv2_target(const uint32_t targets[8])
{
    uint32_t all = 0;
    for (unsigned i = 0; i < 8; i++)
        all |= targets[i];
    all |= all >> 16;
    all |= all >> 8;
    return all & 0xff ? (uint8_t)all : 1;
}

uint32_t gicv2_sgir(uint8_t targets, unsigned sgi)
{
    return (uint32_t)targets << 16 | sgi;
}

uint32_t gicv2_cpu_offset(uint64_t size, uint32_t iidr_first, uint32_t iidr_sixteenth)
{
    bool aliased = size >= ALIASED_SIZE && iidr_first == iidr_sixteenth &&
                   field_get(GICC_IIDR_ARCHITECTURE, iidr_first) == GICC_IIDR_GICV2;
    return aliased ? ALIASED_OFFSET : 0;
}
