/* SPDX-License-Identifier: Apache-2.0 */
/* The conformance guest: is this machine the one that the Arm manuals describe? */
#include "tests/guest/conformance/conformance.h"

void check_undef(const struct exception *e, uint64_t elr, const char *section, const char *name)
{
    bool good = e->taken && e->esr == ESR_UNDEF && e->elr == elr;
    tap_check(good, section, name);
    if (!good)
        print("# taken %u vector %u ESR 0x%lx want 0x%lx, ELR 0x%lx want 0x%lx\n", e->taken, e->vector, e->esr,
              ESR_UNDEF, e->elr, elr);
}

uint64_t core_gic_init(uint64_t unused)
{
    gic_cpu_init();
    this_cpu()->irq_hook = NULL;
    this_cpu()->irq_count = 0;
    this_cpu()->fiq_count = 0;
    return unused;
}

bool cores_ready(void)
{
    bool all = cpus_start_all();
    for (unsigned int i = 0; i < cpu_count; i++)
        cpu_call(i, core_gic_init, 0);
    return all;
}

void guest_main(void)
{
    reset_capture();
    tap_run_subjects();
}
