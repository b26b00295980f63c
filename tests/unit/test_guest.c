/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/phase.c hyp/guest.c hyp/guest_block.c hyp/aspace.c hyp/aspace_change.c hyp/aspace_window.c hyp/region.c arch/arm64/stage2.c arch/arm64/pgtable.c hyp/ranges.c tests/unit/arch_fake.c tests/unit/alloc_fake.c tests/unit/tree_support.c */
/* Guest-virtual state blocks, reads of nothing, outcomes, the power state; and the numbers and sizes that the ABI word stands for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "arch/arm64/mmu.h"
#include "hyp/api/gasp.h"
#include "hyp/api/instr.h"
#include "hyp/api/utils.h"
#include "hyp/vm.h"
#include "tests/unit/alloc_fake.h"
#include "tests/unit/arch_fake.h"
#include "tests/unit/tree_support.h"

#define RAM GIB(1)
#define VBASE UINT64_C(0xffff000012340000)
#define PAGES 4
#define EL0T 0x0
#define EL1H 0x5

/* The log's limit is the log's. */
bool log_allowed(struct log_limit *limit)
{
    (void)limit;
    return true;
}

static struct guest_system vm;
static struct guest_cpu cpu;
static struct config_vm config;
static uint8_t *ram;
static bool seen_el0;

/* VBASE's pages are RAM's in reverse; the first may only be read, EL0 has nothing, and the last is none of the VM's memory. */
static bool translate(uint64_t va, bool el0, bool write, uint64_t *ipa)
{
    uint64_t page = (va - VBASE) / PAGE_SIZE;
    seen_el0 = el0;
    if (va < VBASE || page > PAGES || el0 || (write && page == 0))
        return false;
    *ipa = page == PAGES ? GIB(2) : RAM + (PAGES - 1 - page) * PAGE_SIZE + (va & (PAGE_SIZE - 1));
    return true;
}

static int setup(void **state)
{
    (void)state;
    *fake_sysreg("id_aa64mmfr0_el1") = 4;
    memset(&vm, 0, sizeof(vm));
    memset(&cpu, 0, sizeof(cpu));
    vm.config = &config;
    vm.name = "vm";
    cpu.vm = &vm;
    cpu.arch.regs.pstate = EL1H;
    ram = aligned_alloc(PAGE_SIZE, PAGES * PAGE_SIZE);
    for (unsigned i = 0; i < PAGES * PAGE_SIZE; i++)
        ram[i] = (uint8_t)(i * 7 + i / PAGE_SIZE);
    machine_phase = PHASE_STARTUP;
    struct region r = { .base = IPA(RAM),
                        .size = PAGES * PAGE_SIZE,
                        .flags = GRF_MEMORY | GRF_PASS_RD | GRF_PASS_WR,
                        .host = direct_pa(ram),
                        .owner = "RAM" };
    int err = aspace_init(&vm.as, 1, 36);
    err = err ? err : aspace_add(&vm.as, &r);
    machine_phase = PHASE_RUNNING;
    fake_translate = translate;
    return err;
}

static int teardown(void **state)
{
    (void)state;
    aspace_destroy(&vm.as);
    alloc_forget();
    free(ram);
    fake_translate = NULL;
    return 0;
}

static qvm_state_block at_va(uint64_t va, uint64_t length)
{
    return (qvm_state_block){ .type = QST_VIRTUAL, .location = va, .length = length };
}

static void test_virtual_across_pages(void **state)
{
    uint8_t data[PAGE_SIZE + 20], back[sizeof(data)];
    qvm_state_block b = at_va(VBASE + 2 * PAGE_SIZE - 10, sizeof(data));
    (void)state;
    assert_int_equal(guest_cpu_read(&cpu, GXF_NONE, &b, 1, data, sizeof(data)), EOK);
    assert_memory_equal(data, ram + 3 * PAGE_SIZE - 10, 10);
    assert_memory_equal(data + 10, ram + PAGE_SIZE, PAGE_SIZE);
    assert_memory_equal(data + 10 + PAGE_SIZE, ram, 10);
    assert_false(seen_el0);
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)~data[i];
    assert_int_equal(guest_cpu_write(&cpu, GXF_NONE, &b, 1, data, sizeof(data)), EOK);
    assert_int_equal(guest_cpu_read(&cpu, GXF_NONE, &b, 1, back, sizeof(back)), EOK);
    assert_memory_equal(back, data, sizeof(data));
    assert_int_equal(fake_windows_open, 0);
}

/* Refused by the guest's own tables: -1, which is a bus error. By the VM's memory: an errno. */
static void test_virtual_that_cannot_be(void **state)
{
    uint64_t data = 5;
    qvm_state_block read_only = at_va(VBASE + 8, 8), nowhere = at_va(VBASE - 8, 16),
                    beyond = at_va(VBASE + PAGES * PAGE_SIZE, 8);
    (void)state;
    assert_int_equal(guest_cpu_write(&cpu, GXF_NONE, &read_only, 1, &data, 8), -1);
    assert_int_equal(guest_cpu_read(&cpu, GXF_NONE, &read_only, 1, &data, 8), EOK);
    assert_int_equal(guest_cpu_read(&cpu, GXF_NONE, &nowhere, 1, &data, 8), -1);
    assert_int_equal(guest_cpu_read(&cpu, GXF_NONE, &beyond, 1, &data, 8), EFAULT);
    assert_int_equal(guest_cpu_read(NULL, GXF_NONE, &read_only, 1, &data, 8), EINVAL);
    cpu.arch.regs.pstate = EL0T;
    assert_int_equal(guest_cpu_read(&cpu, GXF_NONE, &read_only, 1, &data, 8), -1);
    assert_true(seen_el0);
    assert_int_equal(guest_cpu_to_vrs(EOK), VRS_NORMAL);
    assert_int_equal(guest_cpu_to_vrs(-1), VRS_BUS_ERROR);
    assert_int_equal(guest_cpu_to_vrs(EFAULT), VRS_ERRNO + EFAULT);
}

static void test_all_ones(void **state)
{
    qvm_state_block w = { .type = QST_CPUREGS, .location = 8, .length = 4, .flags = QSF_ZERO_EXTEND(8) };
    qvm_state_block x = { .type = QST_CPUREGS, .location = 16, .length = 2, .flags = QSF_SIGN_EXTEND(8) };
    qvm_state_block memory = { .type = QST_MEMORY, .location = RAM + 3, .length = 150 };
    qvm_state_block blocks[] = { w, x, memory }, immediate = { .type = QST_IMMEDIATE, .length = 8 };
    uint8_t before = ram[2], behind = ram[153];
    (void)state;
    cpu.arch.regs.x[1] = cpu.arch.regs.x[2] = 0x1234567812345678;
    assert_int_equal(guest_write_all_ones(&cpu, GXF_NONE, blocks, 3), EOK);
    assert_int_equal(cpu.arch.regs.x[1], 0xffffffff);
    assert_int_equal(cpu.arch.regs.x[2], UINT64_MAX);
    for (unsigned i = 3; i < 153; i++)
        assert_int_equal(ram[i], 0xff);
    assert_true(ram[2] == before && ram[153] == behind);
    assert_int_equal(guest_write_all_ones(&cpu, GXF_NONE, &immediate, 1), EINVAL);
    memory.location = RAM + PAGES * PAGE_SIZE - 100;
    assert_int_equal(guest_write_all_ones(&cpu, GXF_NONE, &memory, 1), EFAULT);
    assert_int_equal(guest_write_all_ones(&cpu, GXF_NONE, &memory, 0), EOK);
}

static void test_power_state(void **state)
{
    static const enum guest_power_state wanted[] = {
        [VM_CONFIGURED] = GPS_OFF, [VM_RUNNING] = GPS_ON, [VM_PAUSED] = GPS_PAUSED,
        [VM_ENDING] = GPS_OFF,     [VM_ENDED] = GPS_OFF,  [VM_REFUSED] = GPS_OFF,
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(wanted); i++) {
        vm.state = (enum vm_state)i;
        assert_int_equal(guest_power_state_current(&vm), wanted[i]);
    }
}

#define OFFSET_IS(type, member, offset) assert_int_equal(offsetof(type, member), offset)
#define NUMBER_IS(name, value) assert_int_equal(name, value)

/* What a vdev that was built against these headers relies on. A change here is a change of QVM_VDEV_ABI. */
static void test_abi_sizes(void **state)
{
    (void)state;
    NUMBER_IS(QVM_VDEV_ABI, 2026113001u);
    NUMBER_IS(sizeof(struct vdev_factory), 136);
    OFFSET_IS(struct vdev_factory, abi, 0);
    OFFSET_IS(struct vdev_factory, option_strings, 40);
    OFFSET_IS(struct vdev_factory, startup, 64);
    OFFSET_IS(struct vdev_factory, control, 72);
    OFFSET_IS(struct vdev_factory, vread, 80);
    OFFSET_IS(struct vdev_factory, regs, 96);
    OFFSET_IS(struct vdev_factory, pulse, 104);
    OFFSET_IS(struct vdev_factory, threads, 112);
    OFFSET_IS(struct vdev_factory, timer, 120);
    OFFSET_IS(struct vdev_factory, pic, 128);
    NUMBER_IS(sizeof(qvm_state_block), 24);
    OFFSET_IS(qvm_state_block, length, 8);
    OFFSET_IS(qvm_state_block, type, 16);
    OFFSET_IS(qvm_state_block, flags, 18);
    NUMBER_IS(sizeof(struct guest_intr), 16);
    NUMBER_IS(sizeof(vdev_t), 144);
    OFFSET_IS(vdev_t, v_block, 24);
    OFFSET_IS(vdev_t, v_intr, 48);
    OFFSET_IS(vdev_t, v_mtx, 64);
    NUMBER_IS(sizeof(struct spinlock), 16);
    NUMBER_IS(sizeof(struct gasp_region), 56);
    OFFSET_IS(struct gasp_region, guest, 32);
    NUMBER_IS(sizeof(gasp_map_handle_t), 24);
    NUMBER_IS(sizeof(struct gasp_walk), 16);
    NUMBER_IS(sizeof(struct vdev_builder), 40);
    NUMBER_IS(sizeof(struct vdev_option), 24);
    NUMBER_IS(sizeof(struct reg), 40);
    NUMBER_IS(sizeof(struct reg_table), 16);
    NUMBER_IS(sizeof(struct reg_access), 32);
    NUMBER_IS(sizeof(struct vdev_pic_functions), 64);
    NUMBER_IS(sizeof(struct qvm_slice_descriptor), 24);
}

/* Those that QNX documents have its values. */
static void test_abi_numbers(void **state)
{
    (void)state;
    const unsigned codes[] = { VDEV_CTRL_OPTIONS_START, VDEV_CTRL_OPTIONS_END,    VDEV_CTRL_GUEST_CONFIGURED,
                               VDEV_CTRL_TERMINATE,     VDEV_CTRL_STATUS,         VDEV_CTRL_GEN_ACPI,
                               VDEV_CTRL_GEN_FDT,       VDEV_CTRL_BUTTON,         VDEV_CTRL_ASSIGN,
                               VDEV_CTRL_PCI_BARS,      VDEV_CTRL_GUEST_STARTING, VDEV_CTRL_RESET };
    for (unsigned i = 0; i < ARRAY_LEN(codes); i++)
        NUMBER_IS(codes[i], i);
    NUMBER_IS(VDEV_CTRL_FIRST_OPTIDX, 0x100);
    NUMBER_IS(VFF_INTR_NO | VFF_INTR_REQ | VFF_INTR_NONPCI | VFF_LOC_NO | VFF_VDEV_MEM, 0x3e);
    NUMBER_IS(VFF_MUTEX, 0x100);
    NUMBER_IS(VFF_MANUAL_REGION, 0x800);
    NUMBER_IS(VFF_INTR_SHARED, 0x1000);
    const unsigned outcomes[] = { VRS_NORMAL, VRS_NO_ADVANCE, VRS_ABORT, VRS_BUS_ERROR, VRS_CONTINUE, VRS_TERMINATE };
    for (unsigned i = 0; i < ARRAY_LEN(outcomes); i++)
        NUMBER_IS(outcomes[i], i);
    NUMBER_IS(VRS_ERRNO, 0x100);
    NUMBER_IS(GRF_VIRT_RD | GRF_VIRT_WR << 4 | GRF_VIRT_EX << 8, 0x421);
    NUMBER_IS(GRF_PASS_RD | GRF_PASS_WR | GRF_PASS_EX, 0x38);
    NUMBER_IS(GRF_NOCACHE, 0x40);
    NUMBER_IS(GRF_ACTIVE, 0x80);
    NUMBER_IS(GRF_MEMORY, 0x100);
    NUMBER_IS(GRF_PASSTHRU, 0x200);
    NUMBER_IS(GRF_PRECIOUS, 0x4000);
    NUMBER_IS(GRF_NOPERMS, 0x8000);
    NUMBER_IS(QST_ARM_SR, 0x8000);
    NUMBER_IS(QST_NO_TYPE, 0xffff);
    NUMBER_IS(GIS_ON | GIS_OFF << 4 | GIS_ISR << 8, 0x421);
    NUMBER_IS(GTC_CUSTOM_MIN, 32);
    NUMBER_IS(GTC_MAX, 63);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_virtual_across_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_virtual_that_cannot_be, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(test_power_state, setup, teardown),
        cmocka_unit_test(test_abi_sizes),
        cmocka_unit_test(test_abi_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
