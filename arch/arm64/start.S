/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the boot loader to C at the linked address. Runs where it was loaded, at any 2 MiB-aligned address, until the MMU is on.
 * The arm64 boot protocol puts the tree in x0; U-Boot's `go` puts argc and argv in x0 and x1 and leaves MMU and caches on.
 */
#include "arch/arm64/layout.h"
#include "generated/offsets.h"

#define SCTLR_EL2_RES1 0x30c50830
#define SCTLR_EL2_OFF SCTLR_EL2_RES1
/* M, C, SA, I and WXN: what is writable is never executable, whatever the tables say. */
#define SCTLR_EL2_ON (SCTLR_EL2_RES1 | 1 | (1 << 2) | (1 << 3) | (1 << 12) | (1 << 19))
#define ARGC_LIMIT 64

	.section .head, "ax"
	.global	_start
_start:	b	entry
	nop
	.quad	0			/* text_offset: none, the base is where we are */
	.quad	image_file_size		/* image_size: with bss, stacks and the first tables */
	.quad	0xa			/* flags: little endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

	.section .entry.text, "ax"
/* In: x0, x1 as the loader left them. Out: never. x19 tree, x20 bundle, x21 by go, x22 load address, x23 SCTLR as found. */
entry:	msr	daifset, #0xf
	mov	x19, x0
	mov	x20, #0
	mov	x21, #0
	adrp	x22, image_start
	mrs	x9, CurrentEL
	lsr	x9, x9, #2
	cmp	x9, #2
	b.ne	entry_wrong_el
	mrs	x23, sctlr_el2
	cmp	x0, #ARGC_LIMIT
	b.hs	1f
	cbz	x0, 1f
	/* argc and argv: read them now, while the loader's caches still hold the strings. */
	adrp	x9, boot_stack_top
	mov	sp, x9
	sub	sp, sp, #32
	mov	x2, sp
	bl	boot_parse_go
	ldp	x19, x20, [sp]
	mov	x21, #1
	/* From here memory is written past the caches: nothing of the image may stay in them. */
1:	mov	x0, x22
	adrp	x1, image_end
	bl	clean_range
	ldr	w9, =SCTLR_EL2_OFF
	msr	sctlr_el2, x9
	isb
	dsb	nsh
	tlbi	alle2
	ic	iallu
	dsb	nsh
	isb
	/* Again: while they were on, a core may have fetched lines of it by speculation, which would hide what is written now. */
	mov	x0, x22
	adrp	x1, image_end
	bl	clean_range
	bl	el2_reset
	cbnz	x0, entry_vhe
	/* bss, the first tables and the boot stack */
	adrp	x0, bss_start
	adrp	x1, bss_end
2:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	2b
	adrp	x9, boot_stack_top
	mov	sp, x9
	mov	x0, x22
	bl	boot_tables
	mov	x24, x0
	bl	boot_tcr
	mov	x1, x0
	mov	x0, x24
	ldr	x2, =hyp_start
	b	mmu_enter

/* At the linked address now, MMU and caches on. */
	.section .text.hyp_start, "ax"
	.type	hyp_start, %function
	.type	hyp_start, %function
hyp_start:
	ldr	x9, =vectors_hyp
	msr	vbar_el2, x9
	ldr	x9, =boot_core
	msr	tpidr_el2, x9
	ldr	x9, =HYP_VA_STACKS + 2 * CONFIG_STACK_SIZE
	sub	sp, x9, #64
	stp	x19, x20, [sp, #BOOT_INFO_FDT]
	stp	x22, x21, [sp, #BOOT_INFO_LOAD]
	str	x23, [sp, #BOOT_INFO_SCTLR]
	mov	x0, sp
	mov	x29, #0
	mov	x30, #0
	bl	hyp_main
	b	.
	.size	hyp_start, . - hyp_start
	.size	hyp_start, . - hyp_start

	.section .entry.text, "ax"
/* Entered at EL1 (or EL3): no vectors of ours can help; the board's UART can. */
entry_wrong_el:
	mov	x20, x9
	bl	entry_own_stack
	mov	x0, x20
	bl	boot_wrong_el
	b	park
entry_vhe:
	bl	entry_own_stack
	bl	boot_vhe_only
	b	park
park:	wfi
	b	park
/* Out: sp. Clobbers x9. */
entry_own_stack:
	adrp	x9, boot_stack_top
	mov	sp, x9
	ret

/* In: x0 start, x1 end. Cleans and invalidates to the point of coherency. Clobbers x0, x2, x3. */
clean_range:
	mrs	x2, ctr_el0
	ubfx	x2, x2, #16, #4
	mov	x3, #4
	lsl	x3, x3, x2
1:	dc	civac, x0
	add	x0, x0, x3
	cmp	x0, x1
	b.lo	1b
	dsb	sy
	ret

/*
 * Every EL2 control register to a known value, whatever firmware left. Out: x0 = 1 if E2H cannot be cleared. Clobbers x9, x10.
 * DDI 0487 D17.2 for each; VHE stays off (E2H=0, TGE=0).
 */
el2_reset:
	mov	x9, #(1 << 31)		/* HCR_EL2.RW; AMO, IMO, FMO: EL2 takes interrupts */
	orr	x9, x9, #(7 << 3)
	msr	hcr_el2, x9
	isb
	mrs	x9, hcr_el2
	ubfx	x0, x9, #34, #1
	cbnz	x0, 9f
	ldr	w9, =0x33ff		/* CPTR_EL2: RES1, SVE and SME trapped; TFP clear: startup may use FP registers */
	msr	cptr_el2, x9
	/* Fine-grained traps (FEAT_FGT) and HCRX_EL2 (FEAT_HCX) are UNKNOWN at reset. */
	mrs	x9, id_aa64mmfr0_el1
	ubfx	x9, x9, #56, #4
	cbz	x9, 1f
	msr	S3_4_C1_C1_4, xzr	/* HFGRTR_EL2 */
	msr	S3_4_C1_C1_5, xzr	/* HFGWTR_EL2 */
	msr	S3_4_C1_C1_6, xzr	/* HFGITR_EL2 */
	msr	S3_4_C3_C1_4, xzr	/* HDFGRTR_EL2 */
	msr	S3_4_C3_C1_5, xzr	/* HDFGWTR_EL2 */
	cmp	x9, #2
	b.lo	2f
	msr	S3_4_C3_C1_0, xzr	/* HDFGRTR2_EL2 */
	msr	S3_4_C3_C1_1, xzr	/* HDFGWTR2_EL2 */
	msr	S3_4_C3_C1_2, xzr	/* HFGRTR2_EL2 */
	msr	S3_4_C3_C1_3, xzr	/* HFGWTR2_EL2 */
	msr	S3_4_C3_C1_7, xzr	/* HFGITR2_EL2 */
2:	mrs	x9, id_aa64pfr0_el1
	ubfx	x9, x9, #44, #4		/* AMU */
	cbz	x9, 1f
	msr	S3_4_C3_C1_6, xzr	/* HAFGRTR_EL2 */
1:	mrs	x9, id_aa64mmfr1_el1
	ubfx	x9, x9, #40, #4
	cbz	x9, 1f
	msr	S3_4_C1_C2_2, xzr	/* HCRX_EL2 */
1:
	msr	hstr_el2, xzr
	msr	vttbr_el2, xzr
	msr	cntvoff_el2, xzr
	mov	x9, #3
	msr	cnthctl_el2, x9
	msr	cnthp_ctl_el2, xzr
	mrs	x9, midr_el1
	msr	vpidr_el2, x9
	mrs	x9, mpidr_el1
	msr	vmpidr_el2, x9
	/* MDCR_EL2: HPMN = all counters if there is a PMU; nothing trapped yet. */
	mrs	x9, id_aa64dfr0_el1
	ubfx	x9, x9, #8, #4
	cbz	x9, 2f
	cmp	x9, #0xf
	b.eq	2f
	msr	pmuserenr_el0, xzr
	mrs	x9, pmcr_el0
	ubfx	x9, x9, #11, #5
	b	3f
2:	mov	x9, #0
3:	msr	mdcr_el2, x9
	msr	spsel, #1
	isb
	mov	x0, #0
9:	ret

/*
 * A secondary core, MMU off. In: x0 = physical address of its struct core_start_args (PSCI's context id; a spin table core
 * finds the same through secondary_spin_entry).
 */
	.global	secondary_entry
	.type	secondary_entry, %function
secondary_entry:
	msr	daifset, #0xf
	mov	x19, x0
	mrs	x9, CurrentEL
	cmp	x9, #(2 << 2)
	b.ne	park
	ldr	w9, =SCTLR_EL2_OFF
	msr	sctlr_el2, x9
	isb
	bl	el2_reset
	tlbi	alle2
	ic	iallu
	dsb	nsh
	isb
	ldp	x0, x1, [x19, #START_ARGS_ROOT]
	ldp	x24, x25, [x19, #START_ARGS_SP]
	ldr	x2, =hyp_start_secondary
	b	mmu_enter
	.size	secondary_entry, . - secondary_entry

/* A spin table gives no argument: the core looks its own args up by MPIDR in the table that the boot core published. */
	.global	secondary_spin_entry
	.type	secondary_spin_entry, %function
secondary_spin_entry:
	adrp	x9, spin_args
	add	x9, x9, :lo12:spin_args
	mrs	x10, mpidr_el1
	ldr	x11, =0xff00ffffff
	and	x10, x10, x11
	mov	x12, #CONFIG_MAX_CORES
1:	ldp	x13, x0, [x9], #16	/* struct spin_arg */
	cbz	x0, 2f
	cmp	x13, x10
	b.eq	secondary_entry
2:	subs	x12, x12, #1
	b.ne	1b
	b	park
	.size	secondary_spin_entry, . - secondary_spin_entry

	.section .text.hyp_start_secondary, "ax"
	.type	hyp_start_secondary, %function
	.type	hyp_start_secondary, %function
hyp_start_secondary:
	ldr	x9, =vectors_hyp
	msr	vbar_el2, x9
	msr	tpidr_el2, x25
	mov	sp, x24
	mov	x0, x25
	mov	x29, #0
	mov	x30, #0
	bl	hyp_secondary
	b	.
	.size	hyp_start_secondary, . - hyp_start_secondary
	.size	hyp_start_secondary, . - hyp_start_secondary

/* In: x0 = TTBR0_EL2, x1 = TCR_EL2, x2 = where to go on (EL2 virtual). The page of this code is mapped at its own address. */
	.section .idmap.text, "ax"
	.global	mmu_enter
mmu_enter:
	msr	ttbr0_el2, x0
	msr	tcr_el2, x1
	ldr	x9, =0x00000000004404ff	/* MAIR: 0 Normal WB, 1 Device-nGnRE, 2 Normal NC */
	msr	mair_el2, x9
	dsb	ish
	isb
	tlbi	alle2
	dsb	nsh
	isb
	ldr	w9, =SCTLR_EL2_ON
	msr	sctlr_el2, x9
	isb
	br	x2
	.ltorg

	.section .bss
	.balign	4096
boot_stack:
	.space	CONFIG_STACK_SIZE
	.global	boot_stack, boot_stack_top
boot_stack_top:
