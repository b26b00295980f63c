/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * EL2's own address space, and how a core's translation is set up. Layout (48-bit, one VA range):
 *
 *   HYP_VA_IMAGE    the linked image: text RX, rodata RO, data RW; startup text unmapped by startup_end()
 *   HYP_VA_STACKS   a stack a core, a guard page below each
 *   HYP_VA_THREADS  a stack a thread, a guard as large below each
 *   HYP_VA_DEVICES  device pages that EL2 drives
 *   HYP_VA_DIRECT   + physical address: the pages EL2 owns, the host tree, the bundle; no guest memory
 *   HYP_VA_WINDOWS  + core * 2 MiB: a core's view for copying to and scrubbing guest memory
 *   HYP_VA_VIEWS    guest memory that vdevs have in view, a share of the area a VM
 *   anywhere below  one identity page of the image while the MMU is switched on
 */
#include "arch/arm64/layout.h"
#include "arch/arm64/pgtable.h"
#include "hyp/base/phase.h"

#define HYP_WINDOW_SIZE MIB(2)
#define HYP_CHUNK_SIZE KIB(64) /* how much of a core's is used at once */

/* Where the image lies in physical memory, and its extent with bss, boot stack and first tables. Any phase. */
pa_t mmu_image_pa(void);
uint64_t mmu_image_size(void);

/* Maps a device's registers for EL2 (Device-nGnRE, RW, XN); page granular. NULL with a traced error. */
volatile void *mmu_map_device(pa_t pa, uint64_t size) __startup;
/* Makes [pa, pa+size) visible at its direct address (attrs S1_RW or S1_RO). Page granular, rounded outward; pages
 * mapped already are left as they are. NULL with a traced error. */
void *mmu_map_direct(pa_t pa, uint64_t size, uint64_t attrs) __startup;
void mmu_unmap_direct(pa_t pa, uint64_t size);
/* The direct address of an owned page and back. Pure. */
static inline void *direct_ptr(pa_t pa)
{
    return va_ptr(VA(HYP_VA_DIRECT + pa.raw));
}
static inline pa_t direct_pa(const void *p)
{
    return PA(va_of(p).raw - HYP_VA_DIRECT);
}
/* Physical address of an object of the image (bss, data). Pure. */
pa_t image_pa(const void *p);

/* This core's window onto [pa, pa+size), size <= 2 MiB and not crossing a 2 MiB boundary. Interrupts masked. One at a time a core; bounded by
 * window_unmap(), which also invalidates the TLB entries. Never fails: its tables are made on first use, at startup. */
void *window_map(pa_t pa, uint64_t size, bool writable);
void window_unmap(void);
/* The same for a VM's keeper, which may be preempted and go to another core meanwhile: a window of its own. */
void *vm_window_map(unsigned vm, pa_t pa, uint64_t size);
void vm_window_unmap(unsigned vm);

/* Maps guest memory into the view area, page by page: `page` counts from the area's start. One table serves all of it. Any core. -EEXIST, -ENOMEM. */
int view_map(unsigned page, pa_t pa, uint64_t size, bool writable) __must_check;
/* Unmaps pages of the view area on all cores. */
void view_unmap(unsigned page, unsigned pages);
static inline void *view_ptr(unsigned page)
{
    return va_ptr(VA(HYP_VA_VIEWS + page * PAGE_SIZE));
}

/* First of all: where the image lies. */
void mmu_init(pa_t load) __startup;
struct core_arch;
struct core_start_args;
/* The stack of EL2's n-th thread, with a guard as large below it. Answers its top; 0: there is no place, or no table page. */
va_t mmu_thread_stack(unsigned n, void *pages) __startup;
/* Gives a core its stack, a guard page below and above it, and its emergency stack; `pages` from hyp_alloc_pages(), NULL for the boot core,
 * whose stack is mapped already. Answers its top; 0: out of table pages. */
va_t mmu_stack_create(unsigned core, void *pages, pa_t emergency, struct core_arch *arch) __startup;
/* What a starting core needs to switch its MMU on with our tables. */
void mmu_root(struct core_start_args *args) __startup;
/* All cores are up: the identity page goes. */
void mmu_identity_end(void) __startup;
/* Startup is over: its code is unmapped. Called from running code. */
void mmu_startup_end(void);
