/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Computes for ever, and holds what pvtime says against what it sees itself: a gap of at least gap= ticks between two readings of the counter
 * is time that it did not run. After gaps= of them it tells, in ticks: how long it all took, what was gone, what pvtime says was stolen, and
 * of single gaps the least and the most that was gone and not stolen. The counter is to run at 1 GHz, so that pvtime's nanoseconds are ticks.
 */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/fdt.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/psci.h"
#include "tests/guest/lib/regs.h"

#define PV_TIME_ST 0xc5000021u
#define ST_STOLEN 8 /* DEN 0057A 4.1 */

struct tally {
    uint64_t gone, stolen;
    int64_t least, most;
};

/* A reading of the counter is in order with the loads around it: the word is as it was when the time was read. */
static uint64_t now(void)
{
    isb();
    uint64_t t = mrs(cntvct_el0);
    isb();
    return t;
}

/* The next gap's end; what it began with is added to the tally. */
static uint64_t gap_wait(uint64_t from, uint64_t word, uint64_t shortest, struct tally *t)
{
    uint64_t last = from, stolen = read64(word), at;
    while ((at = now()) - last < shortest)
        last = at;
    uint64_t gone = at - last;
    stolen = read64(word) - stolen;
    int64_t other = (int64_t)(gone - stolen);
    t->gone += gone;
    t->stolen += stolen;
    t->least = other < t->least ? other : t->least;
    t->most = other > t->most ? other : t->most;
    return at;
}

void guest_main(void)
{
    int64_t st = hvc(PV_TIME_ST, 0, 0, 0);
    uint64_t gaps = bootarg_number("gaps", 100), shortest = bootarg_number("gap", 10000);
    if (st < 0 || mrs(cntfrq_el0) != 1000000000) {
        print("STEAL needs pvtime (%ld) and a counter of 1 GHz (%lu)\n", st, mrs(cntfrq_el0));
        return;
    }
    uint64_t word = (uint64_t)st + ST_STOLEN;
    struct tally t = { .least = INT64_MAX, .most = INT64_MIN };
    uint64_t start = gap_wait(now(), word, shortest, &t);
    t = (struct tally){ .least = INT64_MAX, .most = INT64_MIN };
    uint64_t before = read64(word), at = start;
    for (uint64_t n = 0; n < gaps; n++)
        at = gap_wait(at, word, shortest, &t);
    print("STEAL gaps %lu took %lu gone %lu stolen %lu sum %lu least %ld most %ld\n", gaps, at - start, t.gone,
          read64(word) - before, t.stolen, t.least, t.most);
    for (;;)
        __asm__ volatile("nop");
}
