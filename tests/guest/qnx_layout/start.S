/* SPDX-License-Identifier: Apache-2.0 */
/* Entry at the first byte of RAM: EL1, MMU off. x0 is handed on, there is no tree behind it. */
    .section .start, "ax"
    .globl _start
_start:
    adrp    x1, stack_end
    add     x1, x1, :lo12:stack_end
    mov     sp, x1
    adrp    x1, vectors
    add     x1, x1, :lo12:vectors
    msr     vbar_el1, x1
    isb
    bl      layout_main
1:  wfi
    b       1b

/* Only an IRQ from EL1 on SP_EL1 is expected. in: what was interrupted; out: the same; clobbered: nothing. */
    .macro unexpected
    .balign 128
    b       .
    .endm

    .text
    .balign 2048
vectors:
    .rept   5
    unexpected
    .endr
    .balign 128
    sub     sp, sp, #176
    stp     x0, x1, [sp]
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x29, [sp, #144]
    str     x30, [sp, #160]
    bl      layout_irq
    ldr     x30, [sp, #160]
    ldp     x18, x29, [sp, #144]
    ldp     x16, x17, [sp, #128]
    ldp     x14, x15, [sp, #112]
    ldp     x12, x13, [sp, #96]
    ldp     x10, x11, [sp, #80]
    ldp     x8, x9, [sp, #64]
    ldp     x6, x7, [sp, #48]
    ldp     x4, x5, [sp, #32]
    ldp     x2, x3, [sp, #16]
    ldp     x0, x1, [sp]
    add     sp, sp, #176
    eret
    .rept   10
    unexpected
    .endr
