/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/steal.h"
#include "arch/arm64/timer.h"
#include "hyp/vm.h"

#include <errno.h>

#define NS UINT64_C(1000000000)

/* Exact for 580 years: the rest is below the rate, and that times NS below 2^64. */
static uint64_t ticks_to_ns(uint64_t ticks)
{
    uint64_t hz = timer_freq();
    return ticks / hz * NS + ticks % hz * NS / hz;
}

uint64_t steal_ticks(const struct guest_cpu *v)
{
    return v->ctx.waited - v->steal.zero;
}

void steal_show(const struct guest_cpu *v)
{
    if (v->steal.ns)
        __atomic_store_n(v->steal.ns, ticks_to_ns(steal_ticks(v)), __ATOMIC_RELAXED);
}

void steal_reset(struct guest_system *vm)
{
    for (unsigned i = 0; i < vm->cpu_count; i++) {
        vm->cpus[i]->steal.zero = vm->cpus[i]->ctx.waited;
        steal_show(vm->cpus[i]);
    }
}

int guest_cpu_stolen_to(guest_cpu *gcp, uint64_t *ns)
{
    if (!phase_is(PHASE_STARTUP, gcp->vm->name))
        return EPERM;
    if (gcp->steal.ns)
        return error_at(EBUSY, "%s: vcpu %u: two vdevs want its stolen time", gcp->vm->name, gcp->index);
    gcp->steal.ns = ns;
    return EOK;
}
