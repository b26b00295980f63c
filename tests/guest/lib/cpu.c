/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/fdt.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/mmu.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/psci.h"
#include "tests/guest/lib/regs.h"
#include "tests/guest/lib/timer.h"

#define MPIDR_AFFINITY UINT64_C(0xff00ffffff)
#define JOB_MS 5000

struct cpu cpus[CPUS_MAX];
char stacks[CPUS_MAX << STACK_SHIFT] __attribute__((aligned(1 << STACK_SHIFT)));
unsigned int cpu_count = 1;
extern char vectors[], secondary_entry[];
void cpu_entry(struct cpu *cpu);

static void entry_capture(struct entry_sysregs *e)
{
    *e = (struct entry_sysregs){
        .sctlr = mrs(sctlr_el1),
        .cpacr = mrs(cpacr_el1),
        .tcr = mrs(tcr_el1),
        .ttbr0 = mrs(ttbr0_el1),
        .ttbr1 = mrs(ttbr1_el1),
        .mair = mrs(mair_el1),
        .vbar = mrs(vbar_el1),
        .elr = mrs(elr_el1),
        .spsr = mrs(spsr_el1),
        .esr = mrs(esr_el1),
        .far = mrs(far_el1),
        .par = mrs(par_el1),
        .tpidr_el1 = mrs(tpidr_el1),
        .tpidr_el0 = mrs(tpidr_el0),
        .tpidrro = mrs(tpidrro_el0),
        .sp_el0 = mrs(sp_el0),
        .contextidr = mrs(contextidr_el1),
        .cntkctl = mrs(cntkctl_el1),
        .cntv_ctl = mrs(cntv_ctl_el0),
        .cntp_ctl = mrs(cntp_ctl_el0),
        .mdscr = mrs(mdscr_el1),
        .oslsr = mrs(oslsr_el1),
        .isr = mrs(isr_el1),
    };
    if (gic_has_sysregs()) {
        msr(icc_sre_el1, mrs(icc_sre_el1) | 1);
        isb();
        e->pmr = mrs(icc_pmr_el1);
        e->igrpen0 = mrs(icc_igrpen0_el1);
        e->igrpen1 = mrs(icc_igrpen1_el1);
        e->icc_ctlr = mrs(icc_ctlr_el1);
    } else {
        uint32_t ctlr = read32(GICC + GICC_CTLR);
        e->pmr = read32(GICC + GICC_PMR);
        e->igrpen0 = ctlr & GICC_CTLR_GRP0;
        e->igrpen1 = ctlr & GICC_CTLR_GRP1;
        e->icc_ctlr = ctlr;
    }
}

static void machine_read(struct cpu *boot)
{
    fdt_read(boot->entry_x[0]);
    uint64_t mine = mrs(mpidr_el1) & MPIDR_AFFINITY;
    boot->mpidr = mine;
    for (unsigned int i = 0; i < machine.cpus && cpu_count < CPUS_MAX; i++) {
        if (machine.mpidr[i] == mine)
            continue;
        cpus[cpu_count].index = cpu_count;
        cpus[cpu_count].mpidr = machine.mpidr[i];
        cpu_count++;
    }
}

static _Noreturn void secondary_loop(struct cpu *cpu)
{
    cpu->online = true;
    dsb(ish);
    sev();
    for (;;) {
        while (!cpu->job)
            wfe();
        cpu->job_result = cpu->job(cpu->job_arg);
        dmb(ish);
        cpu->job = NULL;
        dsb(ish);
        sev();
    }
}

void cpu_entry(struct cpu *cpu)
{
    struct entry_sysregs entry;
    entry_capture(&entry);
    msr(vbar_el1, (uint64_t)vectors);
    msr(tpidr_el1, (uint64_t)cpu);
    isb();
    cpu->entry = entry;
    bool boot = cpu == &cpus[0];
    if (boot) {
        machine_read(cpu);
        mmu_tables_make();
    }
    if (cpu->early)
        cpu->early(cpu);
    mmu_enable(GRANULE_4K);
    gic_cpu_find(cpu);
    if (!boot)
        secondary_loop(cpu);
    guest_main();
    psci_system_off();
}

int64_t cpu_start(unsigned int index)
{
    struct cpu *cpu = &cpus[index];
    if (cpu->online)
        return PSCI_ALREADY_ON;
    cpu->job = NULL;
    dcache_clean_invalidate((uint64_t)cpu, sizeof(*cpu));
    int64_t answer = psci_cpu_on(cpu->mpidr, (uint64_t)secondary_entry, (uint64_t)cpu);
    if (answer == PSCI_SUCCESS && !wait_until(cpu->online, JOB_MS))
        return 1;
    return answer;
}

void cpu_post(unsigned int index, uint64_t (*fn)(uint64_t), uint64_t arg)
{
    cpus[index].job_arg = arg;
    dmb(ish);
    cpus[index].job = fn;
    dsb(ish);
    sev();
}

bool cpu_wait(unsigned int index, uint64_t ms)
{
    bool done = wait_until(!cpus[index].job, ms);
    dmb(ish);
    return done;
}

uint64_t cpu_call(unsigned int index, uint64_t (*fn)(uint64_t), uint64_t arg)
{
    if (index == this_cpu()->index)
        return fn(arg);
    if (!cpus[index].online)
        return ~UINT64_C(0);
    cpu_post(index, fn, arg);
    if (!cpu_wait(index, JOB_MS))
        return ~UINT64_C(0);
    return cpus[index].job_result;
}

static uint64_t off(uint64_t unused)
{
    (void)unused;
    struct cpu *cpu = this_cpu();
    irq_disable();
    gic_cpu_disable();
    cpu->online = false;
    cpu->job = NULL;
    mmu_disable();
    return (uint64_t)hvc(PSCI_CPU_OFF, 0, 0, 0);
}

bool cpu_stop(unsigned int index)
{
    if (!cpus[index].online)
        return true;
    cpu_post(index, off, 0);
    return wait_until(psci_affinity_info(cpus[index].mpidr) == AFFINITY_OFF, JOB_MS);
}

bool cpus_start_all(void)
{
    bool all = true;
    for (unsigned int i = 1; i < cpu_count; i++) {
        if (!cpus[i].online)
            all &= cpu_start(i) == PSCI_SUCCESS;
    }
    return all;
}

void cpus_stop_all(void)
{
    for (unsigned int i = 1; i < cpu_count; i++)
        cpu_stop(i);
}
