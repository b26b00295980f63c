/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handler's first instruction reads the counter into x9, so x9 is its result register and the measuring code keeps it
 * free: 0 while nothing arrived. x10, x11 are the handler's scratch, x12 an SGI that it sends in reply, or 0.
 */
    .arch armv8-a

    .macro function name
    .text
    .balign 64
    .globl  \name
\name:
    .endm

    .macro before
    mov     x13, x30
    stp     x19, x13, [sp, #-16]!
    isb
    mrs     x19, cntvct_el0
    .endm

    .macro behind
    isb
    mrs     x9, cntvct_el0
    sub     x0, x9, x19
    ldp     x19, x30, [sp], #16
    ret
    .endm

    function measure_nothing
    before
    behind

    function measure_hvc
    before
    hvc     #0
    behind

    function measure_smc
    before
    smc     #0
    behind

    function measure_read32
    before
    ldr     w0, [x0]
    behind

    function measure_write32
    before
    str     w1, [x0]
    behind

    function measure_mmfr0
    before
    mrs     x0, id_aa64mmfr0_el1
    behind

/* ICC_SGI1R_EL1, or GICD_SGIR through x11, which the handler leaves alone until it has come. */
    .macro  gicd_load version
    .if     \version == 2
    mov     x11, #0x08000000
    .endif
    .endm
    .macro  sgi_send number, version
    .if     \version == 2
    str     w\number, [x11, #0xf00]
    .else
    msr     icc_sgi1r_el1, x\number
    .endif
    .endm

    .macro  sgi_functions version, suffix=
    function measure_sgi_self\suffix
    gicd_load \version
    mov     x9, #0
    mov     x12, #0
    msr     daifclr, #2
    isb
    mrs     x14, cntvct_el0
    sgi_send 0, \version
    isb
1:  cbz     x9, 1b
    msr     daifset, #2
    sub     x0, x9, x14
    ret

    function measure_ipi\suffix
    gicd_load \version
    str     xzr, [x0]
    dsb     sy
    isb
    mrs     x14, cntvct_el0
    sgi_send 1, \version
    isb
1:  yield
    ldr     x9, [x0]
    cbz     x9, 1b
    sub     x0, x9, x14
    ret

    function measure_ping_pong\suffix
    mov     x9, #0
    mov     x12, #0
    gicd_load \version
    str     xzr, [x0]
    dsb     sy
    msr     daifclr, #2
    isb
    mrs     x14, cntvct_el0
    sgi_send 1, \version
    isb
1:  yield
    cbz     x9, 1b
    msr     daifset, #2
    mov     x15, x9
2:  yield
    ldr     x9, [x0]
    cbz     x9, 2b
    sub     x0, x15, x14
    ret
    .endm
    sgi_functions 3
    sgi_functions 2, _v2

    .macro timer_arm
    mov     x9, #0
    mov     x12, #0
    isb
    mrs     x14, cntvct_el0
    add     x14, x14, x0
    msr     cntv_cval_el0, x14
    mov     x15, #1
    msr     cntv_ctl_el0, x15
    msr     daifclr, #2
    isb
    .endm

    function measure_timer_busy
    timer_arm
1:  cbz     x9, 1b
    msr     daifset, #2
    sub     x0, x9, x14
    ret

    function measure_timer_wfi
    timer_arm
    wfi
1:  cbz     x9, 1b
    msr     daifset, #2
    sub     x0, x9, x14
    ret

/* struct ipi: time 0, stop 8, ready 16 */
    function ipi_target
    mov     x12, x1
    mov     x3, #1
1:  mov     x9, #0
    str     x3, [x0, #16]
2:  msr     daifset, #2
    cbnz    x9, 4f
    ldr     x4, [x0, #8]
    cbnz    x4, 5f
    cbz     x2, 3f
    wfi
3:  msr     daifclr, #2
    isb
    yield
    b       2b
4:  str     x9, [x0]
    b       1b
5:  str     xzr, [x0, #16]
    ret

/* The same loop for shared memory's interrupt, edge-triggered: the line falls when the status is read, at x1. */
    function notify_target
    mov     x12, #0
    mov     x3, #1
1:  mov     x9, #0
    str     x3, [x0, #16]
2:  msr     daifset, #2
    cbnz    x9, 4f
    ldr     x4, [x0, #8]
    cbnz    x4, 5f
    cbz     x2, 3f
    wfi
3:  msr     daifclr, #2
    isb
    yield
    b       2b
4:  str     xzr, [x0, #16]
    ldr     w4, [x1]
    str     x9, [x0]
    b       1b
5:  ret

/* x1: the control page; the other client is number 1. */
    function measure_notify
    mov     w3, #2
    str     xzr, [x0]
    dsb     sy
    isb
    mrs     x14, cntvct_el0
    str     w3, [x1, #8]
1:  yield
    ldr     x9, [x0]
    cbz     x9, 1b
    sub     x0, x9, x14
    ret

    function measure_switch
    mov     x9, #0
    mov     x12, #0
    str     xzr, [x0]
    dsb     sy
    msr     icc_sgi1r_el1, x1
    isb
    mrs     x14, cntvct_el0
    wfi
1:  msr     daifclr, #2
    isb
    msr     daifset, #2
    cbz     x9, 1b
2:  yield
    ldr     x15, [x0]
    cbz     x15, 2b
    sub     x0, x15, x14
    ret

/* Whose turn it is writes the time; the first reading of a turn finds the other's last one. */
    function measure_turn
    mrs     x14, cntvct_el0
    str     x14, [x0]
1:  mrs     x15, cntvct_el0
    ldr     x13, [x0]
    cmp     x13, x14
    b.ne    2f
    str     x15, [x0]
    mov     x14, x15
    b       1b
2:  str     x15, [x0]
    sub     x0, x15, x13
    ret

    function measure_cpu_on
    stp     x19, x20, [sp, #-32]!
    stp     x21, x30, [sp, #16]
    mov     x20, x1
    str     xzr, [x20]
    dc      civac, x20
    dsb     sy
    mov     x3, x1
    mov     x1, x0
    adrp    x2, bench_secondary
    add     x2, x2, :lo12:bench_secondary
    mov     w0, #0x0003
    movk    w0, #0xc400, lsl #16
    isb
    mrs     x19, cntvct_el0
    hvc     #0
    cbnz    x0, 2f
1:  yield
    dc      ivac, x20
    dsb     sy
    ldr     x9, [x20]
    cbz     x9, 1b
    sub     x0, x9, x19
    b       3f
2:  mov     x0, #-1
3:  ldp     x21, x30, [sp, #16]
    ldp     x19, x20, [sp], #32
    ret

    function bench_secondary
    mrs     x9, cntvct_el0
    str     x9, [x0]
    dsb     sy
    mov     w0, #0x0002
    movk    w0, #0x8400, lsl #16
    hvc     #0
    b       .

/* Only an IRQ is expected here; anything else goes the library's way. */
    .macro  other n
    .balign 128
    b       vectors + \n * 128
    .endm

    .macro  vectors_make name, version, counter=cntvct_el0
    .text
    .balign 2048
    .globl  \name
\name:
    other   0
    other   1
    other   2
    other   3
    other   4
    .balign 128
    mrs     x9, \counter
    .if     \version == 2
    mov     x11, #0x08010000
    ldr     w10, [x11, #0xc]
    msr     cntv_ctl_el0, xzr
    str     w10, [x11, #0x10]
    mov     x11, #0x08000000
    .else
    mrs     x10, icc_iar1_el1
    msr     cntv_ctl_el0, xzr
    msr     icc_eoir1_el1, x10
    .endif
    cbz     x12, 1f
    sgi_send 12, \version
1:  isb
    eret
    other   6
    other   7
    other   8
    other   9
    other   10
    other   11
    other   12
    other   13
    other   14
    other   15
    .endm
    vectors_make bench_vectors, 3
    vectors_make bench_vectors_v2, 2
    vectors_make cycles_vectors, 3, pmccntr_el0
    vectors_make cycles_vectors_v2, 2, pmccntr_el0
