/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Translation tables, 4 KiB granule, stage 1 (EL2) and stage 2: one engine that decides what to write, and one small
 * interface through which it writes (struct pt_ops), so that a recorder can check the order on the host.
 * DDI 0487 D8 "The AArch64 Virtual Memory System Architecture".
 *
 * The caller holds the lock of the table (a VM's, or EL2's). The hardware walks without it.
 */
#include "hyp/base/addr.h"
#include "hyp/base/bits.h"
#include "hyp/base/phase.h"

#define PT_ENTRIES 512
#define PTE_VALID BIT(0)
#define PTE_TABLE BIT(1) /* levels 0-2: table; level 3: page */
#define PTE_ADDR FIELD(47, 12)
#define PTE_AF BIT(10)

/* Stage 2 leaf attributes (DDI 0487 D8.3 stage 2 descriptors, without FEAT_S2FWB). */
#define S2_MEMATTR_NORMAL_WB (UINT64_C(0xf) << 2)
#define S2_MEMATTR_NORMAL_NC (UINT64_C(0x5) << 2)
#define S2_MEMATTR_DEVICE_nGnRE (UINT64_C(0x1) << 2)
#define S2_AP_READ BIT(6)
#define S2_AP_WRITE BIT(7)
#define S2_SH_INNER (UINT64_C(3) << 8)
#define S2_XN BIT(54) /* execute-never at EL1 and EL0 */
#define S2_ATTRS (FIELD(5, 2) | S2_AP_READ | S2_AP_WRITE | FIELD(9, 8) | S2_XN)
#define S2_RAM (S2_MEMATTR_NORMAL_WB | S2_AP_READ | S2_AP_WRITE | S2_SH_INNER)
#define S2_ROM (S2_MEMATTR_NORMAL_WB | S2_AP_READ | S2_SH_INNER)
#define S2_DEVICE (S2_MEMATTR_DEVICE_nGnRE | S2_AP_READ | S2_AP_WRITE | S2_XN)

/* Stage 1 EL2 leaf attributes; MAIR index 0 Normal WB, 1 Device-nGnRE, 2 Normal NC. */
#define S1_ATTR_NORMAL (UINT64_C(0) << 2)
#define S1_ATTR_DEVICE (UINT64_C(1) << 2)
#define S1_ATTR_NC (UINT64_C(2) << 2)
#define S1_AP_RES1 BIT(6) /* AP[1], RES1 at EL2 with one VA range */
#define S1_AP_RO BIT(7)
#define S1_SH_INNER (UINT64_C(3) << 8)
#define S1_XN BIT(54)
#define S1_RW (S1_ATTR_NORMAL | S1_AP_RES1 | S1_SH_INNER | S1_XN)
#define S1_RO (S1_RW | S1_AP_RO)
#define S1_RX (S1_ATTR_NORMAL | S1_AP_RES1 | S1_SH_INNER | S1_AP_RO)
#define S1_DEV (S1_ATTR_DEVICE | S1_AP_RES1 | S1_XN)
#define MAIR_EL2_VALUE UINT64_C(0x0000000000440400 | 0xff)

struct pt;

/* The only way a table is written. Each call is one step; the engine calls them in the order the architecture wants. */
struct pt_ops {
    /* Store one entry, single-copy atomic. */
    void (*store)(struct pt *pt, uint64_t *entry, uint64_t value);
    /* Completes earlier stores for the walkers (DSB ISHST), before a TLBI or before the mapping is relied on. */
    void (*publish)(struct pt *pt);
    /* Invalidates all that the TLBs may hold for [ia, ia+size), leaf and walk entries of any level, on every core that
     * can use the table, and completes (TLBI ... ; DSB ISH; stage 2 also the combined stage 1 entries). */
    void (*invalidate)(struct pt *pt, uint64_t ia, uint64_t size);
    /* A zeroed table page, 4 KiB aligned, or NULL: the error is then -ENOMEM. */
    uint64_t *(*table_alloc)(struct pt *pt);
    void (*table_free)(struct pt *pt, uint64_t *table);
    pa_t (*table_pa)(struct pt *pt, const uint64_t *table);
    uint64_t *(*table_ptr)(struct pt *pt, pa_t pa);
};

struct pt {
    const struct pt_ops *ops;
    void *owner;         /* for the ops */
    uint64_t *root;      /* root_pages contiguous pages (concatenated roots at stage 2) */
    uint8_t start_level; /* 0..2 */
    uint8_t ia_bits;     /* input address size */
    uint8_t root_pages;  /* 1..16 */
    uint8_t max_block;   /* lowest level at which blocks may be used: 1 (1 GiB) or 2 (2 MiB) or 3 (none) */
    uint64_t attr_mask;  /* which bits of an entry pt_protect() replaces */
    uint16_t vmid;       /* for the ops */
};

struct pt_leaf {
    uint64_t ia;   /* start of the leaf */
    uint64_t size; /* 4 KiB, 2 MiB or 1 GiB; for a hole, the span of the empty entry */
    pa_t pa;
    uint64_t attrs;
    bool mapped;
};

/*
 * Maps [ia, ia+size) to pa with the largest blocks that alignment allows. All 4 KiB aligned; else -EINVAL. Beyond
 * ia_bits: -ERANGE. Something mapped there already: -EEXIST, and nothing is changed. Out of table pages: -ENOMEM, and what was mapped is undone.
 */
int pt_map(struct pt *pt, uint64_t ia, pa_t pa, uint64_t size, uint64_t attrs) __must_check;
/* Unmaps what is mapped in the range (holes are fine), splitting blocks at its ends (break before make); frees tables
 * that became empty. -ENOMEM when a split has no page. */
int pt_unmap(struct pt *pt, uint64_t ia, uint64_t size) __must_check;
/* Replaces the attributes of what is mapped in the range; -ENOENT if there is a hole, and then nothing is changed. Splits at its ends. */
int pt_protect(struct pt *pt, uint64_t ia, uint64_t size, uint64_t attrs) __must_check;
/* What an access to ia would meet. Pure read. */
struct pt_leaf pt_lookup(const struct pt *pt, uint64_t ia);
/* Leaves by size: [0] 4 KiB, [1] 2 MiB, [2] 1 GiB. */
void pt_count(const struct pt *pt, uint64_t counts[3]);
/* Unmaps everything and frees every table below the root. */
void pt_destroy(struct pt *pt);
