/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program for the Linux guest, without a C library: closes the counted window, has it written out, opens the next. As /init (without
 * arguments) it then becomes /work; with an argument it exits.
 */
    .arch armv8-a
    .globl  _start
_start:
    hint    #97
    hint    #99
    hint    #96
    ldr     x9, [sp]                /* argc, argv..., NULL, envp..., NULL */
    cmp     x9, #1
    b.ne    1f
    adr     x0, work
    add     x1, sp, #8
    add     x2, sp, #24
    mov     x8, #221                /* execve */
    svc     #0
1:  mov     x0, #0
    mov     x8, #93                 /* exit */
    svc     #0
    b       .

work:
    .asciz  "/work"
