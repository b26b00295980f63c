/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must happen before the MMU is on. Runs at its load address: nothing here may use an absolute address (no tables of
 * pointers, no jump tables) or an unaligned access. &symbol is where the symbol lies now, because addresses are PC-relative.
 */
#include "arch/arm64/boot.h"
#include "arch/arm64/core_arch.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/sysreg.h"

extern char image_start[], text_end[], rodata_end[], init_end[], image_end[], boot_stack[];
extern char mmu_enter[];

struct boot_table boot_root __attribute__((section(".boot.tables"), aligned(4096)));
static struct boot_table table_pool[BOOT_TABLES] __attribute__((section(".boot.tables"), aligned(4096)));
static uint32_t tables_used;
struct core_arch boot_core;

static uint64_t hex_parse(const char *s)
{
    uint64_t v = 0;
    if (s[0] == '0' && (s[1] | 0x20) == 'x')
        s += 2;
    for (; *s; s++) {
        char c = *s | 0x20;
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint64_t)(c - 'a' + 10);
        else
            return 0;
    }
    return v;
}

/* U-Boot's `go ADDRESS FDT BUNDLE`: argv[0] is the address itself. out: tree, bundle; 0 where not given. */
void boot_parse_go(uint64_t argc, const char *const *argv, uint64_t out[2])
{
    out[0] = argc > 1 ? hex_parse(argv[1]) : 0;
    out[1] = argc > 2 ? hex_parse(argv[2]) : 0;
}

static uint64_t *table_below(uint64_t *table, unsigned index)
{
    if (!(table[index] & PTE_VALID))
        table[index] = (uint64_t)(uintptr_t)table_pool[tables_used++].entry | PTE_TABLE | PTE_VALID;
    return (uint64_t *)(uintptr_t)(table[index] & PTE_ADDR);
}

static void page_map(uint64_t va, uint64_t pa, uint64_t attrs)
{
    uint64_t *t = boot_root.entry;
    for (int shift = 39; shift > 12; shift -= 9)
        t = table_below(t, va >> shift & (PT_ENTRIES - 1));
    t[va >> 12 & (PT_ENTRIES - 1)] = pa | attrs | PTE_AF | PTE_TABLE | PTE_VALID;
}

static void pages_map(uint64_t va, uint64_t pa, uint64_t size, uint64_t attrs)
{
    for (uint64_t at = 0; at < size; at += PAGE_SIZE)
        page_map(va + at, pa + at, attrs);
}

static uint64_t here(const void *p)
{
    return (uint64_t)(uintptr_t)p;
}

/*
 * The first tables: the image by permission at its EL2 address, the boot stack in core 0's slot with guards around it, and the one page
 * that switches the MMU on, mapped at its own address. Answers the root's physical address.
 */
uint64_t boot_tables(uint64_t load)
{
    uint64_t text = here(text_end) - load, rodata = here(rodata_end) - load, init = here(init_end) - load;
    pages_map(HYP_VA_IMAGE, load, text, S1_RX);
    pages_map(HYP_VA_IMAGE + text, load + text, rodata - text, S1_RO);
    pages_map(HYP_VA_IMAGE + rodata, load + rodata, init - rodata, S1_RX);
    pages_map(HYP_VA_IMAGE + init, load + init, here(image_end) - load - init, S1_RW);
    pages_map(HYP_VA_STACKS + CONFIG_STACK_SIZE, here(boot_stack), CONFIG_STACK_SIZE, S1_RW);
    uint64_t identity = align_down(here(mmu_enter), PAGE_SIZE);
    page_map(identity, identity, S1_RX);
    return here(boot_root.entry);
}

/* TCR_EL2: 48-bit VA, 4 KiB granule, write-back inner-shareable walks, the core's physical range. */
uint64_t boot_tcr(void)
{
    uint64_t parange = field_get(FIELD(3, 0), read_sysreg(id_aa64mmfr0_el1));
    if (parange > 5)
        parange = 5; /* 52 bits need another descriptor format; 48 is what ours reaches */
    return BIT(31) | BIT(23) | parange << 16 | UINT64_C(3) << 12 | BIT(10) | BIT(8) | (64 - 48);
}

uint64_t *boot_table_take(void)
{
    return tables_used < BOOT_TABLES ? table_pool[tables_used++].entry : NULL;
}
