/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk copy and zero with general registers. x0 destination, x1 source, x2 or x1 length. Clobbers x3-x11. */

	.section .text.bulk, "ax"
	.global	bulk_copy
	.type	bulk_copy, %function
bulk_copy:
	cmp	x2, #64
	b.lo	2f
1:	ldp	x4, x5, [x1]
	ldp	x6, x7, [x1, #16]
	ldp	x8, x9, [x1, #32]
	ldp	x10, x11, [x1, #48]
	stp	x4, x5, [x0]
	stp	x6, x7, [x0, #16]
	stp	x8, x9, [x0, #32]
	stp	x10, x11, [x0, #48]
	add	x0, x0, #64
	add	x1, x1, #64
	sub	x2, x2, #64
	cmp	x2, #64
	b.hs	1b
2:	cmp	x2, #8
	b.lo	4f
3:	ldr	x4, [x1], #8
	str	x4, [x0], #8
	sub	x2, x2, #8
	cmp	x2, #8
	b.hs	3b
4:	cbz	x2, 6f
5:	ldrb	w4, [x1], #1
	strb	w4, [x0], #1
	subs	x2, x2, #1
	b.ne	5b
6:	ret
	.size	bulk_copy, . - bulk_copy

	.global	bulk_zero
	.type	bulk_zero, %function
bulk_zero:
	mrs	x3, dczid_el0
	tbnz	x3, #4, 4f		/* DZP: DC ZVA is prohibited */
	and	x3, x3, #0xf
	mov	x4, #4
	lsl	x4, x4, x3		/* block size in bytes */
	cmp	x1, x4, lsl #1
	b.lo	4f
	sub	x5, x4, #1
1:	tst	x0, x5			/* to the first whole block */
	b.eq	2f
	strb	wzr, [x0], #1
	sub	x1, x1, #1
	b	1b
2:	cmp	x1, x4
	b.lo	4f
3:	dc	zva, x0
	add	x0, x0, x4
	sub	x1, x1, x4
	cmp	x1, x4
	b.hs	3b
4:	cmp	x1, #8
	b.lo	6f
5:	str	xzr, [x0], #8
	sub	x1, x1, #8
	cmp	x1, #8
	b.hs	5b
6:	cbz	x1, 8f
7:	strb	wzr, [x0], #1
	subs	x1, x1, #1
	b.ne	7b
8:	ret
	.size	bulk_zero, . - bulk_zero

/*
 * The compiler's own calls to clear and copy structures come here too: newlib's versions of these two are byte loops. x0 is returned unchanged.
 * memset: w1 the byte, x2 the length. memcpy: x1 source, x2 length. Clobber x3-x11.
 */
	.global	memset
	.type	memset, %function
memset:
	mov	x3, x0
	and	x1, x1, #0xff
	orr	x1, x1, x1, lsl #8
	orr	x1, x1, x1, lsl #16
	orr	x1, x1, x1, lsl #32
	subs	x2, x2, #16
	b.lo	2f
1:	stp	x1, x1, [x3], #16
	subs	x2, x2, #16
	b.hs	1b
2:	add	x2, x2, #16
	tbz	x2, #3, 3f
	str	x1, [x3], #8
3:	tbz	x2, #2, 4f
	str	w1, [x3], #4
4:	tbz	x2, #1, 5f
	strh	w1, [x3], #2
5:	tbz	x2, #0, 6f
	strb	w1, [x3]
6:	ret
	.size	memset, . - memset

	.global	memcpy
	.type	memcpy, %function
memcpy:
	mov	x3, x0
	subs	x2, x2, #16
	b.lo	2f
1:	ldp	x4, x5, [x1], #16
	stp	x4, x5, [x3], #16
	subs	x2, x2, #16
	b.hs	1b
2:	add	x2, x2, #16
	tbz	x2, #3, 3f
	ldr	x4, [x1], #8
	str	x4, [x3], #8
3:	tbz	x2, #2, 4f
	ldr	w4, [x1], #4
	str	w4, [x3], #4
4:	tbz	x2, #1, 5f
	ldrh	w4, [x1], #2
	strh	w4, [x3], #2
5:	tbz	x2, #0, 6f
	ldrb	w4, [x1]
	strb	w4, [x3]
6:	ret
	.size	memcpy, . - memcpy
