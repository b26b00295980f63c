/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What arch keeps of a core; TPIDR_EL2 points here. First member of hyp's struct core. */
#include "arch/arm64/thread.h"
#include "arch/arm64/vcpu_arch.h"
#include "hyp/base/bits.h"
#include "hyp/base/lock.h"

struct core_arch {
    struct vcpu_arch *running;  /* this core only: whose guest the vectors save to */
    struct thread_arch *thread; /* this core only: the thread whose code runs here; NULL: none */
    uint64_t own_sp;            /* this core only: where the core's own stack is meanwhile */
    uint64_t emergency_sp;      /* set at startup, then const */
    uint64_t stack_bottom, stack_top;
    uint32_t panicking;     /* this core only: nests once */
    uint32_t serror_window; /* this core only: an SError now is the guest's */
    uint32_t serror_seen;
    uint32_t trying;   /* this core only: a synchronous abort now is mmio_try()'s */
    uint64_t left_esr; /* this core only, once serror_seen: ESR_EL2 of the exit before it */
    unsigned index;    /* set at startup, then const */
    uint64_t mpidr;
    struct lock_record locks[IS_ENABLED(CONFIG_LOCK_RECORD)]; /* this core only */
};

/* What a starting core reads with its MMU off: cleaned to the point of coherency. */
struct core_start_args {
    uint64_t root_pa; /* TTBR0_EL2 */
    uint64_t tcr;
    uint64_t sp;   /* EL2 virtual */
    uint64_t core; /* struct core_arch *, EL2 virtual */
};

static inline struct core_arch *this_core_arch(void)
{
    struct core_arch *c;
    __asm__ volatile("mrs %0, tpidr_el2" : "=r"(c)); /* not the same before and after a thread waited */
    return c;
}

/* The physical entry of a secondary core: x0 = physical address of its struct core_start_args. */
void secondary_entry(void);

/* The four upward calls; hyp defines them. */
struct hyp_boot_info {
    uint64_t fdt_pa;    /* 0: none given */
    uint64_t bundle_pa; /* from `go`'s arguments; 0: /chosen says */
    uint64_t load_pa;   /* where the image lies */
    uint64_t by_go;     /* entered through argc/argv */
    uint64_t entry_sctlr;
};
_Noreturn void hyp_main(const struct hyp_boot_info *info);
_Noreturn void hyp_secondary(struct core_arch *core);
