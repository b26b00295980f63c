/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The guest's address space. Regions change under gasp_lock() once the machine runs. QNX's names. */
#include "hyp/api/regs.h"
#include "hyp/api/types.h"
#include "hyp/base/phase.h"

struct vdev_builder;

enum gasp_region_flags {
    GRF_NONE = 0,
    GRF_VIRT_RD = 0x1, /* exit: vread / register table / `unsupported` policy */
    GRF_VIRT_WR = 0x2,
    GRF_VIRT_EX = 0x4,
    GRF_PASS_RD = 0x8, /* direct, no exit */
    GRF_PASS_WR = 0x10,
    GRF_PASS_EX = 0x20,
    GRF_NOCACHE = 0x40,
    GRF_ACTIVE = 0x80,
    GRF_MEMORY = 0x100,
    GRF_PASSTHRU = 0x200,
    GRF_PRECIOUS = 0x4000,
    GRF_NOPERMS = 0x8000,
};

struct gasp_region {
    uint32_t flags;
    uint32_t cookie;
    vdev_t *vdev;                 /* with VIRT flags only */
    const struct reg_table *regs; /* ours: overrides the factory's for this region */
    uint64_t host_location;       /* with PASS flags: physical address */
    qvm_state_block guest;        /* location and length in the guest */
};

/* Adds regions at startup; overlap is an error that names both owners. EOK or a positive errno. */
int gasp_region_set(struct vdev_builder *b, unsigned n, const struct gasp_region *rgn) __startup __must_check;
