/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/mmu.h"
#include "arch/arm64/boot.h"
#include "arch/arm64/cache.h"
#include "arch/arm64/core_arch.h"
#include "arch/arm64/sysreg.h"
#include "hyp/base/lock.h"
#include "hyp/base/log.h"

#include <errno.h>

extern char image_start[], image_end[], init_start[], init_end[], mmu_enter[], file_end[];

static struct spinlock mmu_lock = LOCK_RANKED(LOCK_MMU);
static pa_t load_pa;          /* set at startup, then const */
static uint64_t *free_tables; /* under mmu_lock: pages that pt gave back, a list through their first word */
static uint64_t device_next = HYP_VA_DEVICES; /* startup only */

pa_t mmu_image_pa(void)
{
    return load_pa;
}

uint64_t mmu_image_size(void)
{
    return (uint64_t)(image_end - image_start);
}

pa_t image_pa(const void *p)
{
    return PA(va_of(p).raw - HYP_VA_IMAGE + load_pa.raw);
}

static void el2_store(struct pt *pt, uint64_t *entry, uint64_t value)
{
    (void)pt;
    __atomic_store_n(entry, value, __ATOMIC_RELAXED);
}

/* Pairs with the walkers of every core; the ISB makes this core's next access use the new entry. */
static void el2_publish(struct pt *pt)
{
    (void)pt;
    dsb_ishst();
    isb();
}

static void el2_invalidate(struct pt *pt, uint64_t ia, uint64_t size)
{
    (void)pt;
    if (size > 64 * PAGE_SIZE)
        __asm__ volatile("tlbi alle2is" ::: "memory");
    else
        for (uint64_t at = 0; at < size; at += PAGE_SIZE)
            __asm__ volatile("tlbi vae2is, %0" ::"r"((ia + at) >> 12) : "memory");
    dsb_ish();
    isb();
}

static uint64_t *el2_table_alloc(struct pt *pt)
{
    (void)pt;
    uint64_t *t = free_tables;
    if (!t)
        return boot_table_take();
    free_tables = (uint64_t *)(uintptr_t)t[0];
    t[0] = 0;
    return t;
}

static void el2_table_free(struct pt *pt, uint64_t *table)
{
    (void)pt;
    bulk_zero(table, PAGE_SIZE);
    table[0] = va_of(free_tables).raw;
    free_tables = table;
}

static pa_t el2_table_pa(struct pt *pt, const uint64_t *table)
{
    (void)pt;
    return image_pa(table);
}

static uint64_t *el2_table_ptr(struct pt *pt, pa_t pa)
{
    (void)pt;
    return va_ptr(VA(pa.raw - load_pa.raw + HYP_VA_IMAGE));
}

static const struct pt_ops el2_ops = {
    .store = el2_store,
    .publish = el2_publish,
    .invalidate = el2_invalidate,
    .table_alloc = el2_table_alloc,
    .table_free = el2_table_free,
    .table_pa = el2_table_pa,
    .table_ptr = el2_table_ptr,
};

static struct pt el2_pt = {
    /* under mmu_lock */
    .ops = &el2_ops,
    .root = boot_root.entry,
    .start_level = 0,
    .ia_bits = 48,
    .root_pages = 1,
    .max_block = 2,
    .attr_mask = FIELD(4, 2) | FIELD(9, 6) | BIT(54),
};

static int el2_map(uint64_t va, pa_t pa, uint64_t size, uint64_t attrs)
{
    lock_acquire(&mmu_lock);
    int err = pt_map(&el2_pt, va, pa, size, attrs);
    lock_release(&mmu_lock);
    return err;
}

static void el2_unmap(uint64_t va, uint64_t size)
{
    lock_acquire(&mmu_lock);
    int err = pt_unmap(&el2_pt, va, size);
    lock_release(&mmu_lock);
    hyp_assert(err == 0);
}

void mmu_init(pa_t load)
{
    load_pa = load;
}

volatile void *mmu_map_device(pa_t pa, uint64_t size)
{
    uint64_t first = align_down(pa.raw, PAGE_SIZE), end = align_up(pa.raw + size, PAGE_SIZE);
    uint64_t va = device_next;
    int err = el2_map(va, PA(first), end - first, S1_DEV);
    if (err) {
        log_error("EL2: device at 0x%llx cannot be mapped: out of table pages (CONFIG_MAX_CORES sizes the pool)",
                  (unsigned long long)pa.raw);
        return NULL;
    }
    device_next += end - first + PAGE_SIZE; /* a hole after each: a stray access faults */
    return va_ptr(VA(va + (pa.raw - first)));
}

void *mmu_map_direct(pa_t pa, uint64_t size, uint64_t attrs)
{
    uint64_t at = align_down(pa.raw, PAGE_SIZE), end = align_up(pa.raw + size, PAGE_SIZE);
    while (at < end) {
        struct pt_leaf leaf = pt_lookup(&el2_pt, HYP_VA_DIRECT + at);
        uint64_t leaf_end = leaf.ia + leaf.size - HYP_VA_DIRECT;
        uint64_t stop = leaf_end < end ? leaf_end : end;
        if (!leaf.mapped && el2_map(HYP_VA_DIRECT + at, PA(at), stop - at, attrs)) {
            log_error("EL2: memory at 0x%llx cannot be mapped: out of table pages", (unsigned long long)at);
            return NULL;
        }
        at = stop;
    }
    return direct_ptr(pa);
}

void mmu_unmap_direct(pa_t pa, uint64_t size)
{
    uint64_t first = align_down(pa.raw, PAGE_SIZE), end = align_up(pa.raw + size, PAGE_SIZE);
    el2_unmap(HYP_VA_DIRECT + first, end - first);
}

/* A window's place: the same offset in its 2 MiB as the physical address has, so that whole blocks map as blocks. */
static uint64_t window_va(unsigned n)
{
    return HYP_VA_WINDOWS + n * HYP_WINDOW_SIZE;
}

static void *window_open(unsigned n, pa_t pa, uint64_t size, bool writable)
{
    uint64_t offset = pa.raw & (HYP_WINDOW_SIZE - 1);
    uint64_t first = align_down(offset, PAGE_SIZE), end = align_up(offset + size, PAGE_SIZE);
    hyp_assert(size && end <= HYP_WINDOW_SIZE);
    int err = el2_map(window_va(n) + first, PA(align_down(pa.raw, PAGE_SIZE)), end - first, writable ? S1_RW : S1_RO);
    hyp_assert(err == 0);
    return va_ptr(VA(window_va(n) + offset));
}

void *window_map(pa_t pa, uint64_t size, bool writable)
{
    return window_open(this_core_arch()->index, pa, size, writable);
}

void window_unmap(void)
{
    el2_unmap(window_va(this_core_arch()->index), HYP_WINDOW_SIZE);
}

void *vm_window_map(unsigned vm, pa_t pa, uint64_t size)
{
    return window_open(CONFIG_MAX_CORES + vm, pa, size, true);
}

void vm_window_unmap(unsigned vm)
{
    el2_unmap(window_va(CONFIG_MAX_CORES + vm), HYP_WINDOW_SIZE);
}

_Static_assert(HYP_VIEWS_SIZE == PT_ENTRIES * PAGE_SIZE, "one table");
_Static_assert(HYP_VA_WINDOWS + (CONFIG_MAX_CORES + CONFIG_MAX_VMS) * HYP_WINDOW_SIZE <= HYP_VA_VIEWS,
               "windows end before the views");

int view_map(unsigned page, pa_t pa, uint64_t size, bool writable)
{
    return el2_map(HYP_VA_VIEWS + page * PAGE_SIZE, pa, size, writable ? S1_RW : S1_RO);
}

void view_unmap(unsigned page, unsigned pages)
{
    el2_unmap(HYP_VA_VIEWS + page * PAGE_SIZE, pages * PAGE_SIZE);
}

_Static_assert(2 * CONFIG_STACK_SIZE + PAGE_SIZE + EMERGENCY_STACK_SIZE + PAGE_SIZE <= STACK_SLOT_SIZE,
               "guard behind each stack");

va_t mmu_stack_create(unsigned core, void *pages, pa_t emergency, struct core_arch *arch)
{
    uint64_t bottom = HYP_VA_STACKS + core * STACK_SLOT_SIZE + CONFIG_STACK_SIZE, top = bottom + CONFIG_STACK_SIZE;
    if (pages && el2_map(bottom, direct_pa(pages), CONFIG_STACK_SIZE, S1_RW))
        return VA(0);
    if (el2_map(top + PAGE_SIZE, emergency, EMERGENCY_STACK_SIZE, S1_RW))
        return VA(0);
    arch->stack_bottom = bottom;
    arch->stack_top = top;
    arch->emergency_sp = top + PAGE_SIZE + EMERGENCY_STACK_SIZE;
    return VA(arch->stack_top);
}

va_t mmu_thread_stack(unsigned n, void *pages)
{
    uint64_t top = HYP_VA_THREADS + (n + 1) * 2 * CONFIG_THREAD_STACK_SIZE;
    if (top > HYP_VA_DEVICES ||
        el2_map(top - CONFIG_THREAD_STACK_SIZE, direct_pa(pages), CONFIG_THREAD_STACK_SIZE, S1_RW))
        return VA(0);
    return VA(top);
}

void mmu_identity_end(void)
{
    el2_unmap(align_down(image_pa(mmu_enter).raw, PAGE_SIZE), PAGE_SIZE);
}

void mmu_startup_end(void)
{
    el2_unmap(va_of(init_start).raw, (uint64_t)(init_end - init_start));
}

void mmu_root(struct core_start_args *args)
{
    args->root_pa = image_pa(boot_root.entry).raw;
    args->tcr = read_sysreg(tcr_el2);
}
