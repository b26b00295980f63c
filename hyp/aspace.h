/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A VM's address space: its regions (what is where, who owns it) and its stage 2 tables. Who looks a region up while the machine runs gets
 * a copy, made under the lock; what a vCPU accessed last stays in its cache and costs no lock until the space changes.
 */
#include "arch/arm64/layout.h"
#include "arch/arm64/pgtable.h"
#include "hyp/base/lock.h"
#include "hyp/region.h"

/* A VM's share of the area where EL2 sees guest memory (hyp/api/gasp.h), in pages. */
#define VIEW_PAGES (HYP_VIEWS_SIZE / PAGE_SIZE / CONFIG_MAX_VMS)

/* What a vCPU accessed last, good as long as the space has not changed: `generation` is the space's. */
struct region_cache {
    struct region region;
    uint32_t generation;
};

/* Addresses that a vdev keeps for regions of its own at run time. */
struct aspace_window {
    ipa_t base;
    uint64_t size;
    const vdev_t *vdev;
    const char *owner;
};

struct aspace {
    struct spinlock change; /* gasp_lock(): held by who changes regions at run time, over as many calls as that takes */
    struct spinlock lock;   /* inside `change` and vdevs' locks; nothing but log and EL2's tables inside it */
    struct pt pt;           /* under lock: writers; the hardware walks without it */
    struct region_table regions; /* under lock */
    uint32_t generation;         /* under lock: bumped by each change; read without it to check a cache */
    uint16_t views
        [VIEW_PAGES]; /* under lock: of a map in the VM's share of the view area, at its first page: how many pages it has */
    /* under lock: table pages kept for changes at run time, a list through their first word */
    uint64_t *spare_tables;
    unsigned spare_count;
    uint64_t table_pages; /* under lock: in use */
    /* set at startup, then const: windows, and the regions and table pages kept for them */
    struct aspace_window windows[CONFIG_MAX_VDEVS];
    unsigned window_count, promised, promised_tables;
    uint8_t ipa_bits; /* set at startup, then const */
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
/* Keeps w for its vdev: addresses, table pages, and room for `regions` regions. -EINVAL, -EEXIST (overlap), -ENOMEM, -E2BIG: traced. */
int aspace_prepare(struct aspace *as, const struct aspace_window *w, unsigned regions) __startup __must_check;
/* The region that covers ipa, or NULL; for who holds the lock, and at startup. */
const struct region *aspace_find(const struct aspace *as, ipa_t ipa);
/* The same while the machine runs: a copy in `cache`, valid until its next use; NULL: nothing is there. Takes the lock unless the cache is still good. */
const struct region *aspace_find_cached(struct aspace *as, struct region_cache *cache, ipa_t ipa);
/* A number that each change makes another; with acquire order. */
static inline uint32_t aspace_generation(const struct aspace *as)
{
    return __atomic_load_n(&as->generation, __ATOMIC_ACQUIRE);
}
static inline const struct region *aspace_cached(const struct aspace *as, const struct region_cache *cache, ipa_t ipa)
{
    bool good = ipa.raw - cache->region.base.raw < cache->region.size && cache->generation == aspace_generation(as);
    return good ? &cache->region : NULL;
}
/*
 * Changes [r->base, r->base + r->size), all of it regions or none: nothing there: added; flags GRF_NONE: removed; else given r's flags, cookie, vdev and
 * register table. Memory stays memory, where it is: removing restores what it permits by itself. Splits and joins regions and blocks of stage 2. Done when
 * every core sees it. -EINVAL, -ENOENT (nothing to remove), -EEXIST (another vdev's; both named), -EPERM (what the description gave and no vdev's own),
 * -E2BIG (regions), -ENOMEM (table pages): all traced, and nothing changed.
 */
int aspace_change(struct aspace *as, const struct region *r) REQUIRES(as->change) __must_check;
/* Where free places for devices are looked for first: above what QEMU's virt machine has below its RAM. */
#define ASPACE_DEVICES_FROM UINT64_C(0x0c000000)
/* The lowest free place at or above `above` for a device of that size and alignment, outside RAM, regions and reserves; QSL_NO_LOCATION if there is none. */
uint64_t aspace_find_free(const struct aspace *as, const struct config_vm *c, uint64_t above, uint64_t size,
                          uint64_t align);
/* Guest RAM or ROM of the VM's own at ipa that permits the guest the GRF_PASS_* bits `pass` (0: any): its physical address and how many bytes, at most `want`,
 * are contiguous in both from there; size 0: none. Takes the lock. */
struct range aspace_ram_at(struct aspace *as, ipa_t ipa, uint64_t want, uint32_t pass);
/* Frees the tables. The VM is gone or refused. */
void aspace_destroy(struct aspace *as);
/* One line: blocks by size, for the boot log and tests ("stage 2: 256 x 2 MiB, 3 x 4 KiB, 5 table pages"). */
void aspace_report(struct aspace *as, const char *name);
