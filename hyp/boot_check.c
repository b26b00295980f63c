/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/boot_check.h"
#include <stddef.h>

static enum boot_check begun; /* set at startup, then const */

void boot_check_begin(enum boot_check what)
{
    begun = what;
}

const char *boot_check_name(void)
{
    switch (begun) {
    case CHECK_TREE: return "device tree";
    case CHECK_MEMORY: return "memory";
    case CHECK_CORES: return "cores";
    case CHECK_GIC: return "interrupt controller (GIC)";
    case CHECK_TIMER: return "timer";
    case CHECK_CONSOLE: return "console";
    case CHECK_DONE: return NULL;
    }
    return NULL;
}
