/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors that report PSTATE in x11 (DAIF) and x12 (SPSel) and step over the faulting instruction; x13 is scratch. */
    .text
    .balign 2048
    .globl abort_probe_vectors
abort_probe_vectors:
    .rept 4
    .balign 128
    b       .
    .endr
    .balign 128
    mrs     x11, daif
    mrs     x12, spsel
    mrs     x10, elr_el1
    add     x10, x10, #4
    msr     elr_el1, x10
    eret
    .rept 11
    .balign 128
    b       .
    .endr
