/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All cores read the counter until seconds= of its time are over, and hold each reading against what all of them, they themselves too, have told: how often it was
 * behind, and by how many ticks at most. Somebody pauses and resumes the VM meanwhile.
 */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/fdt.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/regs.h"

static uint64_t told[CPUS_MAX], end;
static uint64_t backs[CPUS_MAX], most[CPUS_MAX];

static uint64_t now(void)
{
    isb();
    uint64_t t = mrs(cntvct_el0);
    isb();
    return t;
}

static uint64_t latest_told(void)
{
    uint64_t latest = 0;
    for (unsigned i = 0; i < cpu_count; i++) {
        uint64_t t = __atomic_load_n(&told[i], __ATOMIC_ACQUIRE);
        latest = t > latest ? t : latest;
    }
    return latest;
}

static uint64_t watch(uint64_t me)
{
    uint64_t at;
    do {
        uint64_t latest = latest_told();
        at = now();
        __atomic_store_n(&told[me], at, __ATOMIC_RELEASE);
        if (at >= latest)
            continue;
        backs[me]++;
        most[me] = latest - at > most[me] ? latest - at : most[me];
    } while (at < end);
    return 0;
}

void guest_main(void)
{
    print("BACK start %d\n", (int)cpus_start_all());
    end = now() + bootarg_number("seconds", 2) * mrs(cntfrq_el0);
    for (unsigned i = 1; i < cpu_count; i++)
        cpu_post(i, watch, i);
    watch(0);
    for (unsigned i = 1; i < cpu_count; i++)
        cpu_wait(i, 1000);
    for (unsigned i = 0; i < cpu_count; i++)
        print("BACK core %u: %lu times, most %lu ticks\n", i, backs[i], most[i]);
    print("BACK end\n");
}
