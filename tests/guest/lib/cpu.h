/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The cores of the guest: what each found at entry, its exceptions, and how to run functions on it. */
#include "hyp/base/bits.h"
#include "tests/guest/lib/cpu_offsets.h"
#include "tests/guest/lib/exception.h"

#define CPUS_MAX 8

/* System registers as the core had them at entry, read before anything else wrote them. */
struct entry_sysregs {
    uint64_t sctlr, cpacr, tcr, ttbr0, ttbr1, mair, vbar, elr, spsr, esr, far, par, tpidr_el1, tpidr_el0, tpidrro,
        sp_el0;
    uint64_t contextidr, cntkctl, cntv_ctl, cntp_ctl, mdscr, oslsr, pmr, igrpen0, igrpen1, icc_ctlr, isr;
};

struct cpu {
    /* Written by start.S, MMU off. */
    uint64_t entry_x[31];
    uint64_t entry_spsel, entry_daif, entry_el, entry_sp;
    struct entry_sysregs entry;
    /* Set by the boot core before this one starts. */
    uint64_t mpidr;
    unsigned int index;
    void (*early)(struct cpu *cpu);
    uint64_t redistributor;
    /* This core only. */
    struct recovery recovery;
    struct exception exception;
    volatile bool catching;
    void (*irq_hook)(uint32_t intid);
    volatile uint64_t irq_time;
    volatile uint32_t irq_count;
    volatile uint32_t irq_last;
    volatile uint32_t fiq_count;
    uint32_t code[64];
    /* The mailbox: `job` is set by another core and cleared by this one when done. */
    uint64_t (*volatile job)(uint64_t arg);
    volatile uint64_t job_arg;
    volatile uint64_t job_result;
    volatile bool online;
    volatile uint64_t context;
} __attribute__((aligned(CPU_SIZE)));

_Static_assert(offsetof(struct cpu, entry_spsel) == CPU_SPSEL, "CPU_SPSEL");
_Static_assert(offsetof(struct cpu, entry_daif) == CPU_DAIF, "CPU_DAIF");
_Static_assert(offsetof(struct cpu, entry_el) == CPU_EL, "CPU_EL");
_Static_assert(offsetof(struct cpu, entry_sp) == CPU_SP, "CPU_SP");
_Static_assert(sizeof(struct cpu) == CPU_SIZE, "CPU_SIZE");

extern struct cpu cpus[CPUS_MAX];
extern unsigned int cpu_count;

static inline struct cpu *this_cpu(void)
{
    struct cpu *cpu;
    __asm__ volatile("mrs %0, tpidr_el1" : "=r"(cpu));
    return cpu;
}

/* Starts core `index` and waits until it is in its loop. Returns PSCI's answer, or 1 when it never arrived. */
int64_t cpu_start(unsigned int index);
/* Turns core `index` off through its own CPU_OFF and waits until AFFINITY_INFO says OFF. */
bool cpu_stop(unsigned int index);
/* Hands a function to an online core; cpu_wait() gives up after `ms`. */
void cpu_post(unsigned int index, uint64_t (*fn)(uint64_t), uint64_t arg);
bool cpu_wait(unsigned int index, uint64_t ms);
/* Post and wait for 5 s; the function's result, or ~0 when it hung. */
uint64_t cpu_call(unsigned int index, uint64_t (*fn)(uint64_t), uint64_t arg);
/* Starts every core that is off. False when one did not come. */
bool cpus_start_all(void);
/* Turns all but the boot core off. */
void cpus_stop_all(void);

/* What each guest provides; runs on the boot core with MMU on, all interrupts masked. Its return powers the machine off. */
void guest_main(void);
