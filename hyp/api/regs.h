/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A device is its register table. The dispatcher looks the offset up and takes care of width, alignment, RAZ/WI, extension and
 * write-back; a row's functions see one register and one value.
 */
#include "hyp/api/types.h"

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

/* The row that covers the offset, or NULL. Pure; binary search. */
const struct reg *reg_find(const struct reg_table *t, uint32_t offset);
/* 0, or -EINVAL naming the first row out of order. */
int reg_table_check(const struct reg_table *t, const char *name);
