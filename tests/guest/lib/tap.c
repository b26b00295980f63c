/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/fdt.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/tap.h"
#include "tests/guest/lib/timer.h"

extern const struct subject _subjects_start[], _subjects_end[];

static unsigned int checks, failed, skipped;

bool tap_under_hypervisor(void)
{
    return bootarg_number("hyp", 0) == 1;
}

static void line(bool good, const char *section, const char *name)
{
    checks++;
    failed += !good;
    print("%s %u - %s [%s]", good ? "ok" : "not ok", checks, name, section);
}

void tap_check(bool good, const char *section, const char *name)
{
    line(good, section, name);
    print("\n");
}

void tap_equal(uint64_t got, uint64_t want, const char *section, const char *name)
{
    line(got == want, section, name);
    print("\n");
    if (got != want)
        print("# got 0x%lx want 0x%lx\n", got, want);
}

void tap_skip(const char *section, const char *name, const char *reason)
{
    skipped++;
    line(true, section, name);
    print(" # SKIP %s\n", reason);
}

/* Every subject begins with the interrupt controller and this core in the same state. */
static void subject_run(const struct subject *s)
{
    print("# subject %s\n", s->name);
    irq_disable();
    fiq_disable();
    msr(cntv_ctl_el0, 0);
    msr(cntp_ctl_el0, 0);
    gic_init();
    gic_cpu_init();
    this_cpu()->irq_hook = NULL;
    unsigned int before = failed;
    uint64_t start = timer_count();
    s->run();
    print("# subject %s: %s in %lu ms\n", s->name, failed == before ? "passed" : "FAILED",
          (timer_count() - start) * 1000 / mrs(cntfrq_el0));
}

void tap_run_subjects(void)
{
    char wanted[256];
    bool some = bootarg_text("subjects", wanted, sizeof(wanted));
    print("TAP version 13\n# cpus %u MIDR 0x%lx bootargs %s\n", cpu_count, mrs(midr_el1), machine.bootargs);
    unsigned int chosen = 0;
    for (uint64_t turn = bootarg_number("repeat", 1); turn; turn--) {
        for (const struct subject *s = _subjects_start; s < _subjects_end; s++) {
            if (some && !list_has(wanted, s->name))
                continue;
            subject_run(s);
            chosen++;
        }
    }
    if (!chosen)
        tap_check(false, "bootargs", "subjects= names a subject");
    print("1..%u\n# %u checks, %u failed, %u skipped\n", checks, checks, failed, skipped);
}
