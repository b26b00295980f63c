/* SPDX-License-Identifier: Apache-2.0 */
/* Translations change and every core sees it: TLB maintenance, local and broadcast, by the guest alone. */
#include "tests/guest/conformance/conformance.h"

#define SLOT 2
#define SLOT_VA (MMU_SLOTS + SLOT * GIB(1))
#define RAM_PA GIB(1)
#define SEC "DDI0487 TLB maintenance instructions"

static volatile uint64_t marker = UINT64_C(0x7e57ab1e0ddba11);

/* The slot shows RAM at one time and the devices at another: both have something known at the same offset. */
static uint64_t offset_of_marker(void)
{
    return (uint64_t)&marker - RAM_PA;
}

static uint64_t *entry_of_slot;

/* Writes the descriptor as break-before-make wants it, with the maintenance by `how`. */
static void remap(uint64_t descriptor, void (*invalidate)(uint64_t va))
{
    *(volatile uint64_t *)entry_of_slot = 0;
    dsb(ish);
    invalidate(SLOT_VA);
    dsb(ish);
    *(volatile uint64_t *)entry_of_slot = descriptor;
    dsb(ish);
    isb();
}

static void by_va(uint64_t va)
{
    __asm__ volatile("tlbi vae1is, %0" ::"r"(va >> 12) : "memory");
}

static void by_va_all_asids(uint64_t va)
{
    __asm__ volatile("tlbi vaae1is, %0" ::"r"(va >> 12) : "memory");
}

static void by_va_last_level(uint64_t va)
{
    __asm__ volatile("tlbi vale1is, %0" ::"r"(va >> 12) : "memory");
}

static void by_asid(uint64_t va)
{
    (void)va;
    __asm__ volatile("tlbi aside1is, xzr" ::: "memory");
}

static void by_vmid(uint64_t va)
{
    (void)va;
    __asm__ volatile("tlbi vmalle1is" ::: "memory");
}

static uint64_t look(uint64_t va)
{
    isb();
    return read64(va);
}

static uint64_t look_device(uint64_t va)
{
    isb();
    return read32(va);
}

static bool changes_everywhere(void (*invalidate)(uint64_t va))
{
    bool good = true;
    uint64_t ram = SLOT_VA + offset_of_marker(), device = SLOT_VA + GICD + GICD_TYPER;
    for (unsigned int turn = 0; turn < 4; turn++) {
        remap(mmu_block(RAM_PA, 3, false), invalidate);
        for (unsigned int i = 0; i < cpu_count; i++)
            good &= cpu_call(i, look, ram) == marker;
        remap(mmu_block(0, 1, false), invalidate);
        for (unsigned int i = 0; i < cpu_count; i++)
            good &= cpu_call(i, look_device, device) == read32(GICD + GICD_TYPER);
    }
    return good;
}

static uint64_t is_gone(uint64_t va)
{
    struct exception e = insn_catch(0xf9400000, va, 0);
    return e.taken && e.esr == esr_make(EC_DABT_SAME, FSC_TRANSLATION(1)) && e.far == va;
}

static void tlb(void)
{
    static const struct {
        void (*invalidate)(uint64_t va);
        const char *name;
    } ways[] = {
        { by_va, "TLBI VAE1IS: every core sees the new translation" },
        { by_va_all_asids, "TLBI VAAE1IS: every core sees the new translation" },
        { by_va_last_level, "TLBI VALE1IS: every core sees the new translation" },
        { by_asid, "TLBI ASIDE1IS: every core sees the new translation" },
        { by_vmid, "TLBI VMALLE1IS: every core sees the new translation" },
    };
    mmu_slot_set(SLOT, 0);
    entry_of_slot = (uint64_t *)(mrs(ttbr0_el1) & FIELD(47, 12)) + SLOT_VA / GIB(1);
    if (cpu_count > 1)
        cpus_start_all();
    for (unsigned int i = 0; i < ARRAY_LEN(ways); i++)
        check(changes_everywhere(ways[i].invalidate), SEC, ways[i].name);
    remap(0, by_va);
    bool gone = true;
    for (unsigned int i = 0; i < cpu_count; i++)
        gone &= cpu_call(i, is_gone, SLOT_VA + offset_of_marker()) == 1;
    check(gone, SEC, "a translation taken away faults on every core");
    mmu_entry_set(SLOT_VA, mmu_block(RAM_PA, 3, false));
    uint64_t before = look(SLOT_VA + offset_of_marker());
    mmu_entry_set(SLOT_VA, 0);
    __asm__ volatile("tlbi vmalle1\n dsb nsh\n isb" ::: "memory");
    check(before == marker && is_gone(SLOT_VA + offset_of_marker()), SEC, "TLBI VMALLE1 on this core");
}
SUBJECT(520, "tlb", tlb);
