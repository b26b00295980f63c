/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Taking exceptions, and running something that is expected to take one. */
#include "hyp/base/bits.h"
#include "tests/guest/lib/cpu_offsets.h"

/* The vector an exception came through: source (0 EL1t, 4 EL1h, 8 EL0 AArch64, 12 EL0 AArch32) + kind. */
enum vector_kind {
    VECTOR_SYNC = 0,
    VECTOR_IRQ = 1,
    VECTOR_FIQ = 2,
    VECTOR_SERROR = 3,
    VECTOR_FROM_EL1T = 0,
    VECTOR_FROM_EL1H = 4,
    VECTOR_FROM_EL0 = 8,
    VECTOR_FROM_EL0_AA32 = 12,
};

struct frame {
    uint64_t x[31];
    uint64_t elr, spsr, esr, far, sp;
};
_Static_assert(sizeof(struct frame) == FRAME_SIZE, "FRAME_SIZE");

struct recovery {
    uint64_t sp, pc, pstate;
};

/* What was taken; `taken` false means that the function returned by itself with `result`. */
struct exception {
    bool taken;
    uint32_t vector;
    uint64_t esr, far, elr, spsr;
    uint64_t x[8];
    uint64_t result;
};

typedef uint64_t (*caught_fn)(uint64_t a, uint64_t b);

/* Runs fn(a, b) on this core and gives the synchronous exception or SError it took, if any. Does not nest. */
struct exception exception_catch(caught_fn fn, uint64_t a, uint64_t b);
/* The same for code at EL0: pc is a user address (el0_address()), x0 = a, x1 = b; ends with any exception, as by SVC. */
struct exception el0_catch(uint64_t pc, uint64_t pstate, uint64_t a, uint64_t b);
struct exception el0_catch_sp(uint64_t pc, uint64_t pstate, uint64_t sp, uint64_t a, uint64_t b);
/* Runs `pc` at EL1 with SP_EL0 selected. */
struct exception el1t_catch(uint64_t pc, uint64_t a, uint64_t b);

/* Runs the instruction with x0 = a, x1 = b, then returns x0: from the core's own code buffer. */
struct exception insn_catch(uint32_t insn, uint64_t a, uint64_t b);
struct exception insn_catch_el0(uint32_t insn, uint64_t a, uint64_t b);
struct exception insn_catch_el1t(uint32_t insn, uint64_t a, uint64_t b);
/* The address of that instruction, as ELR has it when it faults. */
uint64_t insn_address(void);
uint64_t insn_address_el0(void);

_Noreturn void exception_recover(const struct recovery *recovery);

/* Encodings: SYSREG as S<op0>_<op1>_C<n>_C<m>_<op2>, Rt = x0. */
#define SYSREG(op0, op1, crn, crm, op2) ((uint32_t)((op0) << 19 | (op1) << 16 | (crn) << 12 | (crm) << 8 | (op2) << 5))
#define INSN_MRS(sysreg) (0xd5200000u | (sysreg))
#define INSN_MSR(sysreg) (0xd5000000u | (sysreg))
#define INSN_NOP 0xd503201fu
#define INSN_RET 0xd65f03c0u
#define INSN_SVC(n) (0xd4000001u | (uint32_t)(n) << 5)
#define INSN_HVC(n) (0xd4000002u | (uint32_t)(n) << 5)
#define INSN_SMC(n) (0xd4000003u | (uint32_t)(n) << 5)
#define INSN_BRK(n) (0xd4200000u | (uint32_t)(n) << 5)
