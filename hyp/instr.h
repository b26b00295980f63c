/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Instructions that vdevs of a VM serve. */
#include "hyp/api/instr.h"

struct exit;

struct instr_trap {
    vdev_t *vdev;
    guest_instr_callback callback;
    uint64_t first, last; /* of the qualifier without direction and Rt */
    unsigned git;
    bool any;
};

/* Set at startup, then const. */
struct instr_traps {
    struct instr_trap at[GUEST_INSTR_MAX];
    unsigned count;
};

/* Has a vdev of the VM asked for just this call, or a range that has it? Pure. */
bool instr_serves(const struct guest_system *vm, unsigned git, uint32_t fn);
/* Asks the VM's vdevs one after the other: those that named it, or those that take `any` (GIT_FLAG_NO_QUALIFIER). VRS_CONTINUE: nobody's. */
enum vdev_ref_status instr_ask(guest_cpu *v, unsigned git, uint64_t qualifier, bool any) __running;
