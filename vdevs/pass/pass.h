/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A device of the machine in a VM: its parts. */
#include "hyp/api/gasp.h"
#include "hyp/api/guest.h"
#include "hyp/api/host.h"
#include "hyp/api/vdev.h"

#define PLACES_MAX 8 /* of one node: ranges, and interrupts */

struct pass_line {
    /* set at startup, then const: */
    vdev_t *vdev;
    struct guest_intr line;
    uint32_t intid; /* of the machine */
    bool edge;
    /* under v_mtx: */
    bool high; /* taken, and not ended by the guest yet */
};

struct pass {
    /* startup only: the properties' bytes */
    struct vdev_option attributes[PLACES_MAX], host_reg, host_intr, intr;
    struct host_node node; /* path NULL: the description stands for itself */
    /* set at startup, then const: */
    bool no_dma;
    struct host_regs regs[PLACES_MAX]; /* of ranges whose accesses are forwarded; at NULL: the guest's own */
    uint64_t bases[PLACES_MAX];        /* where the guest has these */
    struct pass_line lines[PLACES_MAX];
    unsigned line_count;
    /* under v_mtx: */
    bool running;
    uint64_t taken;
};

/* Gives the guest all ranges of `reg`: whole pages directly, others access by access. */
int pass_ranges(struct vdev_builder *b) __startup __must_check;
/* A number of so many bytes, as the description has it. */
uint64_t pass_number(const void *data, unsigned bytes) __startup;

enum vdev_ref_status pass_vread(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd, const qvm_state_block *oopnd,
                                guest_cpu *gcp) __running;
enum vdev_ref_status pass_vwrite(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd, const qvm_state_block *oopnd,
                                 guest_cpu *gcp) __running;
