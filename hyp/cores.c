/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's cores: found, given stacks, started. */
#include "arch/arm64/boot.h"
#include "arch/arm64/firmware.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/sysreg.h"
#include "hyp/base/log.h"
#include "hyp/core.h"
#include "hyp/pool.h"

#include <errno.h>

#define CORE_UP_TIMEOUT_MS 1000
#define MPIDR_AFFINITY UINT64_C(0xff00ffffff)

static struct core boot_core_full; /* takes over what boot_core, the arch part alone, was until cores_init() */
static struct core_start_args start_args[CONFIG_MAX_CORES] __attribute__((aligned(64)));
struct core *cores[CONFIG_MAX_CORES];

struct core *core_by_mpidr(uint64_t mpidr)
{
    for (unsigned i = 0; i < CONFIG_MAX_CORES; i++)
        if (cores[i] && cores[i]->arch.mpidr == (mpidr & MPIDR_AFFINITY))
            return cores[i];
    return NULL;
}

/* Slot 0 is the boot core's, whichever that is; it has its stacks already. */
static __startup int stacks_create(struct core *c)
{
    void *pages = hyp_alloc_pages(CONFIG_STACK_SIZE / PAGE_SIZE);
    void *emergency = hyp_alloc_pages(EMERGENCY_STACK_SIZE / PAGE_SIZE);
    if (!pages || !emergency)
        return -ENOMEM;
    if (!mmu_stack_create(c->arch.index + 1, pages, direct_pa(emergency), &c->arch).raw)
        return error_at(-ENOMEM, "core %u: no table pages left to map its stacks", c->arch.index);
    return 0;
}

static __startup int core_create(const struct platform *p, unsigned index, bool boot)
{
    struct core *c = boot ? &boot_core_full : hyp_alloc(sizeof(*c), 64);
    if (!c)
        return -ENOMEM;
    if (boot)
        c->arch = boot_core;
    c->desc = &p->cores[index];
    c->arch.index = index;
    c->arch.mpidr = c->desc->mpidr & MPIDR_AFFINITY;
    core_alarms_init(c);
    sched_core_init(&c->sched);
    c->attention = 1;
    if (IS_ENABLED(CONFIG_LOCK_RECORD))
        c->arch.locks[0].core = index;
    cores[index] = c;
    return boot ? 0 : stacks_create(c);
}

int cores_init(const struct platform *p)
{
    uint64_t own = read_sysreg(mpidr_el1) & MPIDR_AFFINITY;
    sched_init();
    unsigned boot = CONFIG_MAX_CORES;
    for (unsigned i = 0; i < p->core_count; i++) {
        bool is_boot = (p->cores[i].mpidr & MPIDR_AFFINITY) == own;
        if (is_boot)
            boot = i;
        int err = core_create(p, i, is_boot);
        if (err)
            return err;
    }
    if (boot == CONFIG_MAX_CORES)
        return error_at(-ENODEV, "the tree has no cpu node for the core we run on (MPIDR 0x%llx)",
                        (unsigned long long)own);
    write_sysreg(tpidr_el2, va_of(cores[boot]).raw);
    cores[boot]->state = CORE_UP;
    return 0;
}

static __startup bool core_started(struct core *c)
{
    uint64_t until = timer_now() + timer_ms(CORE_UP_TIMEOUT_MS);
    while (timer_now() < until) {
        if (__atomic_load_n(&c->state, __ATOMIC_ACQUIRE) == CORE_UP)
            return true;
        spin_pause();
    }
    return false;
}

static __startup const char *psci_refusal(int64_t answer)
{
    switch (answer) {
    case PSCI_SUCCESS: return NULL;
    case PSCI_NOT_SUPPORTED: return "PSCI has no CPU_ON";
    case PSCI_INVALID_PARAMETERS: return "PSCI knows no core of that MPIDR";
    case PSCI_DENIED: return "PSCI denied it";
    case PSCI_ALREADY_ON: return "PSCI says it is on already";
    case PSCI_INVALID_ADDRESS: return "PSCI does not take the hypervisor's address";
    default: return "PSCI CPU_ON refused";
    }
}

/* NULL, or why it cannot be started. */
static __startup const char *core_start_one(const struct platform *p, struct core *c)
{
    struct core_start_args *args = &start_args[c->arch.index];
    mmu_root(args);
    args->sp = c->arch.stack_top;
    args->core = va_of(c).raw;
    c->state = CORE_STARTING;
    switch (c->desc->start) {
    case CORE_START_PSCI: return psci_refusal(firmware_cpu_on(p->psci_cpu_on, c->desc->mpidr, args));
    case CORE_START_SPIN_TABLE: {
        volatile uint64_t *release = mmu_map_direct(c->desc->release_addr, sizeof(*release), S1_RW);
        if (!release)
            return "its release address cannot be mapped";
        spin_table_release(release, c->desc->mpidr, args);
        return NULL;
    }
    case CORE_START_NONE: return "the tree names no way to start it (enable-method)";
    }
    return "unknown enable-method";
}

void cores_start(const struct platform *p)
{
    for (unsigned i = 0; i < p->core_count; i++) {
        struct core *c = cores[i];
        if (c->state == CORE_UP)
            continue;
        const char *why = core_start_one(p, c);
        if (!why && !core_started(c))
            why = c->desc->start == CORE_START_PSCI ? "PSCI accepted it, but it never arrived"
                                                    : "it never read its release address";
        if (why) {
            c->state = CORE_ABSENT;
            log_error("core %u (MPIDR 0x%llx) did not come up: %s; VMs that need it are refused", i,
                      (unsigned long long)c->arch.mpidr, why);
        }
    }
    mmu_identity_end();
}

uint64_t cores_up(void)
{
    uint64_t up = 0;
    for (unsigned i = 0; i < CONFIG_MAX_CORES; i++)
        if (cores[i] && __atomic_load_n(&cores[i]->state, __ATOMIC_ACQUIRE) == CORE_UP)
            up |= BIT(i);
    return up;
}
