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

static void word_store(const struct steal *s)
{
    if (s->ns)
        __atomic_store_n(s->ns, ticks_to_ns(s->ticks), __ATOMIC_RELAXED);
}

void steal_begin(struct guest_cpu *v, uint64_t now)
{
    if (!v->steal.since)
        v->steal.since = now;
}

void steal_end(struct guest_cpu *v, uint64_t now)
{
    struct steal *s = &v->steal;
    if (!s->since)
        return;
    s->ticks += now - s->since;
    s->since = 0;
    word_store(s);
}

void steal_reset(struct guest_system *vm)
{
    for (unsigned i = 0; i < vm->cpu_count; i++) {
        struct steal *s = &vm->cpus[i]->steal;
        s->since = s->ticks = 0;
        word_store(s);
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
