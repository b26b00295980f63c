/* SPDX-License-Identifier: Apache-2.0 */
    .arch armv8-a+fp+simd

    .macro all op, base
    \op     q0, q1, [\base]
    \op     q2, q3, [\base, #32]
    \op     q4, q5, [\base, #64]
    \op     q6, q7, [\base, #96]
    \op     q8, q9, [\base, #128]
    \op     q10, q11, [\base, #160]
    \op     q12, q13, [\base, #192]
    \op     q14, q15, [\base, #224]
    \op     q16, q17, [\base, #256]
    \op     q18, q19, [\base, #288]
    \op     q20, q21, [\base, #320]
    \op     q22, q23, [\base, #352]
    \op     q24, q25, [\base, #384]
    \op     q26, q27, [\base, #416]
    \op     q28, q29, [\base, #448]
    \op     q30, q31, [\base, #480]
    .endm

    .text
    .globl fp_load
fp_load:
    all     ldp, x0
    add     x0, x0, #512
    ldp     x1, x2, [x0]
    msr     fpcr, x1
    msr     fpsr, x2
    ret

    .globl fp_store
fp_store:
    all     stp, x0
    mrs     x1, fpcr
    mrs     x2, fpsr
    add     x0, x0, #512
    stp     x1, x2, [x0]
    ret

    .globl fp_round_trip
fp_round_trip:
    stp     x29, x30, [sp, #-48]!
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    mov     x19, x1
    mov     x20, x2
    mov     x21, x3
    bl      fp_load
    cbnz    x20, 1f
    mov     w0, #0x84000000
    hvc     #0
    b       3f
1:  cmp     x20, #1
    b.ne    2f
    ldr     w0, [x21]
    b       3f
2:  cmp     x20, #2
    b.ne    3f
    wfi
3:  mov     x0, x19
    bl      fp_store
    ldp     x21, x22, [sp, #32]
    ldp     x19, x20, [sp, #16]
    ldp     x29, x30, [sp], #48
    ret

    .globl fp_divide
fp_divide:
    scvtf   d0, x0
    scvtf   d1, x1
    fdiv    d0, d0, d1
    fmov    x0, d0
    ret

    .globl fp_touch
fp_touch:
    fmov    x0, d0
    ret
