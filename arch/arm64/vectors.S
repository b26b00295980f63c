/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EL2's vectors and the world switch. From a guest: x0-x18, x29 and x30 go to the vCPU, then its `fast` function says resume (0) or
 * full (what guest_enter() returns); a full exit saves the rest and returns from guest_enter(). From EL2 itself: only an SError in the marked window is expected.
 */
#include "generated/offsets.h"

	.macro	vector label
	.balign	128
	b	\label
	.endm

	.section .text.vectors, "ax"
	.balign	2048
	.global	vectors_hyp
vectors_hyp:
	/* Current EL with SP_EL0: never selected. */
	vector	own_bad_sp0
	vector	own_bad_sp0
	vector	own_bad_sp0
	vector	own_bad_sp0
	/* Current EL with SP_EL2. */
	vector	own_sync
	vector	own_irq
	vector	own_irq
	vector	own_serror
	/* Lower EL, AArch64. */
	vector	guest_sync
	vector	guest_irq
	vector	guest_irq
	vector	guest_serror
	/* Lower EL, AArch32 (EL0 of a 64-bit guest). */
	vector	guest_sync
	vector	guest_irq
	vector	guest_irq
	vector	guest_serror

	/* In: guest's x0, x1 on our stack. Out: x0 = vCPU, guest's x0-x18, x29, x30 saved. Clobbers x1-x3. */
	.macro	guest_save
	stp	x0, x1, [sp, #-16]!
	mrs	x0, tpidr_el2
	ldr	x0, [x0, #CORE_RUNNING]
	stp	x2, x3, [x0, #VCPU_X + 16]
	stp	x4, x5, [x0, #VCPU_X + 32]
	stp	x6, x7, [x0, #VCPU_X + 48]
	stp	x8, x9, [x0, #VCPU_X + 64]
	stp	x10, x11, [x0, #VCPU_X + 80]
	stp	x12, x13, [x0, #VCPU_X + 96]
	stp	x14, x15, [x0, #VCPU_X + 112]
	stp	x16, x17, [x0, #VCPU_X + 128]
	str	x18, [x0, #VCPU_X + 144]
	stp	x29, x30, [x0, #VCPU_X + 232]
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x0, #VCPU_X]
	.endm

guest_sync:
	guest_save
	mov	w1, #1
	b	guest_fast
guest_irq:
	guest_save
	mov	w1, #2
guest_fast:
	ldr	x2, [x0, #VCPU_FAST]
	blr	x2
	mrs	x1, tpidr_el2
	ldr	x1, [x1, #CORE_RUNNING]
	cbnz	w0, guest_full
	/* In: x1 = vCPU; x19-x28 are the guest's still. */
guest_resume:
	ldp	x2, x3, [x1, #VCPU_X + 16]
	ldp	x4, x5, [x1, #VCPU_X + 32]
	ldp	x6, x7, [x1, #VCPU_X + 48]
	ldp	x8, x9, [x1, #VCPU_X + 64]
	ldp	x10, x11, [x1, #VCPU_X + 80]
	ldp	x12, x13, [x1, #VCPU_X + 96]
	ldp	x14, x15, [x1, #VCPU_X + 112]
	ldp	x16, x17, [x1, #VCPU_X + 128]
	ldr	x18, [x1, #VCPU_X + 144]
	ldp	x29, x30, [x1, #VCPU_X + 232]
	ldp	x0, x1, [x1, #VCPU_X]
	eret
	/* No speculation past an exception return. */
	dsb	nsh
	isb

guest_serror:
	guest_save
	mov	x1, x0
	mov	w0, #3

	/* In: w0 = reason for guest_enter()'s caller, x1 = vCPU. Saves the rest, restores ours, returns w0 from guest_enter(). */
guest_full:
	stp	x19, x20, [x1, #VCPU_X + 152]
	stp	x21, x22, [x1, #VCPU_X + 168]
	stp	x23, x24, [x1, #VCPU_X + 184]
	stp	x25, x26, [x1, #VCPU_X + 200]
	stp	x27, x28, [x1, #VCPU_X + 216]
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x2, x3, [x1, #VCPU_PC]
	/* An SError that the guest caused is taken here, where it is charged to the guest. The barrier makes it pending if it is to come. */
	dsb	sy
	mrs	x2, isr_el1
	tbz	x2, #8, 1f
	mrs	x3, tpidr_el2
	mrs	x4, cnthp_cval_el2
	mrs	x2, esr_el2
	str	x2, [x3, #CORE_LEFT_ESR]
	mov	w2, #1
	str	w2, [x3, #CORE_SERROR_WINDOW]
	msr	daifclr, #4
	isb
	msr	daifset, #4
	str	wzr, [x3, #CORE_SERROR_WINDOW]
	msr	cnthp_cval_el2, x4
	/* Back to our caller's registers: those of guest_enter() and thread_enter(). */
1:
caller_resume:
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #96
	ret

	.macro	caller_save
	stp	x29, x30, [sp, #-96]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	.endm

/* int guest_enter(struct vcpu_arch *v): 1 synchronous, 2 interrupt, 3 SError. */
	.global	guest_enter
	.type	guest_enter, %function
guest_enter:
	caller_save
	mov	x1, x0
	ldp	x2, x3, [x1, #VCPU_PC]
	msr	elr_el2, x2
	msr	spsr_el2, x3
	ldp	x19, x20, [x1, #VCPU_X + 152]
	ldp	x21, x22, [x1, #VCPU_X + 168]
	ldp	x23, x24, [x1, #VCPU_X + 184]
	ldp	x25, x26, [x1, #VCPU_X + 200]
	ldp	x27, x28, [x1, #VCPU_X + 216]
	b	guest_resume
	.size	guest_enter, . - guest_enter

/* int thread_enter(struct thread_arch *t): THREAD_LEFT_ITSELF or THREAD_LEFT_IRQ. The thread runs on its own stack with interrupts open. */
	.global	thread_enter
	.type	thread_enter, %function
thread_enter:
	caller_save
	mrs	x1, tpidr_el2
	mov	x2, sp
	str	x2, [x1, #CORE_OWN_SP]
	ldp	x2, x3, [x0, #THREAD_PC]
	msr	elr_el2, x2
	msr	spsr_el2, x3
	ldr	x2, [x0, #THREAD_SP]
	str	x0, [x1, #CORE_THREAD]
	mov	sp, x2
	ldp	x2, x3, [x0, #THREAD_X + 16]
	ldp	x4, x5, [x0, #THREAD_X + 32]
	ldp	x6, x7, [x0, #THREAD_X + 48]
	ldp	x8, x9, [x0, #THREAD_X + 64]
	ldp	x10, x11, [x0, #THREAD_X + 80]
	ldp	x12, x13, [x0, #THREAD_X + 96]
	ldp	x14, x15, [x0, #THREAD_X + 112]
	ldp	x16, x17, [x0, #THREAD_X + 128]
	ldp	x18, x19, [x0, #THREAD_X + 144]
	ldp	x20, x21, [x0, #THREAD_X + 160]
	ldp	x22, x23, [x0, #THREAD_X + 176]
	ldp	x24, x25, [x0, #THREAD_X + 192]
	ldp	x26, x27, [x0, #THREAD_X + 208]
	ldp	x28, x29, [x0, #THREAD_X + 224]
	ldr	x30, [x0, #THREAD_X + 240]
	ldp	x0, x1, [x0, #THREAD_X]
	eret
	dsb	nsh
	isb
	.size	thread_enter, . - thread_enter

/* void thread_leave(void): the running thread, interrupts masked, gives the core back; returns when it is entered again. */
	.global	thread_leave
	.type	thread_leave, %function
thread_leave:
	mrs	x1, tpidr_el2
	ldr	x0, [x1, #CORE_THREAD]
	stp	x19, x20, [x0, #THREAD_X + 152]
	stp	x21, x22, [x0, #THREAD_X + 168]
	stp	x23, x24, [x0, #THREAD_X + 184]
	stp	x25, x26, [x0, #THREAD_X + 200]
	stp	x27, x28, [x0, #THREAD_X + 216]
	stp	x29, x30, [x0, #THREAD_X + 232]
	mov	x2, #0x3c9		/* EL2h, all masked */
	stp	x30, x2, [x0, #THREAD_PC]
	mov	w0, #1
	/* In: w0 = why, x1 = core, sp = the thread's. */
thread_out:
	ldr	x2, [x1, #CORE_THREAD]
	mov	x3, sp
	str	x3, [x2, #THREAD_SP]
	str	xzr, [x1, #CORE_THREAD]
	ldr	x2, [x1, #CORE_OWN_SP]
	mov	sp, x2
	b	caller_resume
	.size	thread_leave, . - thread_leave

/*
 * A fault of our own. The stack may be the cause, so nothing is pushed on it: x0 waits in CNTHP_CVAL_EL2, the one register of EL2 that has 64 bits and
 * no effect meanwhile, until the emergency stack is in place. Builds a struct panic_frame there. Who gets over a fault (mmio_try, an SError's window) puts
 * the deadline back.
 */
	.macro	own_fault code
	msr	cnthp_cval_el2, x0
	mrs	x0, tpidr_el2
	ldr	x0, [x0, #CORE_EMERGENCY_SP]
	sub	x0, x0, #PANIC_FRAME_SIZE
	stp	x1, x2, [x0, #PANIC_X + 8]
	mov	x1, sp
	str	x1, [x0, #PANIC_SP]
	mov	sp, x0
	mrs	x1, cnthp_cval_el2
	str	x1, [x0, #PANIC_X]
	mov	w1, #\code
	b	own_fault_common
	.endm

own_fault_common:
	stp	x3, x4, [x0, #PANIC_X + 24]
	stp	x5, x6, [x0, #PANIC_X + 40]
	stp	x7, x8, [x0, #PANIC_X + 56]
	stp	x9, x10, [x0, #PANIC_X + 72]
	stp	x11, x12, [x0, #PANIC_X + 88]
	stp	x13, x14, [x0, #PANIC_X + 104]
	stp	x15, x16, [x0, #PANIC_X + 120]
	stp	x17, x18, [x0, #PANIC_X + 136]
	stp	x19, x20, [x0, #PANIC_X + 152]
	stp	x21, x22, [x0, #PANIC_X + 168]
	stp	x23, x24, [x0, #PANIC_X + 184]
	stp	x25, x26, [x0, #PANIC_X + 200]
	stp	x27, x28, [x0, #PANIC_X + 216]
	stp	x29, x30, [x0, #PANIC_X + 232]
	mrs	x2, elr_el2
	mrs	x3, esr_el2
	stp	x2, x3, [x0, #PANIC_ELR]
	bl	panic_from_vector
	b	.

own_bad_sp0:
	own_fault 0
/* Of an access that may fail the stack is sound: it goes on where that says. */
own_sync:
	msr	cnthp_cval_el2, x0
	mrs	x0, tpidr_el2
	ldr	w0, [x0, #CORE_TRYING]
	cbnz	w0, 1f
	mrs	x0, cnthp_cval_el2
	own_fault 1
1:	adr	x0, mmio_try_failed
	msr	elr_el2, x0
	eret
	dsb	nsh
	isb
/* Only a thread runs with interrupts open. Its stack is sound, or its guard page faults. */
own_irq:
	stp	x0, x1, [sp, #-16]!
	mrs	x1, tpidr_el2
	ldr	x0, [x1, #CORE_THREAD]
	cbz	x0, 1f
	stp	x2, x3, [x0, #THREAD_X + 16]
	stp	x4, x5, [x0, #THREAD_X + 32]
	stp	x6, x7, [x0, #THREAD_X + 48]
	stp	x8, x9, [x0, #THREAD_X + 64]
	stp	x10, x11, [x0, #THREAD_X + 80]
	stp	x12, x13, [x0, #THREAD_X + 96]
	stp	x14, x15, [x0, #THREAD_X + 112]
	stp	x16, x17, [x0, #THREAD_X + 128]
	stp	x18, x19, [x0, #THREAD_X + 144]
	stp	x20, x21, [x0, #THREAD_X + 160]
	stp	x22, x23, [x0, #THREAD_X + 176]
	stp	x24, x25, [x0, #THREAD_X + 192]
	stp	x26, x27, [x0, #THREAD_X + 208]
	stp	x28, x29, [x0, #THREAD_X + 224]
	str	x30, [x0, #THREAD_X + 240]
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x0, #THREAD_X]
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x2, x3, [x0, #THREAD_PC]
	mov	w0, #2
	b	thread_out
1:	ldp	x0, x1, [sp], #16
	own_fault 2
own_serror:
	msr	cnthp_cval_el2, x0
	mrs	x0, tpidr_el2
	ldr	w0, [x0, #CORE_SERROR_WINDOW]
	cbnz	w0, 1f
	mrs	x0, cnthp_cval_el2
	own_fault 3
	/* The window's own code runs on a sound stack. */
1:	mrs	x0, cnthp_cval_el2
	stp	x0, x1, [sp, #-16]!
	mrs	x0, tpidr_el2
	mov	w1, #1
	str	w1, [x0, #CORE_SERROR_SEEN]
	ldp	x0, x1, [sp], #16
	eret
	dsb	nsh
	isb
