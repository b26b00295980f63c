/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/phase.c hyp/gram.c hyp/image.c hyp/image_place.c tests/unit/tree_support.c */
/* Guest RAM that vdevs take: where it is found, that it is theirs, that images keep off, and that the guest's tree says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <libfdt.h>
#include "hyp/api/gasp.h"
#include "hyp/image.h"
#include "hyp/vm.h"
#include "tests/unit/tree_support.h"

#define PAGE UINT64_C(0x1000)
#define LOW GIB(1)
#define HIGH GIB(2)

static struct config_vm config;
static struct guest_system vm;
static struct vdev_builder builder = { .gsp = &vm, .path = "/vm/one" };
static const struct vdev_builder other = { .gsp = &vm, .path = "/vm/two" };

/* 16 MiB at 1 GiB, 1 MiB at 2 GiB, ROM above. */
static int setup(void **state)
{
    (void)state;
    machine_phase = PHASE_STARTUP;
    memset(&config, 0, sizeof(config));
    memset(&vm, 0, sizeof(vm));
    strcpy(config.path, "/vm");
    config.ram_count = 3;
    config.ram[0] = (struct config_ram){ .base = IPA(LOW), .size = MIB(16) };
    config.ram[1] = (struct config_ram){ .base = IPA(HIGH), .size = MIB(1) };
    config.ram[2] = (struct config_ram){ .base = IPA(GIB(3)), .size = MIB(1), .read_only = true };
    vm.config = &config;
    log_forget();
    return 0;
}

static uint64_t found(uint64_t first, uint64_t last, uint64_t size, uint64_t align)
{
    uint64_t at = 0;
    int err = gram_find_free_range(&builder, first, last, size, align, &at);
    assert_true(err == EOK || err == ENOSPC);
    return err ? 1 : at;
}

static void test_highest_place(void **state)
{
    uint64_t at;
    (void)state;
    assert_int_equal(gram_find_free(&builder, PAGE, PAGE, &at), EOK);
    assert_int_equal(at, HIGH + MIB(1) - PAGE);
    assert_int_equal(gram_find_free(&builder, MIB(1), PAGE, &at), EOK);
    assert_int_equal(at, HIGH);
    /* More than the upper one has: in the lower. */
    assert_int_equal(gram_find_free(&builder, MIB(2), MIB(2), &at), EOK);
    assert_int_equal(at, LOW + MIB(14));
    assert_int_equal(gram_find_free(&builder, MIB(16), MIB(16), &at), EOK);
    assert_int_equal(gram_find_free(&builder, MIB(17), PAGE, &at), ENOSPC);
}

static void test_bounds(void **state)
{
    (void)state;
    assert_int_equal(found(0, HIGH - 1, PAGE, PAGE), LOW + MIB(16) - PAGE);
    assert_int_equal(found(0, LOW + PAGE - 1, PAGE, PAGE), LOW);
    assert_int_equal(found(0, LOW + PAGE - 2, PAGE, PAGE), 1);
    assert_int_equal(found(LOW + 1, LOW + 2 * PAGE - 1, PAGE, PAGE), LOW + PAGE);
    assert_int_equal(found(LOW + 1, LOW + 2 * PAGE - 2, PAGE, PAGE), 1);
    assert_int_equal(found(GIB(3), UINT64_MAX, PAGE, PAGE), 1);
    assert_int_equal(found(HIGH, LOW, PAGE, PAGE), 1);
}

static void test_what_is_taken_is_passed_over(void **state)
{
    (void)state;
    config.reserve_count = 1;
    config.reserve[0].base = HIGH + MIB(1) - PAGE;
    config.reserve[0].size = PAGE;
    assert_int_equal(gram_reserve(&other, HIGH + MIB(1) - 3 * PAGE, PAGE), EOK);
    assert_int_equal(found(HIGH, UINT64_MAX, PAGE, PAGE), HIGH + MIB(1) - 2 * PAGE);
    assert_int_equal(found(HIGH, UINT64_MAX, 2 * PAGE, PAGE), HIGH + MIB(1) - 5 * PAGE);
    assert_int_equal(found(HIGH, UINT64_MAX, PAGE, KIB(64)), HIGH + MIB(1) - KIB(64));
    assert_int_equal(found(HIGH + MIB(1) - 3 * PAGE, UINT64_MAX, 2 * PAGE, PAGE), 1);
}

#define REFUSED(call, err, text) \
    do { \
        log_forget(); \
        assert_int_equal(call, err); \
        assert_true(log_has(text)); \
    } while (0)

static void test_refusals(void **state)
{
    uint64_t at = 7;
    (void)state;
    REFUSED(gram_find_free(&builder, PAGE + 1, PAGE, &at), EINVAL, "/vm/one: RAM of 0x1001 bytes aligned to 0x1000");
    REFUSED(gram_find_free(&builder, PAGE, 3 * PAGE, &at), EINVAL, "whole pages are needed, and a power of two");
    REFUSED(gram_find_free(&builder, 0, PAGE, &at), EINVAL, "RAM of 0x0 bytes");
    REFUSED(gram_find_free(&builder, PAGE, 8, &at), EINVAL, "aligned to 0x8");
    assert_int_equal(at, 7);
    REFUSED(gram_reserve(&builder, LOW + 1, PAGE), EINVAL, "/vm/one: 0x1000 bytes of RAM at 0x40000001: whole pages");
    REFUSED(gram_reserve(&builder, LOW, 0), EINVAL, "whole pages");
    REFUSED(gram_reserve(&builder, GIB(3), PAGE), EFAULT, "0x1000 bytes at 0xc0000000 are not all the VM's RAM");
    REFUSED(gram_reserve(&builder, LOW + MIB(16) - PAGE, 2 * PAGE), EFAULT, "are not all the VM's RAM");
    REFUSED(gram_reserve(&builder, LOW, UINT64_MAX - PAGE + 1), EFAULT, "are not all the VM's RAM");
    assert_int_equal(gram_reserve(&other, LOW, 2 * PAGE), EOK);
    REFUSED(gram_reserve(&builder, LOW + PAGE, PAGE), EEXIST, "at 0x40001000 overlap those of /vm/two");
    for (unsigned i = 1; i < GRAM_MAX; i++)
        assert_int_equal(gram_reserve(&builder, LOW + MIB(i), PAGE), EOK);
    REFUSED(gram_reserve(&builder, HIGH, PAGE), ENOSPC, "/vm/one: more than 8 pieces of RAM reserved in one VM");
    vm.gram_count = 0;
    vm.gram_sealed = true;
    REFUSED(gram_reserve(&builder, HIGH, PAGE), EPERM, "/vm/one: gram_reserve refused: for before GEN_FDT only");
    assert_int_equal(vm.gram_count, 0);
    machine_phase = PHASE_RUNNING;
    REFUSED(gram_reserve(&builder, HIGH, PAGE), EPERM, "/vm/one: gram_reserve refused");
    REFUSED(gram_find_free(&builder, PAGE, PAGE, &at), EPERM, "/vm/one: gram_find_free_range refused");
}

/* A kernel that the description puts there is refused; what has no place of its own goes elsewhere. */
static void test_images_keep_off(void **state)
{
    static uint8_t bytes[64];
    struct image kernel = { .name = "k", .data = bytes, .size = 0x10000, .format = IMAGE_RAW };
    struct image ramdisk = { .name = "rd", .data = bytes, .size = MIB(13) };
    struct image_set set = { .kernel = &kernel, .ramdisk = &ramdisk, .dtb_size = KIB(64), .reserved = vm.gram };
    struct placement free, at;
    (void)state;
    assert_int_equal(image_place(&config, &set, &free), 0);
    assert_int_equal(gram_reserve(&builder, free.dtb_at & ~(PAGE - 1), PAGE), EOK);
    set.reserved_count = vm.gram_count;
    assert_int_equal(image_place(&config, &set, &at), 0);
    assert_int_equal(at.ramdisk_at, free.ramdisk_at);
    assert_true(at.dtb_at >= vm.gram[0].base + PAGE || at.dtb_at + KIB(64) <= vm.gram[0].base);
    assert_int_equal(gram_reserve(&builder, free.kernel_load, PAGE), EOK);
    set.reserved_count = vm.gram_count;
    REFUSED(image_place(&config, &set, &at), -EEXIST, "/vm: k: 0x10000 bytes at 0x40080000 overlap /vm/one: 0x1000");
}

static void test_tree_says_so(void **state)
{
    size_t size, used;
    void *source = tree_compile("/dts-v1/; /memreserve/ 0x1000 0x1000; / { model = \"m\"; };", &size),
         *buf = malloc(4096);
    uint64_t at, bytes;
    (void)state;
    memcpy(buf, source, size);
    used = size;
    assert_int_equal(gram_describe(&vm, buf, 4096, &used), 0);
    assert_int_equal(used, size);
    assert_memory_equal(buf, source, size);
    assert_int_equal(gram_reserve(&builder, LOW, PAGE), EOK);
    assert_int_equal(gram_reserve(&builder, HIGH, 2 * PAGE), EOK);
    assert_int_equal(gram_describe(&vm, buf, 4096, &used), 0);
    assert_int_equal(fdt_check_full(buf, used), 0);
    assert_int_equal(fdt_num_mem_rsv(buf), 3);
    assert_int_equal(fdt_get_mem_rsv(buf, 2, &at, &bytes), 0);
    assert_true(at == HIGH && bytes == 2 * PAGE);
    assert_string_equal(fdt_getprop(buf, 0, "model", NULL), "m");
    REFUSED(gram_describe(&vm, buf, used + 4, &used), -ENOSPC, "/vm: reservations cannot be put into the guest's tree");
    free(source);
    free(buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_highest_place, setup),
        cmocka_unit_test_setup(test_bounds, setup),
        cmocka_unit_test_setup(test_what_is_taken_is_passed_over, setup),
        cmocka_unit_test_setup(test_refusals, setup),
        cmocka_unit_test_setup(test_images_keep_off, setup),
        cmocka_unit_test_setup(test_tree_says_so, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
