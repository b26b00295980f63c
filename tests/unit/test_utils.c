/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/phase.c hyp/utils.c hyp/slice.c hyp/guest_intr.c tests/unit/tree_support.c */
/* Numbers, places and lines from text, register files by slices: above all with input that nobody should write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "hyp/api/utils.h"
#include "hyp/vdev_parts.h"
#include "tests/unit/tree_support.h"

static int claim_answer;
static uint32_t claimed;
int assign_line_claim(const struct vdev_builder *b, struct guest_intr *line)
{
    (void)b;
    claimed = line->param;
    return claim_answer;
}
bool vdev_pin_taken(const struct vdev_builder *b, uint32_t pin)
{
    (void)b;
    return pin == 50;
}

static int pic_string(const struct guest_intr *gip, char *buf, size_t n)
{
    return snprintf(buf, n, "line %u", gip->param);
}
static uint32_t assign_next;
static int pic_assign(const struct vdev_builder *b, struct guest_intr *out)
{
    (void)b;
    out->param = assign_next++;
    return assign_next > 60 ? ENOSPC : EOK;
}

static const struct vdev_pic_functions gic_pic = {
    .first_pin = 16, .num_pins = 64, .string = pic_string, .assign = pic_assign
};
static const struct vdev_pic_functions bare_pic = { .num_pins = 8 };
static const struct vdev_factory gic = { .name = "gic", .pic = &gic_pic }, bare = { .name = "bare", .pic = &bare_pic },
                                 plain = { .name = "plain" };
static vdev_t vdevs[] = { { .v_factory = &gic, .v_name = "intc@8000000" },
                          { .v_factory = &plain, .v_name = "dev" },
                          { .v_factory = &bare, .v_name = "second@1" },
                          { .v_name = NULL } };
static struct guest_system vm = { .name = "vm", .vdevs = vdevs, .vdev_count = 4, .intc_vdev = &vdevs[0] };
static const struct vdev_builder b = { .vdev = &vdevs[1], .gsp = &vm, .path = "/vm/dev", .node = -1 };

static int setup(void **state)
{
    (void)state;
    log_forget();
    claim_answer = 0;
    claimed = 0;
    assign_next = 49;
    vm.intc_vdev = &vdevs[0];
    return 0;
}

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        int err;
        uint64_t value;
    } rows[] = {
        { "0", EOK, 0 },
        { "123", EOK, 123 },
        { "0d123", EOK, 123 },
        { "0x7b", EOK, 123 },
        { "0xFf", EOK, 255 },
        { "010", EOK, 10 },
        { "4K", EOK, 4096 },
        { "2m", EOK, MIB(2) },
        { "0x10K", EOK, 16384 },
        { "18446744073709551615", EOK, UINT64_MAX },
        { "0xffffffffffffffff", EOK, UINT64_MAX },
        { "18446744073709551616", ERANGE, 0 },
        { "0x10000000000000000", ERANGE, 0 },
        { "99999999999999999999999999999999999999999999", ERANGE, 0 },
        { "18014398509481984K", ERANGE, 0 },
        { "17592186044416M", ERANGE, 0 },
        { "17592186044415M", EOK, UINT64_C(17592186044415) << 20 },
        { "", EINVAL, 0 },
        { "K", EINVAL, 0 },
        { "0x", EINVAL, 0 },
        { "0d", EINVAL, 0 },
        { "0xg", EINVAL, 0 },
        { "0da", EINVAL, 0 },
        { "0X10", EINVAL, 0 },
        { " 1", EINVAL, 0 },
        { "1 ", EINVAL, 0 },
        { "-1", EINVAL, 0 },
        { "+1", EINVAL, 0 },
        { "1KK", EINVAL, 0 },
        { "1KB", EINVAL, 0 },
        { "1G", EINVAL, 0 },
        { "12a", EINVAL, 0 },
        { "1:2", EINVAL, 0 },
        { "\xff", EINVAL, 0 },
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t value = 77;
        log_forget();
        int err = qvm_parse_num(&b, rows[i].text, &value);
        if (err != rows[i].err || value != (err ? 77 : rows[i].value) || log_has("/vm/dev: \"") != !!err)
            fail_msg("\"%s\": error %d, value %llu, %s", rows[i].text, err, (unsigned long long)value, log_all());
    }
}

static void test_blocks(void **state)
{
    static const struct {
        const char *text;
        uint16_t type;
        int err;
        uint64_t location;
    } rows[] = {
        { "mem:0x1c090000", QST_MEMORY, EOK, 0x1c090000 },
        { "mem:0x1c090000", QST_NO_TYPE, EOK, 0x1c090000 },
        { "0x1c090000", QST_MEMORY, EOK, 0x1c090000 },
        { "464M", QST_MEMORY, EOK, MIB(464) },
        { "0x1c090000", QST_NO_TYPE, EINVAL, 0 },
        { "io:0x3f8", QST_MEMORY, EINVAL, 0 },
        { "pci:0:1.0", QST_MEMORY, EINVAL, 0 },
        { "memo:1", QST_MEMORY, EINVAL, 0 },
        { ":1", QST_MEMORY, EINVAL, 0 },
        { "mem:", QST_MEMORY, EINVAL, 0 },
        { "mem", QST_MEMORY, EINVAL, 0 },
        { "", QST_MEMORY, EINVAL, 0 },
        { "mem:mem:1", QST_MEMORY, EINVAL, 0 },
        { "mem:0x1000,0x10", QST_MEMORY, EINVAL, 0 },
        { "mem:0x10000000000000000", QST_MEMORY, ERANGE, 0 },
        { "mem:0xffffffffffffffff", QST_MEMORY, ERANGE, 0 },
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        qvm_state_block blk = { .type = rows[i].type, .location = 5, .length = 0x1000 };
        log_forget();
        int err = qvm_parse_block(&b, rows[i].text, &blk);
        if (err != rows[i].err || blk.location != (err ? 5 : rows[i].location) ||
            blk.type != (err ? rows[i].type : QST_MEMORY) || blk.length != 0x1000 || log_has("/vm/dev: \"") != !!err)
            fail_msg("\"%s\": error %d, location %llx, %s", rows[i].text, err, (unsigned long long)blk.location,
                     log_all());
    }
}

static void test_lines(void **state)
{
    static const struct {
        const char *text;
        int err, pic;
        uint32_t pin;
        const char *message;
    } rows[] = {
        { "gic:37", EOK, 0, 37, NULL },
        { "intc:0x25", EOK, 0, 37, NULL },
        { "second:7", EOK, 2, 7, NULL },
        { "gic:50", EOK, 0, 50, NULL }, /* reserved is no matter to who names it */
        { "gic:16", EOK, 0, 16, NULL },
        { "gic:15", ENOENT, 0, 0, "intc@8000000 has pins 16 to 63" },
        { "gic:64", ENOENT, 0, 0, "intc@8000000 has pins 16 to 63" },
        { "gic:0x100000025", ENOENT, 0, 0, "has pins" },
        { "second:8", ENOENT, 0, 0, "has pins 0 to 7" },
        { "apic:3", ENOENT, 0, 0, "no interrupt controller of that name" },
        { "gi:37", ENOENT, 0, 0, "no interrupt controller of that name" },
        { "gicx:37", ENOENT, 0, 0, "no interrupt controller of that name" },
        { "plain:3", ENOENT, 0, 0, "no interrupt controller of that name" },
        { "", EINVAL, 0, 0, "is no interrupt" },
        { ":37", EINVAL, 0, 0, "is no interrupt" },
        { "gic", EINVAL, 0, 0, "is no interrupt" },
        { "37", EINVAL, 0, 0, "is no interrupt" },
        { "gic:", EINVAL, 0, 0, "is no number" },
        { "gic:37:", EINVAL, 0, 0, "is no number" },
        { "gic:99999999999999999999", ERANGE, 0, 0, "64 bits" },
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct guest_intr line = { .param = 9 };
        log_forget();
        claimed = 0;
        int err = qvm_parse_intr(&b, rows[i].text, &line);
        bool right = err ? line.param == 9 && !claimed && rows[i].message && log_has(rows[i].message)
                         : line.param == rows[i].pin && claimed == rows[i].pin && line.pic == &vdevs[rows[i].pic];
        if (err != rows[i].err || !right)
            fail_msg("\"%s\": error %d, pin %u, %s", rows[i].text, err, line.param, log_all());
    }
}

static void test_line_of_another(void **state)
{
    struct guest_intr line = { .param = 9 };
    (void)state;
    claim_answer = -EEXIST;
    assert_int_equal(qvm_parse_intr(&b, "gic:37", &line), EEXIST);
    assert_int_equal(guest_intr_assign(&b, &line), EEXIST);
    assert_int_equal(line.param, 9);
}

static void test_line_assigned(void **state)
{
    struct guest_intr line = { .param = 9 };
    (void)state;
    assert_int_equal(guest_intr_assign(&b, &line), EOK);
    assert_int_equal(line.param, 49);
    assert_int_equal(guest_intr_assign(&b, &line), EOK);
    assert_int_equal(line.param, 51); /* 50 is reserved */
    assign_next = 60;
    assert_int_equal(guest_intr_assign(&b, &line), ENOSPC);
    assert_true(log_has("/vm/dev: no free interrupt"));
    vm.intc_vdev = NULL;
    assert_int_equal(guest_intr_assign(&b, &line), ENOSPC);
    assert_true(log_has("/vm/dev: the VM has no interrupt controller"));
    vm.intc_vdev = &vdevs[2];
    assert_int_equal(guest_intr_assign(&b, &line), ENOSPC);
}

static void test_line_names(void **state)
{
    char text[16];
    (void)state;
    guest_intr_string(&(struct guest_intr){ .pic = &vdevs[0], .param = 37 }, text, sizeof(text));
    assert_string_equal(text, "line 37");
    guest_intr_string(&(struct guest_intr){ .pic = &vdevs[2], .param = 3 }, text, sizeof(text));
    assert_string_equal(text, "bare:3");
    assert_int_equal(guest_intr_string(&(struct guest_intr){ .pic = NULL }, text, 3), 4);
    assert_string_equal(text, "no");
    assert_int_equal(guest_intr_num_pins(&vdevs[0]), 64);
    assert_int_equal(guest_intr_num_pins(&vdevs[1]), 0);
    assert_int_equal(guest_intr_num_pins(NULL), 0);
}

/* ---- Slices: an identity of 4 constant bytes, a control word of which 12 bits can be written, 16 bytes of scratch ---- */

static const uint8_t constant[] = { 0x05, 0x1c, 0x01, 0x00, 0xf0, 0xff };
static const struct qvm_slice_descriptor slices[] = {
    { .nbytes = 4, .ro_offset = 0, .tag = 3 },
    { .writable = 0x0fff, .nbytes = 2, .ro_offset = 4, .store_offset = 0, .tag = 0 },
    { .writable = UINT64_MAX, .nbytes = 16, .ro_offset = QVM_SLICE_NO_RO, .store_offset = 2, .tag = 63 },
};
static uint8_t store[18];
static const struct qvm_slice_file file = {
    slices, ARRAY_LEN(slices), constant, sizeof(constant), store, sizeof(store)
};

static void test_slices(void **state)
{
    uint8_t data[32];
    (void)state;
    memset(store, 0, sizeof(store));
    assert_int_equal(qvm_slice_check(&b, &file), EOK);
    assert_int_equal(qvm_slice_read(&file, 0, data, 4), BIT(3));
    assert_memory_equal(data, constant, 4);
    /* What cannot be written stays, and its tag is told all the same. */
    assert_int_equal(qvm_slice_write(&file, 2, "\xaa\xbb\xcc\xdd", 4), BIT(3) | BIT(0));
    assert_int_equal(qvm_slice_read(&file, 2, data, 4), BIT(3) | BIT(0));
    assert_memory_equal(data, "\x01\x00\xcc\xfd", 4);
    assert_int_equal(store[1], 0x0d);
    /* The last byte of one slice and the first of the next. */
    assert_int_equal(qvm_slice_write(&file, 5, "\x02\x77", 2), BIT(0) | BIT(63));
    assert_int_equal(store[1], 0x02);
    assert_int_equal(store[2], 0x77);
    assert_int_equal(store[3], 0);
    /* All 16 bytes of the last: the mask repeats. */
    memset(data, 0x5a, sizeof(data));
    assert_int_equal(qvm_slice_write(&file, 6, data, 16), BIT(63));
    assert_int_equal(store[17], 0x5a);
}

static void test_slices_hostile(void **state)
{
    uint8_t data[32];
    (void)state;
    memset(store, 0x11, sizeof(store));
    memset(data, 0xee, sizeof(data));
    assert_int_equal(qvm_slice_write(&file, 21, data, 8), BIT(63));
    assert_int_equal(store[17], 0xee);
    assert_int_equal(qvm_slice_read(&file, 20, data, 8), BIT(63));
    assert_memory_equal(data, "\x11\xee\0\0\0\0\0\0", 8);
    assert_int_equal(qvm_slice_read(&file, 22, data, 8), 0);
    assert_int_equal(qvm_slice_read(&file, UINT64_MAX, data, 8), 0);
    assert_int_equal(qvm_slice_read(&file, UINT64_MAX - 7, data, 32), 0);
    assert_memory_equal(data, "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(qvm_slice_write(&file, UINT64_MAX - 3, data, 32), 0);
    assert_int_equal(qvm_slice_read(&file, 0, data, 0), 0);
    assert_int_equal(qvm_slice_write(&file, 5, data, 0), 0);
}

static void test_slices_unsound(void **state)
{
    static const struct {
        struct qvm_slice_descriptor slice;
        const char *message;
    } rows[] = {
        { { .nbytes = 4, .ro_offset = 0, .tag = 64 }, "/vm/dev: slice 0: tag 64" },
        { { .nbytes = 4, .ro_offset = 3 }, "/vm/dev: slice 0: ends behind the constant data" },
        { { .nbytes = UINT32_MAX, .ro_offset = 3 }, "ends behind the constant data" },
        { { .nbytes = 4, .ro_offset = QVM_SLICE_NO_RO, .writable = 1, .store_offset = 15 }, "ends behind the store" },
        { { .nbytes = 2, .ro_offset = QVM_SLICE_NO_RO, .writable = 1, .store_offset = UINT32_MAX },
          "ends behind the store" },
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct qvm_slice_file bad = { &rows[i].slice, 1, constant, sizeof(constant), store, sizeof(store) };
        log_forget();
        assert_int_equal(qvm_slice_check(&b, &bad), EINVAL);
        assert_true(log_has(rows[i].message));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_numbers, setup),        cmocka_unit_test_setup(test_blocks, setup),
        cmocka_unit_test_setup(test_lines, setup),          cmocka_unit_test_setup(test_line_of_another, setup),
        cmocka_unit_test_setup(test_line_assigned, setup),  cmocka_unit_test_setup(test_line_names, setup),
        cmocka_unit_test_setup(test_slices, setup),         cmocka_unit_test_setup(test_slices_hostile, setup),
        cmocka_unit_test_setup(test_slices_unsound, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
