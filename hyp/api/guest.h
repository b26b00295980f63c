/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The guest as a whole: data movement by state blocks, interrupt lines, termination. QNX's names. */
#include "hyp/api/types.h"
#include "hyp/base/phase.h"

#define GXF_NONE 0
/* Fetch or store `len` bytes of the `n` blocks. EOK, -1: inject an exception, or an errno. gcp NULL: address space only.
 * Thread safe; a register block needs the caller to be on that vCPU's exit path. */
int guest_cpu_read(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n, void *data,
                   size_t len) __running __must_check;
int guest_cpu_write(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n, const void *data,
                    size_t len) __running __must_check;

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

/* How many vCPUs the VM has. */
unsigned guest_cpu_count(const guest_system *gsp);
/* The vCPU of that index; NULL: there is none. */
guest_cpu *guest_cpu_get(guest_system *gsp, unsigned index);
/* Which of its VM's vCPUs it is. */
unsigned guest_cpu_index(const guest_cpu *gcp);
/* The VM's name, as in the description. */
const char *guest_name(const guest_system *gsp);
