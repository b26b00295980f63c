/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the distributors of GICv2 (IHI 0048 4.3) and GICv3 (IHI 0069 12.9) have in common, as rows of their tables. The first register of an array holds
 * SGIs and PPIs: a GICv2 banks it by vCPU, in a GICv3 they are in GICR and it is RES0 here.
 */
#include "vdevs/vgic/vgic.h"

/* dist.c: the functions of the rows below, and what GICD_CTLR's group enables do. */
#define DIST_FUNCTIONS(name) \
    uint64_t dist_##name##_read(const struct reg_access *a) __running; \
    void dist_##name##_write(const struct reg_access *a, uint64_t value) __running;
DIST_FUNCTIONS(igroupr)
DIST_FUNCTIONS(isenabler)
DIST_FUNCTIONS(icenabler)
DIST_FUNCTIONS(ispendr)
DIST_FUNCTIONS(icpendr)
DIST_FUNCTIONS(isactiver)
DIST_FUNCTIONS(icactiver)
uint64_t dist_ipriorityr_read(const struct reg_access *a);
void dist_ipriorityr_write(const struct reg_access *a, uint64_t value);
uint64_t dist_icfgr_read(const struct reg_access *a);
void dist_icfgr_write(const struct reg_access *a, uint64_t value) __running;
void dist_ctlr_write(const struct reg_access *a, uint64_t value) __running;

/* Arrays of a bit an interrupt end where this distributor's interrupts do; what is behind is RES0, as is the whole of what has no row. */
#define DIST_INTIDS (VGIC_SPIS + VGIC_PRIVATE)
#define DIST_BITS_ROW(at, name, is_quick) \
    { \
        .offset = at, .span = DIST_INTIDS / 8, .stride = 4, .quick = is_quick, .sizes = REG_SIZE_4, \
        .read = dist_##name##_read, .write = dist_##name##_write \
    }
#define DIST_ID_ROW(at, v) \
    { \
        .offset = at, .span = 4, .stride = 4, .sizes = REG_SIZE_4, .value = v \
    }
#define DIST_CTLR_ROW(read_ctlr) \
    { \
        .offset = 0x0000, .span = 4, .stride = 4, .sizes = REG_SIZE_4, .read = read_ctlr, .write = dist_ctlr_write \
    }
/* GICD_IGROUPR to GICD_IPRIORITYR, all of a bit or a byte an interrupt. */
#define DIST_COMMON_ROWS \
    DIST_BITS_ROW(0x0080, igroupr, true), DIST_BITS_ROW(0x0100, isenabler, true), \
        DIST_BITS_ROW(0x0180, icenabler, false), DIST_BITS_ROW(0x0200, ispendr, false), \
        DIST_BITS_ROW(0x0280, icpendr, false), DIST_BITS_ROW(0x0300, isactiver, false), \
        DIST_BITS_ROW(0x0380, icactiver, false), \
    { \
        .offset = 0x0400, .span = DIST_INTIDS, .stride = 1, .quick = true, .sizes = REG_SIZE_1 | REG_SIZE_4, \
        .read = dist_ipriorityr_read, .write = dist_ipriorityr_write \
    }
#define DIST_ICFGR_ROW \
    { \
        .offset = 0x0c00, .span = DIST_INTIDS / 4, .stride = 4, .sizes = REG_SIZE_4, .read = dist_icfgr_read, \
        .write = dist_icfgr_write \
    }
