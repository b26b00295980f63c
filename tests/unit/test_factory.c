/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/factory.c hyp/nearest.c hyp/dt.c hyp/ranges.c tests/unit/tree_support.c */
/* The table of vdev types: what is wrong in it is found, whoever wrote the vdev. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "hyp/factory.h"
#include "tests/unit/tree_support.h"

static int any_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    (void)b;
    (void)ctrl;
    (void)arg;
    return EOK;
}

static const char *const uart[] = { "own,uart", "arm,pl011", NULL }, *const bell[] = { "own,bell", NULL };
static const char *const virtio[] = { "virtio,mmio", NULL }, *const clash[] = { "own,horn", "arm,pl011", NULL };

#define SOUND(n, c, ...) \
    { \
        .abi = QVM_VDEV_ABI, .name = n, .compatible = c, .startup = any_startup, __VA_ARGS__ \
    }
/* The linker's table. Tests change its last entry. */
struct vdev_factory table[] __asm__("__vdev_factories_start") = { SOUND("uart", uart), SOUND("any", virtio),
                                                                  SOUND("disk", virtio, .device = "blk"),
                                                                  SOUND("bell", bell) };
#define LAST (ARRAY_LEN(table) - 1)

void test_factories_end(void);
__attribute__((used)) void test_factories_end(void)
{
    __asm__(".globl __vdev_factories_end\n.set __vdev_factories_end, __vdev_factories_start + %c0"
            :
            : "i"(sizeof(table)));
}

static int setup(void **state)
{
    (void)state;
    table[LAST] = (struct vdev_factory)SOUND("bell", bell);
    log_forget();
    return 0;
}

static void refused(int err, const char *line)
{
    assert_int_equal(factory_check_all(), err);
    assert_true(log_has(line));
}

static void test_sound(void **state)
{
    (void)state;
    assert_int_equal(factory_check_all(), 0);
    assert_ptr_equal(factory_find_compatible("own,bell"), &table[LAST]);
    assert_ptr_equal(factory_find_compatible("virtio,mmio"), &table[1]);
    assert_null(factory_find_compatible("own,horn"));
}

static void test_other_abi(void **state)
{
    (void)state;
    table[LAST].abi--;
    refused(-EINVAL, "this is ");
    assert_null(factory_find_compatible("own,bell"));
}

static void test_incomplete(void **state)
{
    (void)state;
    table[LAST].startup = NULL;
    refused(-EINVAL, "vdev factory bell: no name, no compatible or no startup()");
    assert_null(factory_find_compatible("own,bell"));
}

static void test_two_for_one_compatible(void **state)
{
    (void)state;
    table[LAST].compatible = clash;
    refused(-EEXIST, "vdev factories uart and bell: both are for \"arm,pl011\"");
}

static void test_two_for_one_device(void **state)
{
    (void)state;
    table[LAST] = (struct vdev_factory)SOUND("net", virtio, .device = "net");
    assert_int_equal(factory_check_all(), 0);
    table[LAST].device = "blk";
    refused(-EEXIST, "vdev factories disk and net: both are for \"virtio,mmio\"");
    table[LAST].device = NULL;
    refused(-EEXIST, "vdev factories any and net: both are for \"virtio,mmio\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_sound, setup),
        cmocka_unit_test_setup(test_other_abi, setup),
        cmocka_unit_test_setup(test_incomplete, setup),
        cmocka_unit_test_setup(test_two_for_one_compatible, setup),
        cmocka_unit_test_setup(test_two_for_one_device, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
