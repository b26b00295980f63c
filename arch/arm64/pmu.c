/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/pmu.h"
#include "arch/arm64/sysreg.h"

#define DFR0_PMUVER FIELD(11, 8)
#define PMUVER_IMPDEF 0xf
#define PMUVER_LATEST 8 /* FEAT_PMUv3p8: what came later has registers that are not switched */
#define PMCR_E BIT(0)
#define PMCR_N FIELD(15, 11)

uint64_t pmu_version(void)
{
    uint64_t version = field_get(DFR0_PMUVER, read_sysreg(id_aa64dfr0_el1));
    if (version == PMUVER_IMPDEF)
        return 0;
    return version < PMUVER_LATEST ? version : PMUVER_LATEST;
}

static void event_select(unsigned n)
{
    write_sysreg(pmselr_el0, n);
    isb();
}

/* Nothing counts and nothing is pending; EL0 of who comes next asks its own EL1 first. */
static void counters_stop(void)
{
    const uint64_t all = FIELD(31, 0);
    write_sysreg(pmuserenr_el0, 0);
    write_sysreg(pmcr_el0, 0);
    write_sysreg(pmcntenclr_el0, all);
    write_sysreg(pmintenclr_el1, all);
    isb();
    write_sysreg(pmovsclr_el0, all);
    isb();
}

void pmu_vcpu_load(const struct vcpu_pmu *p)
{
    counters_stop();
    for (unsigned n = 0; n < field_get(PMCR_N, read_sysreg(pmcr_el0)); n++) {
        event_select(n);
        write_sysreg(pmxevtyper_el0, p->type[n]);
        write_sysreg(pmxevcntr_el0, p->count[n]);
    }
    write_sysreg(pmccfiltr_el0, p->cycles_filter);
    write_sysreg(pmccntr_el0, p->cycles);
    write_sysreg(pmovsset_el0, p->overflow);
    write_sysreg(pmintenset_el1, p->interrupts);
    write_sysreg(pmcntenset_el0, p->enabled);
    write_sysreg(pmselr_el0, p->select);
    write_sysreg(pmuserenr_el0, p->user);
    isb();
    write_sysreg(pmcr_el0, p->control);
    isb();
}

void pmu_vcpu_save(struct vcpu_pmu *p)
{
    p->control = read_sysreg(pmcr_el0);
    write_sysreg(pmcr_el0, p->control & ~PMCR_E);
    isb();
    p->cycles = read_sysreg(pmccntr_el0);
    p->cycles_filter = read_sysreg(pmccfiltr_el0);
    p->enabled = read_sysreg(pmcntenset_el0);
    p->interrupts = read_sysreg(pmintenset_el1);
    p->overflow = read_sysreg(pmovsset_el0);
    p->select = read_sysreg(pmselr_el0);
    p->user = read_sysreg(pmuserenr_el0);
    for (unsigned n = 0; n < field_get(PMCR_N, p->control); n++) {
        event_select(n);
        p->type[n] = read_sysreg(pmxevtyper_el0);
        p->count[n] = read_sysreg(pmxevcntr_el0);
    }
    counters_stop();
}
