/* SPDX-License-Identifier: Apache-2.0 */
/* The measuring code of measure.S that a latency report needs, in cycles: PMCCNTR_EL0 instead of the counter. x9 and x12 are used as there,
 * and the handlers are measure.S's. */
    .arch armv8-a

    .macro cycles_function name
    .text
    .balign 64
    .globl  \name
\name:
    .endm

    .macro cycles_around
    isb
    mrs     x14, pmccntr_el0
    .endm
    .macro cycles_behind
    isb
    mrs     x9, pmccntr_el0
    sub     x0, x9, x14
    ret
    .endm

    cycles_function cycles_nothing
    cycles_around
    cycles_behind

/* A call changes x0 to x3 alone (DEN 0028). */
    cycles_function cycles_hvc
    cycles_around
    hvc     #0
    cycles_behind

    cycles_function cycles_read32
    cycles_around
    ldr     w0, [x0]
    cycles_behind

    .macro  sgi_cycles version, suffix=
    cycles_function cycles_sgi_self\suffix
    mov     x9, #0
    mov     x12, #0
    .if     \version == 2
    mov     x11, #0x08000000
    .endif
    msr     daifclr, #2
    cycles_around
    .if     \version == 2
    str     w0, [x11, #0xf00]
    .else
    msr     icc_sgi1r_el1, x0
    .endif
    isb
1:  cbz     x9, 1b
    msr     daifset, #2
    sub     x0, x9, x14
    ret
    .endm
    sgi_cycles 3
    sgi_cycles 2, _v2

/* x0: CNTV_CVAL_EL0. The cycle count of the handler's first instruction. */
    cycles_function cycles_timer
    mov     x9, #0
    mov     x12, #0
    msr     cntv_cval_el0, x0
    mov     x15, #1
    msr     cntv_ctl_el0, x15
    msr     daifclr, #2
    isb
1:  cbz     x9, 1b
    msr     daifset, #2
    mov     x0, x9
    ret
