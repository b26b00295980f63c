/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A thread of EL2: code of ours on a stack of its own, with interrupts open, which the core's loop enters as it enters a guest. */
#include "hyp/base/bits.h"

struct thread_arch {
    uint64_t x[31];
    uint64_t sp;
    uint64_t pc, pstate;
};

enum thread_left { THREAD_LEFT_ITSELF = 1, THREAD_LEFT_IRQ = 2 };

/* It will begin in entry(arg), which never returns, with interrupts open. */
void thread_arch_init(struct thread_arch *t, uint64_t stack_top, void (*entry)(void *arg), void *arg);
/* From the core's loop, interrupts masked: runs it until it leaves or an interrupt comes, which is pending still. enum thread_left. */
int thread_enter(struct thread_arch *t);
/* From the thread, interrupts masked: gives the core back. Returns when it is entered again, on whichever core. */
void thread_leave(void);
