/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A VM's address space: its regions (what is where, who owns it) and its stage 2 tables. Regions are sorted by base and disjoint;
 * lookups while the machine runs read under the lock of the space, or lock-free through the last-hit cache of a vCPU while no soft change is under way.
 */
#include "arch/arm64/pgtable.h"
#include "hyp/api/gasp.h"
#include "hyp/base/lock.h"
#include "hyp/config.h"

/* Vdevs with two places each, RAM and ROM, a redistributor a vCPU, some more. */
#define ASPACE_MAX_REGIONS (CONFIG_MAX_VDEVS * 2 + CONFIG_MAX_RAM_RANGES * 2 + CONFIG_MAX_VCPUS + 8)

struct region {
    ipa_t base;
    uint64_t size;
    uint32_t flags; /* GRF_* */
    uint32_t cookie;
    vdev_t *vdev; /* NULL: RAM, ROM, pass-through */
    const struct reg_table *regs;
    struct reg_index index; /* of regs */
    pa_t host;              /* RAM, ROM, PASS */
    const char *owner;      /* path, for messages */
};

struct aspace {
    struct spinlock lock;
    struct pt pt;                              /* under lock: writers; the hardware walks without it */
    struct region regions[ASPACE_MAX_REGIONS]; /* under lock: sorted by base; set at startup, soft changes later */
    unsigned region_count;                     /* under lock */
    uint32_t generation;                       /* under lock: bumped by each change */
    /* under lock: table pages kept for changes at run time, a list through their first word */
    uint64_t *spare_tables;
    unsigned spare_count;
    uint64_t table_pages; /* under lock: in use */
    uint8_t ipa_bits;     /* set at startup, then const */
    uint16_t vmid;
    uint64_t vtcr, vttbr; /* set at startup, then const */
};

/* Roots and registers for `ipa_bits` (rounded up to what the core's PARange and the memory of the VM need). */
int aspace_init(struct aspace *as, uint16_t vmid, unsigned ipa_bits) __startup __must_check;
/*
 * Adds a region and, where it has GRF_PASS_* flags, its stage 2 mapping: Normal memory with GRF_MEMORY (RAM: all three PASS flags; ROM:
 * without PASS_WR), else Device memory. Copies *r; the strings stay the caller's. -EEXIST names both owners; -E2BIG: out of regions; -EINVAL:
 * alignment, beyond ipa_bits; -ENOMEM. All traced.
 */
int aspace_add(struct aspace *as, const struct region *r) __startup __must_check;
/* The region that covers ipa, or NULL. Any phase; the region stays valid: after startup regions are const unless soft-changed under the lock. */
const struct region *aspace_find(const struct aspace *as, ipa_t ipa);
/* A free place for a device of that size and alignment, outside RAM, regions and reserves; QSL_NO_LOCATION if there is none. */
uint64_t aspace_find_free(const struct aspace *as, const struct config_vm *c, uint64_t size, uint64_t align) __startup;
/* The same, at or above `above`: for callers that know of places taken which are no regions yet. */
uint64_t aspace_find_free_above(const struct aspace *as, const struct config_vm *c, uint64_t above, uint64_t size,
                                uint64_t align) __startup;
/* Guest RAM or ROM at ipa: its physical address and how many bytes from there are contiguous in both; size 0: none. Pure. */
struct range aspace_ram_at(const struct aspace *as, ipa_t ipa, uint64_t want);
/* Frees the tables. The VM is gone or refused. */
void aspace_destroy(struct aspace *as);
/* One line: blocks by size, for the boot log and tests ("stage 2: 256 x 2 MiB, 3 x 4 KiB, 5 table pages"). */
void aspace_report(struct aspace *as, const char *name);
