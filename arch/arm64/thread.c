/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/thread.h"

#define PSTATE_EL2H_IRQS UINT64_C(0x349) /* debug, SError and FIQ masked */

void thread_arch_init(struct thread_arch *t, uint64_t stack_top, void (*entry)(void *arg), void *arg)
{
    *t = (struct thread_arch){ .sp = stack_top, .pc = (uint64_t)(uintptr_t)entry, .pstate = PSTATE_EL2H_IRQS };
    t->x[0] = (uint64_t)(uintptr_t)arg;
}
