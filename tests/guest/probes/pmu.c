/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Performance Monitors of a vCPU that shares its core: what it set is there after others had the core, a counter that is on stands still meanwhile, and after
 * a reset all is off. The neighbour computes for ever; a turn each.
 */
#include "hyp/base/bits.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/timer.h"

#define PMCR_E BIT(0)
#define PMCR_LC BIT(6)
#define PMCR_N FIELD(15, 11)
#define CYCLES BIT(31)
#define ROUNDS 10
#define ROUND_US 15000 /* a turn is 10 ms */
#define EVENT_CPU_CYCLES 0x11
#define EVENTS_MASK UINT64_C(0xffff)
#define CYCLE_START UINT64_C(0x123456789ab)

static unsigned wrong;

static void expect(const char *what, unsigned long n, uint64_t is, uint64_t wanted)
{
    if (is == wanted)
        return;
    wrong++;
    print("PMU wrong: %s %lu is 0x%lx, not 0x%lx\n", what, n, is, wanted);
}

static void event_select(unsigned long n)
{
    msr(pmselr_el0, n);
    isb();
}

static void set(uint64_t counters)
{
    for (unsigned long n = 0; n < counters; n++) {
        event_select(n);
        msr(pmxevtyper_el0, EVENT_CPU_CYCLES);
        msr(pmxevcntr_el0, 0x1000 + n);
    }
    msr(pmccfiltr_el0, BIT(30));
    msr(pmccntr_el0, CYCLE_START);
    msr(pmuserenr_el0, 5);
    msr(pmovsset_el0, 1);
    msr(pmintenset_el1, 1);
    msr(pmselr_el0, counters - 1);
    msr(pmcr_el0, PMCR_LC);
    isb();
}

static void look(uint64_t counters)
{
    expect("PMSELR", 0, mrs(pmselr_el0) & 31, counters - 1);
    expect("PMCR", 0, mrs(pmcr_el0) & FIELD(7, 0), PMCR_LC);
    expect("PMCCNTR", 0, mrs(pmccntr_el0), CYCLE_START);
    expect("PMCCFILTR", 0, mrs(pmccfiltr_el0), BIT(30));
    expect("PMUSERENR", 0, mrs(pmuserenr_el0), 5);
    expect("PMOVSSET", 0, mrs(pmovsset_el0), 1);
    expect("PMINTENSET", 0, mrs(pmintenset_el1), 1);
    expect("PMCNTENSET", 0, mrs(pmcntenset_el0), 0);
    for (unsigned long n = 0; n < counters; n++) {
        event_select(n);
        expect("PMXEVCNTR", n, mrs(pmxevcntr_el0), 0x1000 + n);
        expect("PMXEVTYPER", n, mrs(pmxevtyper_el0) & EVENTS_MASK, EVENT_CPU_CYCLES);
    }
    msr(pmselr_el0, counters - 1);
    isb();
}

void guest_main(void)
{
    uint64_t version = field_get(FIELD(11, 8), mrs(id_aa64dfr0_el1)), counters = field_get(PMCR_N, mrs(pmcr_el0));
    print("PMU version %lu counters %lu\n", version, counters);
    expect("after a reset: PMCR", 0, mrs(pmcr_el0) & PMCR_E, 0);
    expect("after a reset: PMCNTENSET", 0, mrs(pmcntenset_el0), 0);
    expect("after a reset: PMINTENSET", 0, mrs(pmintenset_el1), 0);
    set(counters);
    for (unsigned round = 0; round < ROUNDS; round++) {
        look(counters);
        delay_us(ROUND_US);
    }
    msr(pmccfiltr_el0, 0);
    msr(pmccntr_el0, 0);
    msr(pmcntenset_el0, CYCLES);
    msr(pmcr_el0, PMCR_E | PMCR_LC);
    isb();
    uint64_t from = timer_count();
    delay_us(ROUNDS * ROUND_US);
    uint64_t cycles = mrs(pmccntr_el0), ticks = timer_count() - from;
    print("PMU cycles %lu of %lu ns\n", cycles, ticks * 1000 / (mrs(cntfrq_el0) / 1000000));
    print("PMU done: %u wrong\n", wrong);
}
