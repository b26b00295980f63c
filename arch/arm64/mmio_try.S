/* SPDX-License-Identifier: Apache-2.0 */
/*
 * int mmio_try(volatile void *at, uint64_t *value, unsigned how): one access for a guest to a device's register; how: 0 to 3 loads of 1, 2, 4, 8 bytes, 4 to 7 stores.
 * 0; 1: the machine answered with an external abort, synchronous (own_sync comes here) or as an SError. Interrupts masked. Clobbers x0-x6.
 */
#include "generated/offsets.h"

	.section .text.mmio_try, "ax"
	.global	mmio_try
	.type	mmio_try, %function
mmio_try:
	mrs	x5, tpidr_el2
	mrs	x6, cnthp_cval_el2
	adr	x3, 1f
	add	x3, x3, w2, uxtw #3
	ldr	x4, [x1]
	mov	w2, #1
	str	w2, [x5, #CORE_TRYING]
	br	x3
1:	ldrb	w4, [x0]
	b	2f
	ldrh	w4, [x0]
	b	2f
	ldr	w4, [x0]
	b	2f
	ldr	x4, [x0]
	b	2f
	strb	w4, [x0]
	b	2f
	strh	w4, [x0]
	b	2f
	str	w4, [x0]
	b	2f
	str	x4, [x0]
	/* The barrier makes an SError pending if one is to come. */
2:	dsb	sy
	str	wzr, [x5, #CORE_TRYING]
	mrs	x2, isr_el1
	tbnz	x2, #8, 3f
	str	x4, [x1]
	mov	w0, #0
	ret
3:	mov	w2, #1
	str	w2, [x5, #CORE_SERROR_WINDOW]
	msr	daifclr, #4
	isb
	msr	daifset, #4
	str	wzr, [x5, #CORE_SERROR_WINDOW]
	str	wzr, [x5, #CORE_SERROR_SEEN]
	.global	mmio_try_failed
mmio_try_failed:
	msr	cnthp_cval_el2, x6
	mrs	x5, tpidr_el2
	str	wzr, [x5, #CORE_TRYING]
	mov	w0, #1
	ret
	.size	mmio_try, . - mmio_try
