/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a VM's vCPUs were doing, for people. */
#include "hyp/vm.h"

/* Asks each vCPU's core for a vcpu_dump(). Any core, any lock; does not wait. */
void vm_dump(struct guest_system *vm) __running;
/* Was vm_dump() called since? Then it is no more. On the vCPU's core. */
static inline bool vcpu_dump_wanted(struct guest_cpu *v)
{
    return __atomic_load_n(&v->dump, __ATOMIC_RELAXED) && __atomic_exchange_n(&v->dump, 0, __ATOMIC_ACQUIRE);
}
/* Its registers and what it did, into the log. It is in no core's hardware. */
void vcpu_dump(const struct guest_cpu *v);
/* One line: where it is, whether it is on, how often it left the guest for what. Any core. */
void vcpu_status(const struct guest_cpu *v);
