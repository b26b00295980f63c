/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The guest as a whole: data movement by state blocks, interrupt lines, termination. QNX's names. */
#include "hyp/api/types.h"
#include "hyp/base/phase.h"

#define GXF_NONE 0
/* Fetch or store `len` bytes of the `n` blocks. EOK; -1: the guest's own translation refuses (QST_VIRTUAL), inject an exception; or an errno: EFAULT (no
 * memory of the guest's that permits it), EINVAL, ENOTSUP (a type that is not offered). gcp NULL: QST_HOST and QST_IMMEDIATE only.
 * Thread safe; a register block or a virtual address needs the caller to be on that vCPU's exit path. */
int guest_cpu_read(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n, void *data,
                   size_t len) __running __must_check;
int guest_cpu_write(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n, const void *data,
                    size_t len) __running __must_check;

/* Fills the blocks with ones, extended as they say: what a read of nothing gives. Answers as guest_cpu_write(). */
int guest_write_all_ones(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n) __running __must_check;

/* Drive an interrupt line. Any core; takes the controller's lock; level: GIS_ON until GIS_OFF. A line without controller: EOK. */
int guest_intr_signal(const struct guest_intr *gip, enum guest_intr_state state) __running;

/* Why a VM ended: 1-31 system, 32-63 vdev-defined. */
enum guest_cause {
    GTC_OFF = 1,
    GTC_RESET = 2,
    GTC_CRASH = 3,
    GTC_WATCHDOG = 4,
    GTC_REFUSED = 5,
    GTC_UNSUPPORTED = 6,
    GTC_CUSTOM_MIN = 32,
    GTC_MAX = 63,
};
/* Ends the VM now: all its vCPUs leave the guest and stay out. Any core; does not wait. */
void guest_terminate(guest_system *gsp, unsigned cause) __running;

/* Whether the guest runs. GPS_OFF: not started yet, ended, or between its end and its next start. */
enum guest_power_state { GPS_OFF, GPS_ON, GPS_PAUSED };
/* Its state now; a moment later it may be another. Any phase, any core. */
enum guest_power_state guest_power_state_current(const guest_system *gsp);

/* How many vCPUs the VM has. */
unsigned guest_cpu_count(const guest_system *gsp);
/* The vCPU of that index; NULL: there is none. */
guest_cpu *guest_cpu_get(guest_system *gsp, unsigned index);
/* Which of its VM's vCPUs it is. */
unsigned guest_cpu_index(const guest_cpu *gcp);
/* The VM's name, as in the description. */
const char *guest_name(const guest_system *gsp);

struct vdev_builder;
/*
 * A line of the VM's interrupt controller that no vdev has and the description does not reserve; it is the vdev's from then on. Startup, at
 * ASSIGN: all lines that the description gives are known by then. EOK; ENOSPC, traced with the node's path: no controller, or no free line.
 */
int guest_intr_assign(const struct vdev_builder *b, struct guest_intr *out) __startup __must_check;
/* One more than the controller's highest pin; 0 for a vdev that is none. Any phase, any core. */
unsigned guest_intr_num_pins(const vdev_t *pic);
/* The line's name for people, as its controller writes it ("SPI 5"); "none" if it has no controller. snprintf-like. Any phase, any core. */
int guest_intr_string(const struct guest_intr *gip, char *buf, size_t n);
/*
 * A place for a vdev: `size` bytes at a multiple of `align` (a power of two, at least a page) that no region, vdev or `reg` has and the description
 * does not reserve. Sets nothing: the caller puts it into v_block, and later calls see it there. Startup, at ASSIGN. QSL_NO_LOCATION: none is free
 * (not traced).
 */
uint64_t guest_space_find_free(const struct vdev_builder *b, uint64_t size, uint64_t align) __startup;
