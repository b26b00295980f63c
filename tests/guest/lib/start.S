/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/guest/lib/cpu_offsets.h"

/*
 * Entry of the boot core: EL1, MMU off, x0 = device tree. All general registers are kept for the checks of the entry state,
 * so only TPIDR_EL0 is used before they are saved.
 */
    .section .start, "ax"
    .globl _start
_start:
    b       1f
    nop
1:  msr     tpidr_el0, x1
    adrp    x1, cpus
    add     x1, x1, :lo12:cpus
    stp     x2, x3, [x1, #CPU_ENTRY + 16]
    str     x0, [x1, #CPU_ENTRY]
    mrs     x2, tpidr_el0
    str     x2, [x1, #CPU_ENTRY + 8]
    mov     x0, x1
    b       entry_save

/* Entry of a secondary by PSCI CPU_ON: x0 = the context id = its struct cpu. */
    .globl secondary_entry
secondary_entry:
    str     x1, [x0, #CPU_ENTRY + 8]
    stp     x2, x3, [x0, #CPU_ENTRY + 16]
    str     x0, [x0, #CPU_ENTRY]

/* in: x0 = struct cpu; x4-x30 as at entry */
entry_save:
    stp     x4, x5, [x0, #CPU_ENTRY + 32]
    stp     x6, x7, [x0, #CPU_ENTRY + 48]
    stp     x8, x9, [x0, #CPU_ENTRY + 64]
    stp     x10, x11, [x0, #CPU_ENTRY + 80]
    stp     x12, x13, [x0, #CPU_ENTRY + 96]
    stp     x14, x15, [x0, #CPU_ENTRY + 112]
    stp     x16, x17, [x0, #CPU_ENTRY + 128]
    stp     x18, x19, [x0, #CPU_ENTRY + 144]
    stp     x20, x21, [x0, #CPU_ENTRY + 160]
    stp     x22, x23, [x0, #CPU_ENTRY + 176]
    stp     x24, x25, [x0, #CPU_ENTRY + 192]
    stp     x26, x27, [x0, #CPU_ENTRY + 208]
    stp     x28, x29, [x0, #CPU_ENTRY + 224]
    str     x30, [x0, #CPU_ENTRY + 240]
    mrs     x1, spsel
    str     x1, [x0, #CPU_SPSEL]
    mrs     x1, daif
    str     x1, [x0, #CPU_DAIF]
    mrs     x1, CurrentEL
    str     x1, [x0, #CPU_EL]
    msr     spsel, #1
    mov     x1, sp
    str     x1, [x0, #CPU_SP]
    msr     daifset, #0xf
    adrp    x1, stacks
    add     x1, x1, :lo12:stacks
    adrp    x2, cpus
    add     x2, x2, :lo12:cpus
    sub     x2, x0, x2
    mov     x3, #CPU_SIZE
    udiv    x2, x2, x3
    add     x2, x2, #1
    add     x1, x1, x2, lsl #STACK_SHIFT
    mov     sp, x1
    mov     x29, #0
    mov     x30, #0
    bl      cpu_entry
    b       .

/*
 * bool catch_call(uint64_t (*fn)(uint64_t, uint64_t), uint64_t a, uint64_t b, struct recovery *r, uint64_t *result)
 * Calls fn(a, b); true when it returned by itself. When an exception recovers to r, returns false.
 */
    .text
    .globl catch_call
catch_call:
    stp     x29, x30, [sp, #-112]!
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
    str     x4, [sp, #96]
    mov     x5, sp
    adr     x6, 2f
    mrs     x7, daif
    add     x7, x7, #5                  /* PSTATE.M = EL1h */
    stp     x5, x6, [x3]
    str     x7, [x3, #16]
    mov     x5, x0
    mov     x0, x1
    mov     x1, x2
    blr     x5
    ldr     x4, [sp, #96]
    str     x0, [x4]
    mov     x0, #1
    b       3f
2:  mov     x0, #0
3:  ldp     x19, x20, [sp, #16]
    ldp     x21, x22, [sp, #32]
    ldp     x23, x24, [sp, #48]
    ldp     x25, x26, [sp, #64]
    ldp     x27, x28, [sp, #80]
    ldp     x29, x30, [sp], #112
    ret

/*
 * el_enter(uint64_t pc, uint64_t spsr, uint64_t sp_el0, uint64_t a, uint64_t b): leaves through ERET; comes back only by an
 * exception that recovers (the caller is inside catch_call).
 */
    .globl el_enter
el_enter:
    msr     elr_el1, x0
    msr     spsr_el1, x1
    msr     sp_el0, x2
    mov     x0, x3
    mov     x1, x4
    eret

/* smccc_call(struct smccc_regs *in_out): HVC #0 with x0-x17 from memory, results back. smccc_call_smc: by SMC. */
    .macro smccc_conduit name, conduit
    .globl \name
\name:
    stp     x29, x30, [sp, #-32]!
    str     x19, [sp, #16]
    mov     x19, x0
    ldp     x2, x3, [x19, #16]
    ldp     x4, x5, [x19, #32]
    ldp     x6, x7, [x19, #48]
    ldp     x8, x9, [x19, #64]
    ldp     x10, x11, [x19, #80]
    ldp     x12, x13, [x19, #96]
    ldp     x14, x15, [x19, #112]
    ldp     x16, x17, [x19, #128]
    ldp     x0, x1, [x19]
    \conduit #0
    stp     x0, x1, [x19]
    stp     x2, x3, [x19, #16]
    stp     x4, x5, [x19, #32]
    stp     x6, x7, [x19, #48]
    stp     x8, x9, [x19, #64]
    stp     x10, x11, [x19, #80]
    stp     x12, x13, [x19, #96]
    stp     x14, x15, [x19, #112]
    stp     x16, x17, [x19, #128]
    ldr     x19, [sp, #16]
    ldp     x29, x30, [sp], #32
    ret
    .endm
    smccc_conduit smccc_call_hvc, hvc
    smccc_conduit smccc_call_smc, smc

/* Vectors: every entry saves a struct frame on SP_EL1 and calls exception_handle(frame, vector number). */
    .macro vector n
    .balign 128
    sub     sp, sp, #FRAME_SIZE
    stp     x0, x1, [sp]
    mov     x0, #\n
    b       vector_common
    .endm

    .section .vectors, "ax"
    .balign 2048
    .globl vectors
vectors:
    vector  0
    vector  1
    vector  2
    vector  3
    vector  4
    vector  5
    vector  6
    vector  7
    vector  8
    vector  9
    vector  10
    vector  11
    vector  12
    vector  13
    vector  14
    vector  15

vector_common:
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    mrs     x1, elr_el1
    stp     x30, x1, [sp, #240]
    mrs     x1, spsr_el1
    mrs     x2, esr_el1
    stp     x1, x2, [sp, #256]
    mrs     x1, far_el1
    add     x2, sp, #FRAME_SIZE
    stp     x1, x2, [sp, #272]
    mov     x1, x0
    mov     x0, sp
    bl      exception_handle
    ldp     x30, x1, [sp, #240]
    msr     elr_el1, x1
    ldr     x1, [sp, #256]
    msr     spsr_el1, x1
    ldp     x28, x29, [sp, #224]
    ldp     x26, x27, [sp, #208]
    ldp     x24, x25, [sp, #192]
    ldp     x22, x23, [sp, #176]
    ldp     x20, x21, [sp, #160]
    ldp     x18, x19, [sp, #144]
    ldp     x16, x17, [sp, #128]
    ldp     x14, x15, [sp, #112]
    ldp     x12, x13, [sp, #96]
    ldp     x10, x11, [sp, #80]
    ldp     x8, x9, [sp, #64]
    ldp     x6, x7, [sp, #48]
    ldp     x4, x5, [sp, #32]
    ldp     x2, x3, [sp, #16]
    ldp     x0, x1, [sp]
    add     sp, sp, #FRAME_SIZE
    eret

/* exception_recover(const struct recovery *r): continue where catch_call() left its mark. */
    .globl exception_recover
exception_recover:
    ldp     x1, x2, [x0]
    ldr     x3, [x0, #16]
    mov     sp, x1
    msr     elr_el1, x2
    msr     spsr_el1, x3
    eret
