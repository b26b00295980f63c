/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The guest's address space: its regions, and guest memory in EL2's view. QNX's names; docs/VDEV.md says how they are used. */
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
    GRF_PASSTHRU =
        0x200, /* host_location is the entry's own (host.h), not RAM that is there: it comes and goes with it */
    GRF_PRECIOUS = 0x4000,
    GRF_NOPERMS = 0x8000,
};

struct gasp_region {
    uint32_t flags;
    uint32_t cookie;
    vdev_t *vdev; /* with VIRT flags or PASSTHRU: whose it is; to remove, whose it must be, NULL: whoever's it is */
    const struct reg_table *regs; /* ours: overrides the factory's for this region */
    uint64_t host_location;       /* with PASS flags: physical address */
    qvm_state_block guest;        /* location and length in the guest */
};

/* Adds regions at startup; overlap is an error that names both owners. EOK or a positive errno. */
int gasp_region_set(struct vdev_builder *b, unsigned n, const struct gasp_region *rgn) __startup __must_check;

/*
 * The lock of the guest's address space of that type (QST_MEMORY, the only one): regions do not change while it is held. Outside all
 * other locks of a vdev's. Any phase, any core, spins; EOK, or EINVAL, and then it is not held.
 */
int gasp_lock(guest_system *gsp, unsigned type) TRY_ACQUIRE(0, gsp) __must_check;
void gasp_unlock(guest_system *gsp, unsigned type) RELEASE(gsp);
/* Ours, for assertions and tests: does this core hold it? False where nothing is recorded (CONFIG_LOCK_RECORD, debug builds). Any phase, any core. */
bool gasp_lock_held(const guest_system *gsp, unsigned type);
/*
 * Adds, changes and removes regions while vCPUs run, in order: `guest` says where, all of it regions or none. Nothing there: added. GRF_NONE: removed.
 * Otherwise what is there gets the entry's flags, cookie, vdev and register table; it must be memory or the same vdev's. Memory keeps its contents,
 * and what it permitted before comes back when the entry is removed. With GRF_PASSTHRU and a vdev the region is new memory at host_location (GRF_MEMORY: Normal, else Device), so that
 * vdevs of several VMs can show the same pages; it goes when it is removed, and no map (gasp_map(), ...) reaches it. Of memory whole pages change. Regions are split and joined. Every
 * access that begins after the call returned sees the change; one that another vCPU began before may still come to the vdev: look under v_mtx whether it is for what there is.
 * Running; under gasp_lock(). Answers n, or the index of the first entry that cannot be, with the positive errno in *err (traced): EINVAL, ENOENT, EEXIST
 * (another vdev's), EPERM (the description's), E2BIG, ENOMEM, ERANGE (host memory beyond 48 bits); the entries before it are done. A register table must be one that gasp_regs_prepare(), or
 * gasp_region_set(), had at startup.
 */
unsigned gasp_region_set_soft(guest_system *gsp, unsigned n, const struct gasp_region *rgn, int *err)
    REQUIRES(gsp) __running __must_check;
/* Makes a register table known that only a soft change will use. EOK or a positive errno. */
int gasp_regs_prepare(struct vdev_builder *b, const struct reg_table *regs) __startup __must_check;
/*
 * Makes sure that soft changes within `window` (new regions, removed again) do not fail for want of table pages or of room for `regions` regions. At startup. EOK, ENOMEM, or E2BIG (more regions than a VM can have): traced
 * with the node's path. Memory of 2 MiB and more must lie at the same offset in 2 MiB as where it is shown.
 */
int gasp_window_prepare(struct vdev_builder *b, const qvm_state_block *window, unsigned regions) __startup __must_check;
/* The region that covers the block's first byte; of a region that was split, the piece. EOK or ENOENT. Any phase; not for holders of v_mtx that a change might wait for. */
int gasp_region_info(guest_system *gsp, const qvm_state_block *blk, struct gasp_region *rgn) __must_check;
/* Free guest addresses for `size` bytes, above RAM, regions, `reserve`d ranges and, at startup, what vdevs (the caller too) have that is no region yet (`reg`, v_block), into blk. At startup, or under gasp_lock(). EOK or ENOSPC. */
int gasp_find_free(guest_system *gsp, uint64_t size, uint64_t align, qvm_state_block *blk) REQUIRES(gsp) __must_check;
/* The same from `first` to `last`, both included: the lowest. */
int gasp_find_free_range(guest_system *gsp, uint64_t first, uint64_t last, uint64_t size, uint64_t align,
                         qvm_state_block *blk) REQUIRES(gsp) __must_check;

/* Where a walk over the regions is; zeroed, it is at the lowest. */
struct gasp_walk {
    uint64_t from;
    bool ended;
};
/* Begins a walk at the lowest address. */
void gasp_walk_init(struct gasp_walk *w);
/* The next region, by rising address; false: there is no more. Regions may change on the way, unless gasp_lock() is held: each answer was true. Any phase. */
bool gasp_walk_next(guest_system *gsp, struct gasp_walk *w, struct gasp_region *rgn);
/* How many regions there are now. Any phase. */
unsigned gasp_walk_count(guest_system *gsp);

#define GRAM_MAX 8 /* pieces of RAM that the vdevs of one VM may reserve */
/*
 * Guest RAM for what a vdev writes there at each start (at GUEST_STARTING, through gasp_map_firmware()), for tables that the guest finds. gram_reserve()
 * makes it nobody's else: no image goes there, and the guest's tree has it as a memory reservation. Startup, until ASSIGN.
 * Whole pages. Find: the highest free place that is RAM, or the highest from `first` to `last`; EOK; EINVAL (alignment, no size); ENOSPC.
 * Reserve: EOK; EINVAL (no pages), EFAULT (not all RAM), EEXIST, ENOSPC (more than GRAM_MAX), EPERM (GEN_FDT: too late), all traced. An image that the description puts there refuses the VM.
 */
int gram_find_free(const struct vdev_builder *b, uint64_t size, uint64_t align, uint64_t *at) __startup __must_check;
/* The same within bounds, both included. */
int gram_find_free_range(const struct vdev_builder *b, uint64_t first, uint64_t last, uint64_t size, uint64_t align,
                         uint64_t *at) __startup __must_check;
/* Makes a place in RAM the vdev's. */
int gram_reserve(const struct vdev_builder *b, uint64_t at, uint64_t size) __startup __must_check;

/*
 * Guest memory in EL2's view. Nothing of it is, but between these calls. A VM's vdevs share 2 MiB / CONFIG_MAX_VMS, in pages, with one page between two maps that
 * nothing is mapped in. Any phase, any core, thread safe; never block. A map keeps what it saw when regions change; the guest may write the memory
 * at any time: copy, then check the copy.
 */
enum gasp_map_flags { GMF_READ = 1, GMF_WRITE = 2 };
typedef struct {
    uint64_t opaque[3];
} gasp_map_handle_t;
/* Memory whose address the guest supplied: with no more rights than the guest has itself. EOK, EFAULT (not all of it is memory that the guest may so use),
 * EINVAL (no length, no flag), ENOSPC (no room in the view). Nothing is traced: a guest can cause it. */
int gasp_map(vdev_t *vdev, unsigned prot, uint64_t gpa, uint64_t len, gasp_map_handle_t *out) __must_check;
/* Memory whose address the vdev chose: RAM or ROM, whatever the guest may do there. */
int gasp_map_firmware(guest_system *gsp, unsigned prot, uint64_t gpa, uint64_t len,
                      gasp_map_handle_t *out) __must_check;
/* Where the map's first byte is; NULL after it was unmapped. */
void *gasp_get_vaddr(const gasp_map_handle_t *handle);
/* Undoes a map; once done, or on a zeroed handle, nothing. `flush` cleans it to the point of coherency, for guests that read with caches off. */
void gasp_unmap_handle(guest_system *gsp, gasp_map_handle_t *handle, bool flush);
/* The same with pointers, as 7.x has them: NULL if it cannot be. gasp_unmap() answers EOK or EINVAL (no such map; traced). */
void *gasp_map_vdma(vdev_t *vdev, unsigned prot, uint64_t gpa, uint64_t len) __must_check;
void *gasp_map_sys(guest_system *gsp, unsigned prot, uint64_t gpa, uint64_t len) __must_check;
int gasp_unmap(guest_system *gsp, void *ptr, uint64_t len, bool flush);
/* gasp_map_vdma() of as much of *len as the machine has in one piece: its physical address in *paddr, what was mapped in *len. */
void *gasp_map_contig(vdev_t *vdev, unsigned prot, uint64_t gpa, uint64_t *len, uint64_t *paddr) __must_check;
