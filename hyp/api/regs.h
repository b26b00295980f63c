/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A device is its register table. The dispatcher looks the offset up and takes care of width, alignment, RAZ/WI, extension and
 * write-back; a row's functions see one register and one value.
 */
#include "hyp/api/types.h"
#include "hyp/base/phase.h"

/* One access as a row's function sees it. */
struct reg_access {
    vdev_t *vdev;
    guest_cpu *gcp;  /* who accesses */
    uint32_t cookie; /* of the region */
    uint32_t offset; /* in the region, of the first byte accessed */
    uint32_t index;  /* (offset - row's offset) / stride: which of an array of registers */
    uint8_t size;    /* bytes: 1, 2, 4 or 8, one of the row's sizes; naturally aligned */
};

#define REG_SIZE_1 BIT(1)
#define REG_SIZE_2 BIT(2)
#define REG_SIZE_4 BIT(4)
#define REG_SIZE_8 BIT(8)

/* Rows stand in ascending order of offset and do not overlap (checked at startup). */
struct reg {
    uint32_t offset;
    uint32_t span;  /* bytes, a multiple of stride */
    uint8_t stride; /* bytes a register of the array: 1, 4 or 8 */
    /* Neither function needs to know what a running vCPU did with its interrupts, waits for another vCPU, or ends the VM: served at
     * once, without leaving the guest's context. Rows without functions always are. */
    bool quick;
    uint16_t sizes; /* REG_SIZE_* allowed; an access of another size or unaligned follows the table's policy */
    uint64_t value; /* what a row without `read` reads as */
    uint64_t (*read)(const struct reg_access *a);              /* NULL: reads as `value` */
    void (*write)(const struct reg_access *a, uint64_t value); /* NULL: writes are ignored */
};

/* What offsets without a row, and refused sizes, answer. */
enum reg_policy {
    REG_RAZ_WI,    /* reads as zero, writes ignored (most Arm peripherals) */
    REG_BUS_ERROR, /* synchronous external abort */
};

struct reg_table {
    const struct reg *rows;
    uint32_t count;
    enum reg_policy other;
};

/* Where to begin looking for an offset: a row number for each granule of REG_GRANULE bytes, as far as the table reaches. */
#define REG_GRANULE 128
struct reg_index {
    const uint8_t *first;
    uint32_t granules;
};

/* The row that covers the offset, or NULL, beginning at row `first`, which is none behind it. Pure; walks the granule's few rows. */
static inline const struct reg *reg_find_from(const struct reg_table *t, uint32_t first, uint32_t offset)
{
    for (uint32_t n = first; n < t->count && t->rows[n].offset <= offset; n++)
        if (offset - t->rows[n].offset < t->rows[n].span)
            return &t->rows[n];
    return NULL;
}
/* The row that covers the offset, or NULL, by looking from the first. Pure. */
static inline const struct reg *reg_find(const struct reg_table *t, uint32_t offset)
{
    return reg_find_from(t, 0, offset);
}
/* The same, beginning where the table's index says. Pure. */
static inline const struct reg *reg_find_indexed(const struct reg_table *t, const struct reg_index *index,
                                                 uint32_t offset)
{
    uint32_t granule = offset / REG_GRANULE;
    return granule < index->granules ? reg_find_from(t, index->first[granule], offset) : NULL;
}
/* May an access of that size be served by the row? Pure. */
static inline bool reg_takes(const struct reg *row, uint32_t offset, unsigned size)
{
    return row->sizes & BIT(size) && is_aligned(offset, size) && offset - row->offset + size <= row->span;
}
/* The index of a table; tables that are used again share it. -ENOMEM, -E2BIG (more than 255 rows). */
int reg_index_make(const struct reg_table *t, struct reg_index *out) __startup __must_check;
/* The index that reg_index_make() made of the table; false: it never did. Any phase. */
bool reg_index_find(const struct reg_table *t, struct reg_index *out);
/* Are the rows sound and in order? 0, or -EINVAL naming the first that is not. */
int reg_table_check(const struct reg_table *t, const char *name);
