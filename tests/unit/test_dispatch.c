/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/phase.c hyp/dispatch.c hyp/mmio.c hyp/regs.c hyp/reg_index.c hyp/guest.c hyp/aspace.c hyp/aspace_change.c hyp/aspace_window.c hyp/region.c arch/arm64/stage2.c arch/arm64/pgtable.c hyp/ranges.c tests/unit/arch_fake.c tests/unit/alloc_fake.c tests/unit/tree_support.c hyp/guest_block.c */
/* Register tables, vread/vwrite, and the state blocks that they move data by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "hyp/dispatch.h"
#include "hyp/vm.h"
#include "tests/unit/alloc_fake.h"
#include "tests/unit/arch_fake.h"
#include "tests/unit/tree_support.h"

#define BASE UINT64_C(0x9000000)

/* The log's limit is the log's. */
bool log_allowed(struct log_limit *limit)
{
    (void)limit;
    return true;
}

static struct guest_system vm;
static struct guest_cpu cpu;
static vdev_t vdev;
static struct reg_access seen;
static unsigned calls;
static uint64_t written, answer;

static uint64_t row_read(const struct reg_access *a)
{
    seen = *a;
    calls++;
    return answer;
}

static void row_write(const struct reg_access *a, uint64_t value)
{
    seen = *a;
    calls++;
    written = value;
}

static const struct reg rows[] = {
    { .offset = 0x00,
      .span = 4,
      .stride = 4,
      .sizes = REG_SIZE_1 | REG_SIZE_2 | REG_SIZE_4,
      .read = row_read,
      .write = row_write },
    { .offset = 0x04, .span = 4, .stride = 4, .sizes = REG_SIZE_4, .read = row_read },
    { .offset = 0x08, .span = 4, .stride = 4, .sizes = REG_SIZE_4, .value = 0x11223344 },
    { .offset = 0x10, .span = 16, .stride = 4, .sizes = REG_SIZE_4 | REG_SIZE_8, .read = row_read, .write = row_write },
    { .offset = 0x20, .span = 32, .stride = 1, .sizes = REG_SIZE_1 | REG_SIZE_4, .read = row_read, .write = row_write },
    { .offset = 0x40, .span = 16, .stride = 8, .sizes = REG_SIZE_8 | REG_SIZE_4, .read = row_read, .write = row_write },
    { .offset = 0x60, .span = 16, .stride = 4, .sizes = REG_SIZE_1 | REG_SIZE_4 | REG_SIZE_8, .value = 0xa1b2c3d4 },
};
static const struct reg_table table = { rows, ARRAY_LEN(rows), REG_RAZ_WI };
static const struct reg_table strict = { rows, ARRAY_LEN(rows), REG_BUS_ERROR };

static struct vdev_factory factory;
static struct region region;

static int setup(void **state)
{
    (void)state;
    memset(&factory, 0, sizeof(factory));
    vdev = (vdev_t){ .v_factory = &factory };
    region = (struct region){ .base = IPA(BASE),
                              .size = 0x1000,
                              .flags = GRF_VIRT_RD | GRF_VIRT_WR,
                              .cookie = 7,
                              .vdev = &vdev,
                              .regs = &table };
    machine_phase = PHASE_STARTUP;
    assert_int_equal(reg_index_make(&table, &region.index), 0); /* strict's too: the same rows */
    machine_phase = PHASE_RUNNING;
    memset(&cpu, 0, sizeof(cpu));
    cpu.vm = &vm;
    calls = 0;
    answer = 0;
    written = 0;
    log_forget();
    return 0;
}

static struct mmio mmio_at(uint64_t offset, unsigned size, bool write)
{
    return (struct mmio){ .ipa = IPA(BASE + offset), .size = (uint8_t)size, .write = write, .wide = true, .reg = 2 };
}

static enum vdev_ref_status access(uint64_t offset, unsigned size, bool write, uint64_t *value)
{
    struct mmio m = mmio_at(offset, size, write);
    return dispatch_mmio(&region, &cpu, &m, value);
}

static void test_find(void **state)
{
    (void)state;
    for (uint32_t offset = 0; offset < 0x100; offset++) {
        const struct reg *want = NULL;
        for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
            if (offset >= rows[i].offset && offset < rows[i].offset + rows[i].span)
                want = &rows[i];
        assert_ptr_equal(reg_find(&table, offset), want);
    }
    const struct reg_table empty = { NULL, 0, REG_RAZ_WI };
    assert_null(reg_find(&empty, 0));
}

static void test_table_check(void **state)
{
    struct reg bad[2] = { { .offset = 0, .span = 8, .stride = 4, .sizes = REG_SIZE_4 },
                          { .offset = 8, .span = 4, .stride = 4, .sizes = REG_SIZE_4 } };
    struct reg_table t = { bad, 2, REG_RAZ_WI };
    (void)state;
    assert_int_equal(reg_table_check(&table, "test"), 0);
    assert_int_equal(reg_table_check(&t, "test"), 0);
    bad[1].offset = 4;
    assert_int_equal(reg_table_check(&t, "/vm/dev"), -EINVAL);
    assert_true(log_has("/vm/dev: register table, row 1 (offset 0x4) is out of order or overlaps"));
    bad[1] = (struct reg){ .offset = 8, .span = 6, .stride = 4, .sizes = REG_SIZE_4 };
    assert_int_equal(reg_table_check(&t, "test"), -EINVAL);
    bad[1] = (struct reg){ .offset = 8, .span = 4, .stride = 0, .sizes = REG_SIZE_4 };
    assert_int_equal(reg_table_check(&t, "test"), -EINVAL);
    bad[1] = (struct reg){ .offset = 8, .span = 4, .stride = 4, .sizes = 0 };
    assert_int_equal(reg_table_check(&t, "test"), -EINVAL);
    bad[1] = (struct reg){ .offset = 8, .span = 0, .stride = 4, .sizes = REG_SIZE_4 };
    assert_int_equal(reg_table_check(&t, "test"), -EINVAL);
    bad[1] = (struct reg){ .offset = 0xfffffffc, .span = 8, .stride = 4, .sizes = REG_SIZE_4 };
    assert_int_equal(reg_table_check(&t, "test"), -EINVAL);
    bad[1] = (struct reg){ .offset = 10, .span = 4, .stride = 4, .sizes = REG_SIZE_4 };
    assert_int_equal(reg_table_check(&t, "test"), -EINVAL);
}

static void test_row_functions(void **state)
{
    uint64_t value = ~UINT64_C(0);
    (void)state;
    answer = UINT64_C(0xffffffff80000001);
    assert_int_equal(access(0, 4, false, &value), VRS_NORMAL);
    assert_int_equal(value, 0x80000001); /* no more than was accessed */
    assert_ptr_equal(seen.vdev, &vdev);
    assert_ptr_equal(seen.gcp, &cpu);
    assert_int_equal(seen.cookie, 7);
    assert_int_equal(seen.size, 4);
    value = UINT64_C(0x1122334455667788);
    assert_int_equal(access(1, 1, true, &value), VRS_NORMAL);
    assert_int_equal(written, 0x88);
    assert_int_equal(seen.offset, 1);
    assert_int_equal(seen.index, 0);
    assert_int_equal(value, UINT64_C(0x1122334455667788));
    /* A row that only reads: the write goes nowhere. */
    calls = 0;
    assert_int_equal(access(4, 4, true, &value), VRS_NORMAL);
    assert_int_equal(calls, 0);
}

static void test_sign_extension(void **state)
{
    struct mmio m = mmio_at(0, 1, false);
    uint64_t value;
    (void)state;
    answer = 0x1f0;
    m.sign_extend = true;
    assert_int_equal(dispatch_mmio(&region, &cpu, &m, &value), VRS_NORMAL);
    assert_int_equal(value, ~UINT64_C(0xf));
    m.wide = false;
    assert_int_equal(dispatch_mmio(&region, &cpu, &m, &value), VRS_NORMAL);
    assert_int_equal(value, 0xfffffff0);
}

static void test_arrays(void **state)
{
    uint64_t value = 0;
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(access(0x10 + 4 * i, 4, false, &value), VRS_NORMAL);
        assert_int_equal(seen.index, i);
    }
    for (unsigned i = 0; i < 32; i++) {
        assert_int_equal(access(0x20 + i, 1, true, &value), VRS_NORMAL);
        assert_int_equal(seen.index, i);
    }
    assert_int_equal(access(0x24, 4, true, &value), VRS_NORMAL);
    assert_int_equal(seen.index, 4);
    assert_int_equal(seen.size, 4);
    /* Two registers at once, where the row allows it. */
    assert_int_equal(access(0x18, 8, true, &value), VRS_NORMAL);
    assert_int_equal(seen.index, 2);
    assert_int_equal(seen.size, 8);
    /* The upper half of a register of 8 bytes. */
    assert_int_equal(access(0x4c, 4, true, &value), VRS_NORMAL);
    assert_int_equal(seen.index, 1);
    assert_int_equal(seen.offset, 0x4c);
}

static void test_constants(void **state)
{
    uint64_t value;
    (void)state;
    assert_int_equal(access(8, 4, false, &value), VRS_NORMAL);
    assert_int_equal(value, 0x11223344);
    assert_int_equal(access(0x6c, 4, false, &value), VRS_NORMAL);
    assert_int_equal(value, 0xa1b2c3d4);
    assert_int_equal(access(0x68, 8, false, &value), VRS_NORMAL);
    assert_int_equal(value, UINT64_C(0xa1b2c3d4a1b2c3d4));
    assert_int_equal(access(0x66, 1, false, &value), VRS_NORMAL);
    assert_int_equal(value, 0xb2);
}

/* Sizes, alignment, holes, ends of rows and of the region, by both policies. */
static void test_refused(void **state)
{
    static const struct {
        uint32_t offset;
        uint8_t size;
    } bad[] = { { 0x4, 1 }, { 0x4, 2 },  { 0, 8 },    { 0x1, 2 },  { 0x2, 4 },  { 0x8, 8 },
                { 0xc, 4 }, { 0x14, 8 }, { 0x30, 8 }, { 0x50, 4 }, { 0xff8, 8 } };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        for (unsigned write = 0; write < 2; write++) {
            uint64_t value = 0x55;
            region.regs = &table;
            assert_int_equal(access(bad[i].offset, bad[i].size, write, &value), VRS_NORMAL);
            assert_int_equal(value, write ? 0x55 : 0);
            region.regs = &strict;
            assert_int_equal(access(bad[i].offset, bad[i].size, write, &value), VRS_BUS_ERROR);
        }
    assert_int_equal(calls, 0);
    uint64_t value;
    region.regs = &table;
    assert_int_equal(access(0xffc, 8, false, &value), VRS_BUS_ERROR); /* beyond the region */
}

static void test_nobody(void **state)
{
    uint64_t value = 0;
    (void)state;
    region.flags = GRF_VIRT_RD;
    assert_int_equal(access(0, 4, true, &value), VRS_CONTINUE);
    assert_int_equal(access(0, 4, false, &value), VRS_NORMAL);
    region.flags = GRF_NOPERMS;
    assert_int_equal(access(0, 4, false, &value), VRS_CONTINUE);
    region.flags = GRF_VIRT_RD | GRF_VIRT_WR;
    region.regs = NULL;
    factory.acc_sizes = REG_SIZE_4;
    assert_int_equal(access(0, 4, false, &value), VRS_CONTINUE);
    assert_int_equal(access(0, 4, true, &value), VRS_CONTINUE);
}

/* ---- vread and vwrite ---- */

static qvm_state_block place, operand;
static enum vdev_ref_status status;

static enum vdev_ref_status dev_read(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd,
                                     const qvm_state_block *oopnd, guest_cpu *gcp)
{
    assert_ptr_equal(v, &vdev);
    assert_int_equal(cookie, 7);
    place = *vopnd;
    operand = *oopnd;
    assert_int_equal(guest_cpu_write(gcp, GXF_NONE, oopnd, 1, &answer, vopnd->length), EOK);
    return status;
}

static enum vdev_ref_status dev_write(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd,
                                      const qvm_state_block *oopnd, guest_cpu *gcp)
{
    assert_ptr_equal(v, &vdev);
    assert_int_equal(cookie, 7);
    place = *vopnd;
    operand = *oopnd;
    written = 0;
    assert_int_equal(guest_cpu_read(gcp, GXF_NONE, oopnd, 1, &written, vopnd->length), EOK);
    return status;
}

static void vdev_by_functions(void)
{
    region.regs = NULL;
    factory.vread = dev_read;
    factory.vwrite = dev_write;
    factory.acc_sizes = REG_SIZE_1 | REG_SIZE_4 | REG_SIZE_8;
    status = VRS_NORMAL;
}

static void test_functions(void **state)
{
    struct mmio m = mmio_at(0x20, 4, true);
    uint64_t value;
    (void)state;
    vdev_by_functions();
    cpu.arch.regs.x[2] = value = UINT64_C(0x1111222233334444);
    assert_int_equal(dispatch_mmio(&region, &cpu, &m, &value), VRS_NORMAL);
    assert_int_equal(written, 0x33334444);
    assert_int_equal(place.type, QST_MEMORY);
    assert_int_equal(place.location, BASE + 0x20);
    assert_int_equal(place.length, 4);
    assert_int_equal(operand.type, QST_CPUREGS);
    assert_int_equal(operand.location, 16);
    m.write = false;
    answer = 0xfffffff0;
    assert_int_equal(dispatch_mmio(&region, &cpu, &m, &value), VRS_NORMAL);
    assert_int_equal(value, 0xfffffff0);
    assert_int_equal(cpu.arch.regs.x[2], 0xfffffff0);
    m.sign_extend = true;
    assert_int_equal(dispatch_mmio(&region, &cpu, &m, &value), VRS_NORMAL);
    assert_int_equal(value, ~UINT64_C(0xf));
    m.wide = false;
    assert_int_equal(dispatch_mmio(&region, &cpu, &m, &value), VRS_NORMAL);
    assert_int_equal(value, 0xfffffff0);
    status = VRS_TERMINATE;
    assert_int_equal(dispatch_mmio(&region, &cpu, &m, &value), VRS_TERMINATE);
}

static void test_functions_zero_register(void **state)
{
    struct mmio m = mmio_at(0, 8, true);
    uint64_t value = 0;
    (void)state;
    vdev_by_functions();
    m.reg = 31;
    written = 5;
    assert_int_equal(dispatch_mmio(&region, &cpu, &m, &value), VRS_NORMAL);
    assert_int_equal(written, 0);
    m.write = false;
    answer = 99;
    assert_int_equal(dispatch_mmio(&region, &cpu, &m, &value), VRS_NORMAL);
    assert_int_equal(value, 0);
    m = mmio_at(0, 2, true);
    assert_int_equal(dispatch_mmio(&region, &cpu, &m, &value), VRS_BUS_ERROR); /* not one of acc_sizes */
}

/* ---- State blocks ---- */

static void test_state_blocks(void **state)
{
    uint64_t out = 0, in = UINT64_C(0x8877665544332211);
    uint16_t half;
    qvm_state_block b = { .type = QST_CPUREGS, .location = 8 * 3 + 2, .length = 2 };
    (void)state;
    cpu.arch.regs.x[3] = UINT64_C(0xaaaabbbbccccdddd);
    assert_int_equal(guest_cpu_read(&cpu, 0, &b, 1, &half, 2), EOK);
    assert_int_equal(half, 0xcccc);
    assert_int_equal(guest_cpu_write(&cpu, 0, &b, 1, &in, 2), EOK);
    assert_int_equal(cpu.arch.regs.x[3], UINT64_C(0xaaaabbbb2211dddd));
    b.flags = QSF_SIGN_EXTEND(8);
    assert_int_equal(guest_cpu_read(&cpu, 0, &b, 1, &out, 8), EOK);
    assert_int_equal(out, 0x2211);
    b = (qvm_state_block){ .type = QST_IMMEDIATE, .location = 0x1234, .length = 4 };
    assert_int_equal(guest_cpu_read(NULL, 0, &b, 1, &out, 4), EOK);
    assert_int_equal((uint32_t)out, 0x1234);
    assert_int_equal(guest_cpu_write(NULL, 0, &b, 1, &out, 4), EINVAL);
    b = (qvm_state_block){ .type = QST_HOST, .location = (uintptr_t)&in, .length = 8 };
    assert_int_equal(guest_cpu_read(NULL, 0, &b, 1, &out, 8), EOK);
    assert_int_equal(out, in);
    assert_int_equal(guest_cpu_read(NULL, 0, &b, 1, &out, 4), EOK);
    /* Several blocks make one datum; too few make none. */
    qvm_state_block two[] = { { .type = QST_IMMEDIATE, .location = 0xff, .length = 1 },
                              { .type = QST_HOST, .location = (uintptr_t)&in, .length = 3 } };
    out = 0;
    assert_int_equal(guest_cpu_read(&cpu, 0, two, 2, &out, 4), EOK);
    assert_int_equal(out, 0x332211ff);
    assert_int_equal(guest_cpu_read(&cpu, 0, two, 2, &out, 5), EINVAL);
}

static void test_state_blocks_refused(void **state)
{
    static const qvm_state_block bad[] = {
        { .type = QST_CPUREGS, .location = 8 * 32, .length = 4 },
        { .type = QST_CPUREGS, .location = 6, .length = 4 },
        { .type = QST_CPUREGS, .location = 0, .length = 9 },
        { .type = QST_CPUREGS, .location = 0, .length = 0 },
        { .type = QST_CPUREGS, .location = ~UINT64_C(0), .length = 4 },
        { .type = QST_CPUREGS, .location = 0, .length = 4, .flags = QSF_ZERO_EXTEND(9) },
        { .type = QST_VIRTUAL, .location = 0, .length = 4 },
        { .type = QST_NO_TYPE, .location = 0, .length = 4 },
    };
    uint64_t data[2] = { 0 };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_not_equal(guest_cpu_read(&cpu, 0, &bad[i], 1, data, 4), EOK);
        assert_int_not_equal(guest_cpu_write(&cpu, 0, &bad[i], 1, data, 4), EOK);
    }
    assert_int_equal(guest_cpu_read(NULL, 0, &(qvm_state_block){ .type = QST_CPUREGS, .length = 4 }, 1, data, 4),
                     EINVAL);
}

static void test_guest_memory(void **state)
{
    static uint8_t data[3 * 1024 * 1024];
    uint8_t *ram = aligned_alloc(BLOCK_SIZE, MIB(4)), *rom = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    (void)state;
    *fake_sysreg("id_aa64mmfr0_el1") = 4;
    assert_int_equal(aspace_init(&vm.as, 1, 32), 0);
    struct region r = { .base = IPA(GIB(1)),
                        .size = MIB(4),
                        .flags = GRF_MEMORY | GRF_PASS_RD | GRF_PASS_WR | GRF_PASS_EX,
                        .host = PA((uintptr_t)ram),
                        .owner = "ram" };
    assert_int_equal(aspace_add(&vm.as, &r), 0);
    r = (struct region){ .base = IPA(GIB(2)),
                         .size = PAGE_SIZE,
                         .flags = GRF_MEMORY | GRF_PASS_RD,
                         .host = PA((uintptr_t)rom),
                         .owner = "rom" };
    assert_int_equal(aspace_add(&vm.as, &r), 0);
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    memset(ram, 0, MIB(4));
    memset(rom, 9, PAGE_SIZE);
    /* A chunk of 64 KiB at a time. */
    qvm_state_block b = { .type = QST_MEMORY, .location = GIB(1) + KIB(512) + 3, .length = sizeof(data) };
    fake_windows_opened = 0;
    assert_int_equal(guest_cpu_write(&cpu, 0, &b, 1, data, sizeof(data)), EOK);
    assert_int_equal(fake_windows_opened, 0x31);
    assert_memory_equal(ram + KIB(512) + 3, data, sizeof(data));
    memset(data, 0, sizeof(data));
    assert_int_equal(guest_cpu_read(&cpu, 0, &b, 1, data, 100), EOK);
    assert_int_equal(data[99], (uint8_t)(99 * 7));
    assert_int_equal(fake_windows_open, 0);
    b = (qvm_state_block){ .type = QST_MEMORY, .location = GIB(1) + MIB(4) - 4, .length = 8 };
    assert_int_equal(guest_cpu_read(&cpu, 0, &b, 1, data, 8), EFAULT);
    b.location = GIB(2);
    assert_int_equal(guest_cpu_read(&cpu, 0, &b, 1, data, 8), EOK);
    assert_int_equal(data[0], 9);
    assert_int_equal(guest_cpu_write(&cpu, 0, &b, 1, data, 8), EFAULT);
    b.location = ~UINT64_C(0) - 3;
    assert_int_equal(guest_cpu_read(&cpu, 0, &b, 1, data, 8), EFAULT);
    b.location = GIB(3);
    assert_int_equal(guest_cpu_read(&cpu, 0, &b, 1, data, 8), EFAULT);
    assert_int_equal(guest_cpu_read(NULL, 0, &b, 1, data, 8), EINVAL);
    aspace_destroy(&vm.as);
    alloc_forget();
    free(ram);
    free(rom);
}

static const struct guest_intr *signalled;
static int pic_signal(const struct guest_intr *gip, enum guest_intr_state level)
{
    signalled = gip;
    return level == GIS_ON ? EOK : ENOTSUP;
}

static void test_interrupt_lines(void **state)
{
    static const struct vdev_pic_functions pic = { .signal = pic_signal };
    struct guest_intr line = { .pic = NULL };
    (void)state;
    assert_int_equal(guest_intr_signal(&line, GIS_ON), EOK);
    vdev.v_gsp = &vm;
    line.pic = &vdev;
    assert_int_equal(guest_intr_signal(&line, GIS_ON), EINVAL);
    factory.pic = &pic;
    assert_int_equal(guest_intr_signal(&line, GIS_ON), EOK);
    assert_ptr_equal(signalled, &line);
    assert_int_equal(guest_intr_signal(&line, GIS_OFF), ENOTSUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_find, setup),          cmocka_unit_test_setup(test_table_check, setup),
        cmocka_unit_test_setup(test_row_functions, setup), cmocka_unit_test_setup(test_sign_extension, setup),
        cmocka_unit_test_setup(test_arrays, setup),        cmocka_unit_test_setup(test_constants, setup),
        cmocka_unit_test_setup(test_refused, setup),       cmocka_unit_test_setup(test_nobody, setup),
        cmocka_unit_test_setup(test_functions, setup),     cmocka_unit_test_setup(test_functions_zero_register, setup),
        cmocka_unit_test_setup(test_state_blocks, setup),  cmocka_unit_test_setup(test_state_blocks_refused, setup),
        cmocka_unit_test_setup(test_guest_memory, setup),  cmocka_unit_test_setup(test_interrupt_lines, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
