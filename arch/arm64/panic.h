/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A fault of our own as the vectors hand it over. */
#include <stdint.h>
#include "arch/arm64/exit.h"

enum panic_code { PANIC_SP0, PANIC_SYNC, PANIC_IRQ, PANIC_SERROR };

struct panic_frame {
    uint64_t x[31];
    uint64_t sp;
    uint64_t elr, esr;
};

/* The fifth thing arch asks of hyp, never to return: report and reset or park. `frame` NULL: no registers. */
_Noreturn void panic_from_vector(const struct panic_frame *frame, unsigned code);
/* FAR_EL2 as the fault left it. */
uint64_t panic_far(void);
/* ESR_ELx decoded for people: class and, for aborts, the fault status. Pure. */
const char *esr_class_name(uint64_t esr);
const char *esr_fault_name(uint64_t esr);
/* The symbol of the image an EL2 address is in, and the offset in it; NULL: none. Pure. */
const char *symbol_find(uint64_t va, uint64_t *offset);
