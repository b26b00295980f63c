/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Interrupts of this core, which a thread has open; in a guest's exits and in the core's loop they are masked all the while. */
#include <stdbool.h>
#include <stdint.h>

/* Masks them; answers what was, for irq_restore(). Any context. */
static inline uint64_t irq_mask(void)
{
    uint64_t was = 0;
#if defined(__aarch64__)
    __asm__ volatile("mrs %0, daif\n\tmsr daifset, #2" : "=r"(was)::"memory");
#endif
    return was;
}

static inline void irq_restore(uint64_t was)
{
#if defined(__aarch64__)
    __asm__ volatile("msr daif, %0" ::"r"(was) : "memory");
#else
    (void)was;
#endif
}

/* PSTATE.I of what irq_mask() answered. */
static inline bool irq_was_masked(uint64_t was)
{
    return was >> 7 & 1;
}
