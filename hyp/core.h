/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A physical core and its loop: pick, enter, leave, dispatch, again. EL2 runs with interrupts masked all the while. */
#include "arch/arm64/core_arch.h"
#include "hyp/alarm.h"
#include "hyp/base/lock.h"
#include "hyp/platform.h"
#include "hyp/vm.h"

enum core_state { CORE_ABSENT, CORE_STARTING, CORE_UP };

struct core {
    struct core_arch arch; /* first: TPIDR_EL2 points here */
    /* set at startup, then const: */
    const struct platform_core *desc;
    unsigned cpu_count; /* vCPUs pinned here */
    uint64_t pmu;       /* pmu_version(), of a core that is up */
    /* any core, atomic: */
    uint32_t state;            /* enum core_state */
    uint32_t attention;        /* choose anew what runs here */
    struct alarm_queue alarms; /* has its own lock */
    struct core_sched sched;
    /* this core only: */
    struct guest_cpu *loaded;          /* whose registers the hardware holds */
    uint64_t armed;                    /* what EL2's timer is set to; ALARM_NEVER: off */
    uint64_t tlb_life[CONFIG_MAX_VMS]; /* guest_cpu.life of the vCPU of each VM that ran here last */
    struct guest_system *last_vm;      /* whose vCPU was here last */
    bool traps_wfi;                    /* who runs here leaves when it waits */
    uint64_t irqs;
    uint32_t acked; /* an interrupt that was acknowledged and waits to be handled + 1; 0: none */
};

static inline struct core *this_core(void)
{
    return (struct core *)this_core_arch();
}

/* All cores by the index of their cpu node; the boot core's place is found by MPIDR. */
extern struct core *cores[CONFIG_MAX_CORES];
struct core *core_by_mpidr(uint64_t mpidr);

/* Allocates the cores and makes the calling one the first that is up. */
int cores_init(const struct platform *p) __startup __must_check;
/* Starts the others; one that does not come up in a second is named and left out: its vCPUs' VMs are refused. */
void cores_start(const struct platform *p) __startup;
/* The cores that are up, a bit each. Any phase. */
uint64_t cores_up(void);
/* Makes the vCPU's own alarm. 0, or a traced negative errno. */
int vcpu_wake_init(struct guest_cpu *v, struct core *home) __startup __must_check;
/* Brings the vCPU out of its guest and to its core before all else there, to see what has become of it and its VM. Any core, any lock. */
void vcpu_attend(struct guest_cpu *v) __running;
/* Never returns. Running. */
_Noreturn void core_loop(struct core *c) __running;
/* The hot interrupts of a running guest: its timers and kicks. GUEST_RESUME, or GUEST_LEFT_IRQ: a full exit has to go on with it. */
int core_irq_fast(struct core *c, struct guest_cpu *v);
/* After something was done for the vCPU without leaving its context: its list registers follow. Same answer. */
static inline int core_settle(struct core *c, struct guest_cpu *v)
{
    const uint32_t *dirty = vintc_cpu_data(v);
    if (__atomic_load_n(dirty, __ATOMIC_RELAXED) | __atomic_load_n(&v->kicked, __ATOMIC_RELAXED)) {
        (void)__atomic_exchange_n(&v->kicked, 0, __ATOMIC_SEQ_CST);
        v->vm->intc->refresh(v);
    }
    if (__atomic_load_n(&v->pauses, __ATOMIC_RELAXED) | __atomic_load_n(&c->attention, __ATOMIC_RELAXED))
        return GUEST_LEFT_IRQ;
    return GUEST_RESUME;
}
