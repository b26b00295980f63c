/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/guest/bench/cold.h"
#include "tests/guest/bench/measure.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/psci.h"
#include "tests/guest/lib/timer.h"

#define WARM_UP 10
#define PERIOD_US 10000 /* from one timer interrupt to the next */
#define CALIBRATION_US 200000
#define L1D (UINT32_C(128) << 10) /* twice what any core has */
#define LINE 64
#define NEIGHBOUR (UINT32_C(2) << 20)
#define SGI_SELF 2
#define UARTFR 0x18
#define PMCR_E_C_LC (BIT(0) | BIT(2) | BIT(6))
#define PMCCFILTR_NSH BIT(27) /* EL2's cycles too */
#define PMCNTEN_C BIT(31)
#define DFR0_PMUVER FIELD(11, 8)

static uint32_t results[COLD_MAX];
static volatile uint64_t thrashed[L1D / 8] __attribute__((aligned(LINE)));
static volatile uint64_t walked[NEIGHBOUR / 8] __attribute__((aligned(LINE)));
static uint64_t ticks_to_cycles; /* 32 fractional bits; 0: ticks are what is reported */
static bool gicv2;

struct event {
    const char *name;
    measure_fn ticks, cycles;
    uint64_t a;
};

static void cold(void)
{
    for (uint32_t at = 0; at < L1D / 8; at += LINE / 8)
        thrashed[at]++;
    asm volatile("dsb sy; ic iallu; dsb sy; isb" ::: "memory");
}

/* A change of the counter, and the cycles then. */
static uint64_t edge(uint64_t *cycles)
{
    uint64_t before = timer_count(), now;
    while ((now = timer_count()) == before)
        ;
    *cycles = mrs(pmccntr_el0);
    return now;
}

static void cycles_begin(void)
{
    uint64_t version = field_get(DFR0_PMUVER, mrs(id_aa64dfr0_el1)), first, last;
    if (!version || version == 0xf)
        return;
    msr(pmccfiltr_el0, PMCCFILTR_NSH);
    msr(pmcntenset_el0, PMCNTEN_C);
    msr(pmcr_el0, PMCR_E_C_LC);
    isb();
    uint64_t from = edge(&first);
    delay_us(CALIBRATION_US);
    uint64_t to = edge(&last);
    ticks_to_cycles = ((last - first) << 32) / (to - from);
    msr(vbar_el1, (uint64_t)(gicv2 ? cycles_vectors_v2 : cycles_vectors));
    isb();
}

/* From the deadline to the handler's first instruction. */
static uint64_t timer_cycles(uint64_t ticks, uint64_t b)
{
    (void)b;
    uint64_t cycles, from = edge(&cycles), at = cycles_timer(from + ticks);
    uint64_t deadline = cycles + (uint64_t)(((__uint128_t)ticks * ticks_to_cycles) >> 32);
    return at > deadline ? at - deadline : 0; /* the edge is known to a loop's length */
}

static uint64_t take(const struct event *e)
{
    cold();
    return ticks_to_cycles ? e->cycles(e->a, 0) : e->ticks(e->a, 0);
}

static void report(const struct event *e, uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < WARM_UP; i++)
        (void)take(e);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t v = take(e);
        results[i] = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
        sum += v;
    }
    sort(results, count);
    print("LATENCY %s\t%lu\t%u\t%lu\t%u\t%u\n", e->name, count, results[0], sum / count,
          results[(count * 99 + 99) / 100 - 1], results[count - 1]);
}

void cold_rows(uint64_t count, bool v2)
{
    gicv2 = v2;
    count = count > COLD_MAX ? COLD_MAX : count;
    gic_enable(SGI_SELF);
    gic_enable(INTID_CNTV);
    cycles_begin();
    print("# latency in %s, counter %lu Hz, MIDR 0x%lx\n", ticks_to_cycles ? "cycles" : "ticks", mrs(cntfrq_el0),
          mrs(midr_el1));
    const struct event events[] = {
        { "nothing", measure_nothing, cycles_nothing, 0 },
        { "timer deadline to handler", measure_timer_busy, timer_cycles, timer_ticks(PERIOD_US) },
        { "SGI to self to handler", v2 ? measure_sgi_self_v2 : measure_sgi_self,
          v2 ? cycles_sgi_self_v2 : cycles_sgi_self, gic_sgi_to(this_cpu()->mpidr, SGI_SELF) },
        { "HVC PSCI_VERSION", measure_hvc, cycles_hvc, PSCI_VERSION },
        { "read GICD_TYPER", measure_read32, cycles_read32, GICD + GICD_TYPER },
        { "read PL011 FR", measure_read32, cycles_read32, UART_BASE + UARTFR },
    };
    for (unsigned i = 0; i < ARRAY_LEN(events); i++)
        report(&events[i], count);
    print("# latency end\n");
}

void cold_interfere(void)
{
    for (;;)
        for (uint32_t at = 0; at < NEIGHBOUR / 8; at += LINE / 8)
            walked[at]++;
}
