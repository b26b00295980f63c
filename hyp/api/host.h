/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What of the machine itself a vdev may have: memory that is no VM's own, devices, interrupts. All of it is taken at startup, each by one owner;
 * it shows in a guest by gasp_region_set() and gasp_region_set_soft() with GRF_PASSTHRU, and as a line by guest_intr_signal().
 */
#include "hyp/api/types.h"
#include "hyp/base/phase.h"

struct vdev_builder;

/* Memory of the machine in one piece, whole pages. Set at startup, then const. `location` is what a region's host_location takes. */
struct host_memory {
    uint64_t location;
    uint64_t length;
};

/*
 * Takes `size` bytes, a multiple of 4 KiB, out of the machine's free memory; from 2 MiB on, at a multiple of that. They stay with who took them, also
 * when its VM is refused later. What is in them is of no one's concern yet: host_memory_zero() before a guest sees it. EOK; ENOMEM, EINVAL: traced with the node's path.
 */
int host_memory_reserve(const struct vdev_builder *b, uint64_t size, struct host_memory *out) __startup __must_check;
/* Zeroes a part of it, page granular, and writes it back to the point of coherency, for guests that look past the caches. Any core; takes no lock; as long as it takes: the
 * caller chooses the length so that it is bounded. No region may show that part to a guest meanwhile. */
void host_memory_zero(const struct host_memory *m, uint64_t offset, uint64_t length) __running;

/*
 * Makes [location, location + length) of the machine's address space the vdev's: registers, or memory that the machine does not count as RAM. Page granular. EOK; EINVAL (not
 * pages, beyond 48 bits), EBUSY (RAM, or something that EL2 or another vdev has): traced, with both owners. Given back if the VM is refused.
 */
int host_device_claim(const struct vdev_builder *b, uint64_t location, uint64_t length) __startup __must_check;

/* Registers of the machine that EL2 accesses for a guest, byte granular: what else is in their page stays others'. Set at startup, then const. */
struct host_regs {
    volatile void *at;
    uint64_t length;
};
/* Makes them the vdev's, as host_device_claim() does, and EL2 able to access them. EOK; the same errors, and ENOMEM. */
int host_regs_claim(const struct vdev_builder *b, uint64_t location, uint64_t length,
                    struct host_regs *out) __startup __must_check;
/* One access of 1, 2, 4 or 8 bytes at a multiple of them. EOK; EINVAL: it is none such, or leaves the range; EFAULT: the machine answered with an external abort. Any core; takes no lock. */
int host_regs_read(const struct host_regs *r, uint64_t offset, unsigned size, uint64_t *value) __running __must_check;
int host_regs_write(const struct host_regs *r, uint64_t offset, unsigned size, uint64_t value) __running __must_check;

/* A device of the machine as its tree has it, for a vdev that passes it on. Only at startup. */
struct host_node {
    const char *path;
    int offset;
};
/* Finds it by its path. EOK; ENOENT, traced: the machine that runs has none such, or it is switched off there and the vdev's node does not say status = "okay". */
int host_node_find(const struct vdev_builder *b, const char *path, struct host_node *out) __startup __must_check;
/* Is the range one of its registers? Or the whole pages around one of them, with nothing of another node in them? EOK; EINVAL, EBUSY: traced, with the other node. */
int host_node_range(const struct vdev_builder *b, const struct host_node *n, uint64_t location,
                    uint64_t length) __startup __must_check;
/* Is the interrupt one that it raises, at the machine's GIC? EOK; EINVAL, traced. */
int host_node_interrupt(const struct vdev_builder *b, const struct host_node *n, uint32_t intid) __startup __must_check;
/*
 * Can it reach all RAM of the VM, by the dma-ranges of the buses above it, at the addresses where the VM's own node says so (armature,dma-ranges: device's address, the
 * machine's, size, two cells each; absent: at the machine's)? EOK; EINVAL, EFAULT (RAM that it does not reach), EPERM (the VM is not armature,identity): traced.
 */
int host_node_dma(const struct vdev_builder *b, const struct host_node *n) __startup __must_check;

/* Told on the core that the interrupt goes to, no lock held; must not wait. true: it stays masked until host_intr_done(); false: it may fire again at once. */
typedef bool (*host_intr_fired)(void *data);
/*
 * Makes a shared peripheral interrupt of the machine the vdev's; it goes to the core of its VM's first vCPU, and is off until host_intr_enable(). EOK; EBUSY (another owner),
 * EINVAL (no SPI), ENOSPC: traced, with both owners. Given back if the VM is refused.
 */
int host_intr_claim(const struct vdev_builder *b, uint32_t intid, bool edge, host_intr_fired fired,
                    void *data) __startup __must_check;
/* Lets it fire, or not. An edge that was seen while it was off is forgotten. Any core. */
void host_intr_enable(uint32_t intid, bool on) __running;
/* While it is masked so: is its line high still? Of an edge: did another come? Any core. */
bool host_intr_pends(uint32_t intid) __running;
/* Who answered `true` is done with it: it fires again if its line is still high, or if an edge came since. Any core. */
void host_intr_done(uint32_t intid) __running;
