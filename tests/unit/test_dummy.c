/* SPDX-License-Identifier: Apache-2.0 */
/* sources: */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "vdevs/dummy.c"

static struct dummy state;
static vdev_t vdev;
static struct gasp_region region;
static uint64_t operand, given;
static char log_text[120];

void log_line(enum log_severity sev, const char *fmt, ...)
{
    va_list ap;
    (void)sev;
    va_start(ap, fmt);
    vsnprintf(log_text, sizeof(log_text), fmt, ap);
    va_end(ap);
}

int gasp_region_set(struct vdev_builder *b, unsigned n, const struct gasp_region *rgn)
{
    (void)b;
    assert_int_equal(n, 1);
    region = *rgn;
    return EOK;
}

int guest_cpu_write(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n, const void *data,
                    size_t len)
{
    (void)gcp, (void)flags, (void)blk, (void)n;
    operand = 0;
    memcpy(&operand, data, len);
    return EOK;
}

int vdev_option_u64(const struct vdev_builder *b, const struct vdev_option *o, uint64_t *out)
{
    (void)b, (void)o;
    *out = given;
    return EOK;
}

int vdev_option_flag(const struct vdev_builder *b, const struct vdev_option *o, bool *out)
{
    (void)b, (void)o;
    *out = true;
    return EOK;
}

static int step(unsigned ctrl, const void *arg)
{
    struct vdev_builder b = { .vdev = &vdev, .path = "/vm/dummy" };
    return dummy_factory.startup(&b, ctrl, arg);
}

static int setup(void **unused)
{
    (void)unused;
    memset(&state, 0, sizeof(state));
    vdev = (vdev_t){ .v_device = &state, .v_factory = &dummy_factory };
    assert_int_equal(step(VDEV_CTRL_OPTIONS_START, NULL), EOK);
    vdev.v_block = (qvm_state_block){ .type = QST_MEMORY, .location = 0x1004, .length = 0x100 };
    return 0;
}

static void value_set(uint64_t value, uint32_t size)
{
    struct vdev_option o = { .size = size };
    given = value;
    assert_int_equal(step(VDEV_CTRL_FIRST_OPTIDX + OPTION_VALUE, &o), EOK);
    assert_int_equal(step(VDEV_CTRL_OPTIONS_END, NULL), EOK);
    assert_int_equal(step(VDEV_CTRL_ASSIGN, NULL), EOK);
}

static uint64_t rd(uint64_t at, unsigned size)
{
    qvm_state_block place = { .location = 0x1004 + at, .length = size }, reg = { 0 };
    assert_true(dummy_factory.acc_sizes & BIT(size));
    assert_int_equal(dummy_factory.vwrite(&vdev, 0, &place, &reg, NULL), VRS_NORMAL);
    assert_int_equal(dummy_factory.vread(&vdev, 0, &place, &reg, NULL), VRS_NORMAL);
    return operand;
}

static void all_ones(void **unused)
{
    (void)unused;
    assert_int_equal(step(VDEV_CTRL_OPTIONS_END, NULL), EOK);
    assert_int_equal(step(VDEV_CTRL_ASSIGN, NULL), EOK);
    assert_int_equal(region.flags, GRF_VIRT_RD | GRF_VIRT_WR);
    assert_int_equal(region.guest.location, 0x1004);
    assert_int_equal(rd(0, 4), UINT32_MAX);
    assert_true(rd(8, 8) == UINT64_MAX);
}

static void constant_from_the_regions_start(void **unused)
{
    (void)unused;
    value_set(0x11223344, 4);
    assert_int_equal(rd(0, 4), 0x11223344);
    assert_int_equal(rd(0x84, 4), 0x11223344);
    assert_int_equal(rd(1, 1), 0x33);
    assert_int_equal(rd(6, 2), 0x1122);
    assert_true(rd(0, 8) == UINT64_C(0x1122334411223344));
    value_set(UINT64_C(0x1122334455667788), 8);
    assert_int_equal(rd(4, 4), 0x11223344);
    assert_int_equal(rd(3, 1), 0x55);
    assert_true(rd(4, 8) == UINT64_C(0x5566778811223344)); /* repeated */
}

static void only_kept_free(void **unused)
{
    struct vdev_option o = { .size = 0 };
    (void)unused;
    assert_int_equal(step(VDEV_CTRL_FIRST_OPTIDX + OPTION_NO_ACCESS, &o), EOK);
    assert_int_equal(step(VDEV_CTRL_ASSIGN, NULL), EOK);
    assert_int_equal(region.flags, GRF_NOPERMS);
}

static void needs_an_address(void **unused)
{
    (void)unused;
    vdev.v_block.location = QSL_NO_LOCATION;
    assert_int_equal(step(VDEV_CTRL_OPTIONS_END, NULL), EINVAL);
    assert_string_equal(log_text, "/vm/dummy: a dummy needs reg: it stands for an address");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_ones, setup),
        cmocka_unit_test_setup(constant_from_the_regions_start, setup),
        cmocka_unit_test_setup(only_kept_free, setup),
        cmocka_unit_test_setup(needs_an_address, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
