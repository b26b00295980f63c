/* SPDX-License-Identifier: Apache-2.0 */
/* Tells a hash of its tree, in which nothing but the seeds may differ from one life to the next, and how many of them there are; then it asks for a reset, for ever. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/psci.h"
#include "tests/guest/lib/timer.h"

#define FNV_BASIS UINT64_C(14695981039346656037) /* FNV-1a, 64 bits */
#define FNV_PRIME UINT64_C(1099511628211)

static bool starts_with(const uint8_t *at, const uint8_t *end, const char *name)
{
    for (; *name; at++, name++)
        if (at >= end || *at != (uint8_t)*name)
            return false;
    return true;
}

void guest_main(void)
{
    const uint8_t *tree = (const uint8_t *)cpus[0].entry_x[0];
    const uint8_t *end = tree + ((uint32_t)tree[4] << 24 | tree[5] << 16 | tree[6] << 8 | tree[7]);
    uint64_t hash = FNV_BASIS;
    unsigned seeds = 0;
    for (const uint8_t *at = tree; at < end; at++) {
        hash = (hash ^ *at) * FNV_PRIME;
        seeds += starts_with(at, end, "rng-seed") || starts_with(at, end, "kaslr-seed");
    }
    print("SEED tree 0x%lx with %u seeds.\n", hash, seeds);
    delay_us(100000);
    hvc(PSCI_SYSTEM_RESET, 0, 0, 0);
}
