/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arm64 Image, entered at EL2 with x0 = device tree. go_prepare() finds and copies; go_leave() jumps as U-Boot's `go`
 * does: MMU and caches on, HCR_EL2 = 0x20, CNTHCTL_EL2 = 3, SError unmasked, x0 = argc, x1 = argv.
 */
    .section .start, "ax"
    .globl _start
_start:
    b       1f
    .long   0
    .quad   0                           /* text_offset */
    .quad   _image_size
    .quad   0xa                         /* little endian, 4 KiB pages, anywhere */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0
1:  msr     daifset, #0xf
    adrp    x1, go_stack_top
    add     sp, x1, :lo12:go_stack_top
    mov     x19, x0
    /* Stage 1 of EL2: a table of 1 GiB blocks, filled here so that no line of it is cached before the MMU is on. */
    adrp    x1, go_table
    mov     x2, #0
2:  lsl     x3, x2, #30
    mov     x4, #0x701                  /* block, AF, inner shareable, attribute 0 */
    cbz     x2, 3f
    add     x4, x4, #4                  /* RAM: attribute 1 */
3:  orr     x3, x3, x4
    str     x3, [x1, x2, lsl #3]
    add     x2, x2, #1
    cmp     x2, #64
    b.lo    2b
    dsb     sy
    mov     x2, #0xff04                 /* MAIR: 0 Device-nGnRE, 1 Normal write-back */
    msr     mair_el2, x2
    ldr     x2, =0x8083351c             /* RES1, 36 bits, inner shareable write-back walks, 40-bit PA by IPS 3 at 16 */
    msr     tcr_el2, x2
    msr     ttbr0_el2, x1
    mov     x2, #0x20
    msr     hcr_el2, x2
    mov     x2, #3
    msr     cnthctl_el2, x2
    msr     cntvoff_el2, xzr
    isb
    tlbi    alle2
    ic      iallu
    dsb     sy
    isb
    mov     x2, #0x1005
    msr     sctlr_el2, x2
    isb
    msr     daifclr, #4
    mov     x0, x19
    bl      go_prepare
    b       .

/* go_leave(uint64_t entry, uint64_t argc, char **argv): the copied image is visible to instruction fetches, data stays dirty. */
    .globl go_leave
go_leave:
    mov     x9, x0
    mov     x0, x1
    mov     x1, x2
    dsb     sy
    ic      iallu
    dsb     sy
    isb
    br      x9

    .section .bss
    .balign 4096
go_table:
    .skip   4096
    .skip   16384
go_stack_top:
    .skip   16
