/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Stolen time: how long a vCPU could have run and did not. That is what the scheduler counts of its context, ready and not running, since
 * the VM started.
 */
#include "hyp/base/bits.h"

struct guest_cpu;
struct guest_system;

struct steal {
    uint64_t *ns;  /* set at startup, then const: where the guest reads it; NULL: nowhere */
    uint64_t zero; /* this core only: the context's ticks when the VM started */
};

/* The vCPU has come to this core: its guest sees what was stolen until then. */
void steal_show(const struct guest_cpu *v);
/* In ticks, until it last came to a core. */
uint64_t steal_ticks(const struct guest_cpu *v);
/* The VM ended: none of its vCPUs is on, and the next start counts from 0. */
void steal_reset(struct guest_system *vm);
