/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storms the vdev of tests/vdev-storm at storm=, from all vCPUs but one, rounds= times each; that one flips a page of RAM between its own and
 * trapped all the while. Each writes its word of the page and reads it back: whichever way a write went, it must be there.
 */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/fdt.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/regs.h"

#define HIT 0x00
#define TRAPPED 0x08
#define FLIPS 0x10
#define LOST 0x18
#define PAGE 0x20
#define FLIP 0x28
#define PAGE_WORDS 512
#define PAUSE 20000

static volatile uint64_t page[PAGE_WORDS] __attribute__((aligned(4096)));
static uint64_t storm, rounds, stale[CPUS_MAX];
static volatile unsigned int busy;

static uint64_t hit_many(uint64_t index)
{
    for (uint64_t n = 1; n <= rounds; n++) {
        write64(storm + HIT, 1);
        if (n % 4)
            continue;
        page[index] = n;
        stale[index] += page[index] != n;
    }
    __atomic_fetch_sub(&busy, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static uint64_t hvc(uint64_t function, uint64_t a, uint64_t b)
{
    register uint64_t x0 __asm__("x0") = function, x1 __asm__("x1") = a, x2 __asm__("x2") = b;
    __asm__ volatile("hvc #0" : "+r"(x0) : "r"(x1), "r"(x2) : "memory");
    return x0;
}

static void instructions_try(void)
{
    uint64_t value;
    __asm__ volatile("msr s3_0_c15_c7_5, %1\n\tmrs %0, s3_0_c15_c7_5" : "=r"(value) : "r"(UINT64_C(0x123456789)));
    print("STORM register 0x%lx, sum 0x%lx, nobody's 0x%lx, PSCI 0x%lx, flips equal %u\n", value,
          hvc(0x86000001, 0x7000000000, 5), hvc(0x86000002, 1, 2), hvc(0x84000000, 0, 0),
          hvc(0x86000000, 0, 0) == read64(storm + FLIPS));
}

void guest_main(void)
{
    uint64_t wrong = 0, sum = 0;
    storm = bootarg_number("storm", 0);
    rounds = bootarg_number("rounds", 1000);
    write64(storm + PAGE, (uint64_t)page);
    cpus_start_all();
    busy = cpu_count - 1;
    for (unsigned int i = 1; i < cpu_count; i++)
        cpu_post(i, hit_many, i);
    for (uint64_t n = 1; busy; n++) {
        write64(storm + FLIP, n % 2);
        for (volatile unsigned int pause = 0; pause < PAUSE; pause++)
            ;
        page[0] = n;
        wrong += page[0] != n;
    }
    write64(storm + FLIP, 1);
    write64(storm + FLIP, 0);
    for (unsigned int i = 1; i < cpu_count; i++) {
        wrong += stale[i] + (page[i] != rounds / 4 * 4);
        sum += rounds;
    }
    instructions_try();
    print("STORM end: %lu hits of %lu, %lu trapped, %lu flips, %lu lost, %lu stale\n", read64(storm + HIT), sum,
          read64(storm + TRAPPED), read64(storm + FLIPS), read64(storm + LOST), wrong);
}
