/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Stolen time: how long a vCPU could have run and did not. A vCPU that could run is on, its VM runs, and it neither sleeps nor is kept out. Whoever decides what a core runs says when that begins
 * and when it ends; all of it under what guards the vCPU's scheduling.
 */
#include "hyp/base/bits.h"

struct guest_cpu;
struct guest_system;

struct steal {
    uint64_t *ns; /* set at startup, then const: where the guest reads it; NULL: nowhere */
    /* this core only: */
    uint64_t since; /* the machine's count since when it could run and does not; 0: it does, or cannot */
    uint64_t ticks; /* the sum of what has ended, since the VM started */
};

/* From `now` on it could run and does not. Once begun, nothing. */
void steal_begin(struct guest_cpu *v, uint64_t now);
/* It runs from `now` on, or cannot any more. Not begun, nothing. The guest's word follows. */
void steal_end(struct guest_cpu *v, uint64_t now);
/* The VM ended: none of its vCPUs is on, and the next start counts from 0. */
void steal_reset(struct guest_system *vm);
