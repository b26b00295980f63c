/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/firmware.h"
#include "arch/arm64/cache.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/sysreg.h"

static enum firmware_conduit conduit; /* set at startup, then const */

/* Read by starting cores with their MMU off: kept cleaned to the point of coherency. The assembly walks it in this layout. */
struct spin_arg {
    uint64_t mpidr, args_pa;
};
extern struct spin_arg spin_args[CONFIG_MAX_CORES];
struct spin_arg spin_args[CONFIG_MAX_CORES];
extern char secondary_spin_entry[];

void firmware_init(enum firmware_conduit how)
{
    conduit = how;
}

int64_t firmware_call(uint64_t fn, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = fn;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;
    switch (conduit) {
    case FIRMWARE_NONE: return PSCI_NOT_SUPPORTED;
    case FIRMWARE_SMC:
        __asm__ volatile("smc #0"
                         : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
                           "x12", "x13", "x14", "x15", "x16", "x17", "memory");
        return (int64_t)x0;
    case FIRMWARE_HVC:
        __asm__ volatile("hvc #0"
                         : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
                           "x12", "x13", "x14", "x15", "x16", "x17", "memory");
        return (int64_t)x0;
    }
    return PSCI_NOT_SUPPORTED;
}

int64_t firmware_cpu_on(uint32_t fn, uint64_t mpidr, const struct core_start_args *args)
{
    cache_clean_inval_poc(args, sizeof(*args));
    return (int32_t)firmware_call(fn, mpidr, image_pa((const void *)(uintptr_t)secondary_entry).raw,
                                  image_pa(args).raw);
}

void spin_table_release(volatile uint64_t *release, uint64_t mpidr, const struct core_start_args *args)
{
    cache_clean_inval_poc(args, sizeof(*args));
    for (unsigned i = 0; i < CONFIG_MAX_CORES; i++) {
        if (spin_args[i].args_pa && spin_args[i].mpidr != mpidr)
            continue;
        spin_args[i] = (struct spin_arg){ mpidr, image_pa(args).raw };
        break;
    }
    cache_clean_inval_poc(spin_args, sizeof(spin_args));
    *release = image_pa(secondary_spin_entry).raw;
    cache_clean_inval_poc((const void *)(uintptr_t)release, sizeof(*release));
    __asm__ volatile("sev" ::: "memory");
}
