/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a back end gives gic.c: the calls of gic.h, one table a GIC version. Those that are built in (CONFIG_GIC_V*) are linked; the tree chooses. */
#include "arch/arm64/gic.h"

struct gic_ops {
    int (*dist_init)(const struct gic_desc *desc, struct gic_info *info) __must_check;
    int (*core_init)(const struct gic_desc *desc, struct gic_info *info, unsigned core) __must_check;

    uint32_t (*ack)(void);
    void (*drop)(uint32_t intid);
    void (*deactivate)(uint32_t intid);
    void (*send_sgi)(unsigned core, unsigned sgi);

    /* One bit of the distributor's or this core's GICx_<set>R<n>; `set` is the register array's offset. */
    void (*bit_write)(uint32_t set, uint32_t intid);
    bool (*bit_read)(uint32_t set, uint32_t intid);
    void (*route)(uint32_t intid, unsigned core);
    void (*set_edge)(uint32_t intid, bool edge);

    uint64_t (*lr_encode)(struct lr lr);
    struct lr (*lr_decode)(uint64_t raw);
    uint64_t (*lr_read)(unsigned n);
    void (*lr_write)(unsigned n, uint64_t raw);
    uint64_t (*elrsr_read)(void);
    uint64_t (*eisr_read)(void);
    uint64_t (*vhcr_read)(void);
    void (*vhcr_write)(uint64_t v);
    uint64_t (*vmcr_read)(void);
    void (*vmcr_write)(uint64_t v);
    void (*vcpu_load)(const struct gic_vcpu *s);
    void (*vcpu_save)(struct gic_vcpu *s);
    void (*vcpu_reset)(struct gic_vcpu *s);
    /* GICv3 only: */
    uint8_t (*vrpr_read)(void);
    uint64_t (*vctlr_read)(void);
};

/* The distributor's register arrays, at the same offsets in GICD and in the GICR's SGI frame, in GICv2 and GICv3. */
enum gic_bit_set {
    GIC_IGROUPR = 0x080,
    GIC_ISENABLER = 0x100,
    GIC_ICENABLER = 0x180,
    GIC_ISPENDR = 0x200,
    GIC_ICPENDR = 0x280,
    GIC_ISACTIVER = 0x300,
    GIC_ICACTIVER = 0x380,
    GIC_IPRIORITYR = 0x400,
    GIC_ICFGR = 0xc00,
};

extern const struct gic_ops gicv2_ops, gicv3_ops;
