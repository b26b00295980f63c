/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is where in a guest's address space: a table of regions, sorted by base, disjoint. A part of a region can be changed; it
 * is then a piece of its own that remembers its place in the whole, and joins its neighbours again once they are alike.
 * Pure but for the table; whoever owns the table has the lock.
 */
#include "hyp/api/gasp.h"
#include "hyp/base/addr.h"
#include "hyp/config.h"

/* Vdevs with two places each, RAM and ROM, a redistributor a vCPU, pieces that changes at run time make, some more. */
#define REGION_MAX (CONFIG_MAX_VDEVS * 2 + CONFIG_MAX_RAM_RANGES * 2 + CONFIG_MAX_VCPUS + 24)

#define GRF_VIRT (GRF_VIRT_RD | GRF_VIRT_WR | GRF_VIRT_EX)
#define GRF_PASS (GRF_PASS_RD | GRF_PASS_WR | GRF_PASS_EX)

struct region {
    ipa_t base;
    uint64_t size;
    uint64_t skip;  /* of a vdev's piece: how far `base` lies behind offset 0 */
    uint32_t flags; /* GRF_* */
    uint32_t home;  /* of memory: the PASS and NOCACHE flags that it goes back to */
    uint32_t cookie;
    vdev_t *vdev; /* NULL: RAM, ROM, pass-through */
    const struct reg_table *regs;
    struct reg_index index; /* of regs */
    pa_t host;              /* RAM, ROM, PASS: of `base` */
    const char *owner;      /* path, for messages */
};

struct region_table {
    struct region at[REGION_MAX];
    unsigned count;
};

/* The index of the first region that ends above ipa; count if there is none. */
unsigned region_index(const struct region_table *t, uint64_t ipa);
/* The region that covers ipa, or NULL. Valid until the table changes. */
const struct region *region_find(const struct region_table *t, uint64_t ipa);
/* Is it the VM's own memory, which stays where it is as long as the VM is? What is passed through may belong to others too, and go. */
static inline bool region_is_ram(const struct region *r)
{
    return (r->flags & (GRF_MEMORY | GRF_PASSTHRU)) == GRF_MEMORY;
}
/* Does the region let the guest do this (GRF_PASS_* bits) by itself? Nothing but memory is executed from. */
bool region_permits(const struct region *r, uint32_t pass);
/* Adds one that overlaps none. -EEXIST (*other is who is there), -E2BIG: the table is full. Nothing is traced. */
int region_insert(struct region_table *t, const struct region *r, const struct region **other) __must_check;
void region_remove(struct region_table *t, unsigned index);
/* Makes ipa a boundary between regions. -E2BIG: the table is full. */
int region_split(struct region_table *t, uint64_t ipa) __must_check;
/* Joins what is alike and adjacent between base and end, their neighbours included. */
void region_merge(struct region_table *t, uint64_t base, uint64_t end);
