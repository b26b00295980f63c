/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Virtual machines and vCPUs: what they are made of and what guards it. */
#include "arch/arm64/vcpu_arch.h"
#include "hyp/api/guest.h"
#include "hyp/api/vdev.h"
#include "hyp/api/vintc.h"
#include "hyp/aspace.h"
#include "hyp/base/list.h"
#include "hyp/base/lock.h"
#include "hyp/base/log.h"
#include "hyp/config.h"
#include "hyp/gram.h"
#include "hyp/instr.h"
#include "hyp/sched.h"
#include "hyp/steal.h"

/* A line that somebody is told of. */
struct intr_watch {
    uint32_t param;
    unsigned which;
    guest_intr_told told;
    void *data;
};

enum vcpu_power { VCPU_OFF, VCPU_ON_PENDING, VCPU_ON };
enum vm_state { VM_CONFIGURED, VM_RUNNING, VM_PAUSED, VM_ENDING, VM_ENDED, VM_REFUSED };

#define VM_SEEDS 2
#define VM_MAX_IMAGES (CONFIG_MAX_RAM_RANGES + 3)

/* What is copied into a VM's memory at each start; sorted by base, disjoint. */
struct vm_image {
    ipa_t base;
    const uint8_t *data; /* in the bundle, or the generated tree */
    uint64_t size;
};

/* An access to a register of a vdev that was made before: what serves it. Good as long as the address space's generation is. */
struct access_slot {
    uint64_t ipa;
    uint32_t syndrome; /* of ESR_EL2, never 0 */
    uint32_t generation;
    const struct reg *row;
    uint64_t mask; /* the bits of its size */
    struct reg_access access;
};

struct guest_cpu {
    void *intc; /* the interrupt controller's data; first: see vintc_cpu_data() */
    struct context ctx;
    struct alarm wake; /* its timers while it sleeps outside the hardware */
    /* set at startup, then const: */
    struct guest_system *vm;
    unsigned index;
    uint64_t mpidr;
    /* under vm->lock: */
    enum vcpu_power power; /* atomic: its core reads it without the lock */
    uint64_t start_pc, start_x0;
    bool start_big_endian; /* SCTLR_EL1.EE, as of who called */
    /* any core, atomic: */
    uint32_t kicked;   /* look at your interrupts and requests before entering */
    uint32_t in_guest; /* list registers may be ahead of the virqs */
    uint32_t pauses;   /* stay out while not 0 */
    uint32_t dump;     /* its registers are wanted in the log */
    /* this core only: */
    struct region_cache hot; /* what it accessed last */
    struct access_slot accesses[8];
    struct vcpu_arch arch;
    uint64_t life; /* another number each time it is started: whose its TLB entries are */
    struct steal steal;
    bool waiting;                     /* it sleeps in WFI or CPU_SUSPEND */
    bool pristine;                    /* off, its registers being those of a reset already */
    bool powered_down;                /* CPU_SUSPEND to power-down: goes on at start_pc, as after a reset */
    uint64_t exits[EXIT_UNKNOWN + 1]; /* by enum exit_kind */
};

struct CAPABILITY("guest address space") guest_system {
    /* set at startup, then const: */
    unsigned id;
    const struct config_vm *config;
    const void *fdt_source; /* the description, for startup */
    const char *name;
    struct guest_cpu **cpus;
    unsigned cpu_count;
    vdev_t *vdevs;
    unsigned vdev_count;
    vdev_t *intc_vdev;
    const struct vintc_ops *intc;
    struct intr_watch watches[GUEST_INTR_WATCHED];
    unsigned watch_count;
    struct range ram[CONFIG_MAX_RAM_RANGES]; /* host memory of config->ram[i] */
    struct gram gram[GRAM_MAX];              /* RAM that vdevs reserved */
    unsigned gram_count;
    bool gram_sealed;                      /* images are placed around it */
    struct vm_image images[VM_MAX_IMAGES]; /* the generated tree among them */
    unsigned image_count;
    uint64_t idregs[7][8];      /* ID registers as this VM sees them: [CRm - 1][op2] */
    struct instr_traps traps;   /* instructions that vdevs serve */
    uint8_t *seeds[VM_SEEDS];   /* in the generated tree as it is kept, written before each load; NULL: none */
    uint32_t seeds_made;        /* those that are ours, a bit each */
    uint64_t entry, fdt_ipa;    /* where it starts, what x0 holds */
    struct vdev_sched sched;    /* how threads for it run, where nothing else is said */
    struct core *home;          /* whose timer its vdevs' threads and its own use */
    struct thread *keeper;      /* loads it, and sees to its end */
    bool threads_end;           /* under the scheduler's lock: its vdevs' threads are being ended, none is made */
    struct guest_timer *timers; /* of all its vdevs */

    struct aspace as; /* has its own lock */
    /* While vdevs are made, else NULL: the end of what one of them has in [at, at+size), 0: nothing. */
    uint64_t (*place_taken)(struct guest_system *vm, uint64_t at, uint64_t size);

    struct spinlock lock;
    /* under lock: */
    enum vm_state state; /* atomic: cores read it without the lock */
    unsigned cause;
    unsigned cpus_on; /* also ON_PENDING */
    uint32_t restarts;
    bool ended_early; /* a vdev ended it, for `cause`, while it was loaded */
    bool held;        /* paused by whoever runs the machine */
    unsigned told;    /* how many speak to its vdevs: TERMINATE waits for them; atomic */
    unsigned stops;   /* reasons why it is VM_PAUSED: that one, and guest_clock_stop() */

    struct spinlock clock_lock;
    /* under clock_lock: */
    uint64_t clock_zero;       /* the machine's count that is its 0; read without lock by its vCPUs' cores */
    uint64_t clock_stopped_at; /* no vCPU saw a later one */
    uint64_t clock_readers;    /* vCPUs that were in the guest when it stopped, and may not have left; a bit each */
    bool clock_runs;
    /* any core, atomic: */
    bool over;            /* all was said about its end, and it does not start again */
    uint64_t unsupported; /* accesses that went by policy */
    struct log_limit log_limit;
    struct log_limit end_limit; /* lines about its ends: none that its accesses have used up */
};

/*
 * As they are now; without vm->lock they may change at once. Acquire pairs with release: who sees a VM run sees its clock as it was started. A core that looked
 * too early looks again: whoever changes them kicks the vCPU afterwards, and its turn begins by taking that kick.
 */
static inline enum vm_state vm_state(const struct guest_system *vm)
{
    return __atomic_load_n(&vm->state, __ATOMIC_ACQUIRE);
}
static inline enum vcpu_power vcpu_power(const struct guest_cpu *v)
{
    return __atomic_load_n(&v->power, __ATOMIC_ACQUIRE);
}
/* vm->lock held, or nobody else knows of it yet. */
static inline void vm_state_set(struct guest_system *vm, enum vm_state state)
{
    __atomic_store_n(&vm->state, state, __ATOMIC_RELEASE);
}
static inline void vcpu_power_set(struct guest_cpu *v, enum vcpu_power power)
{
    __atomic_store_n(&v->power, power, __ATOMIC_RELEASE);
}

/* May it run on more than one core? */
static inline bool vcpu_floats(const struct guest_cpu *v)
{
    return v->ctx.cores & (v->ctx.cores - 1);
}

extern struct guest_system *vms[CONFIG_MAX_VMS]; /* set at startup, then const */
extern unsigned vm_count;

/*
 * Builds one VM from its description: memory, vCPUs, vdevs, images, the guest's tree. What cannot be built is marked VM_REFUSED with the reason traced and its
 * memory given back; a dry run is told of on the results channel and VM_ENDED, its memory kept; the others go on. NULL only when EL2 itself has no memory left.
 */
struct guest_system *vm_build(const struct config *c, const struct config_vm *vc, unsigned id) __startup;
