/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/regs.c tests/unit/tree_support.c */
/* The real-time clock's registers, on a machine whose date and counter are the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/tree_support.h"
#include "vdevs/pl031.c"

#define RATE 1000
#define DATE UINT32_C(1764064000) /* 2025-11-25 */

static struct pl031 device;
static vdev_t vdev;
static uint64_t count; /* the machine's counter; 500 at the date's last second boundary before the start */
static bool known;
static uint64_t timer_due;
static bool line_level;
static unsigned edges;

bool host_date(uint64_t *seconds, uint64_t *next)
{
    uint64_t passed = (count - 500) / RATE;
    *seconds = (known ? DATE : 0) + passed;
    *next = 500 + (passed + 1) * RATE;
    return known;
}

struct guest_timer *guest_timer_create(guest_cpu *gcp, vdev_t *vdp, void *data, uint64_t *resolution)
{
    (void)gcp;
    (void)data;
    *resolution = RATE;
    return (struct guest_timer *)vdp;
}

int guest_timer_notify(struct guest_timer *t, const struct guest_timer_data *tdp, uint64_t deadline)
{
    assert_ptr_equal(t, &vdev);
    assert_ptr_equal(tdp, GUEST_TIMER_HOST);
    timer_due = deadline;
    return EOK;
}

int guest_intr_signal(const struct guest_intr *gip, enum guest_intr_state state)
{
    assert_ptr_equal(gip, &vdev.v_intr);
    assert_int_not_equal(line_level, state == GIS_ON);
    edges += state == GIS_ON;
    line_level = state == GIS_ON;
    return EOK;
}

int qvm_report(const vdev_t *v, const char *fmt, ...)
{
    (void)v;
    (void)fmt;
    return EOK;
}

int vdev_option_u64(const struct vdev_builder *b, const struct vdev_option *o, uint64_t *out)
{
    (void)b;
    memcpy(out, o->data, sizeof(*out));
    return EOK;
}

static unsigned clocks_made;
int vdev_fdt_clocks(struct vdev_fdt *f, const struct vdev_clock *clocks, unsigned n)
{
    (void)f;
    assert_int_equal(n, 1);
    assert_string_equal(clocks->name, "apb_pclk");
    clocks_made++;
    return EOK;
}

static uint32_t rd(uint32_t offset)
{
    const struct reg *row = reg_find(&pl031_regs, offset);
    if (!row)
        return 0;
    struct reg_access a = { .vdev = &vdev, .offset = offset, .index = (offset - row->offset) / 4, .size = 4 };
    return (uint32_t)row->read(&a);
}

static void wr(uint32_t offset, uint32_t value)
{
    struct reg_access a = { .vdev = &vdev, .offset = offset, .size = 4 };
    reg_find(&pl031_regs, offset)->write(&a, value);
    assert_int_equal(vdev.v_mtx.next, vdev.v_mtx.owner);
}

/* The counter goes on; the timer's call comes `late`. */
static void run(uint64_t until, uint64_t late)
{
    if (timer_due <= until) {
        count = timer_due + late;
        timer_due = GUEST_TIMER_NEVER;
        pl031_timer(&vdev, NULL, NULL, NULL);
        assert_int_equal(vdev.v_mtx.next, vdev.v_mtx.owner);
    }
    count = until;
}

static void begin(uint64_t epoch)
{
    struct vdev_builder b = { .vdev = &vdev };
    struct vdev_option o = { .data = &epoch, .size = sizeof(epoch) };
    memset(&device, 0, sizeof(device));
    vdev = (vdev_t){ .v_device = &device, .v_factory = &pl031_factory };
    count = 1000;
    line_level = false;
    edges = 0;
    timer_due = GUEST_TIMER_NEVER;
    assert_int_equal(pl031_startup(&b, VDEV_CTRL_OPTIONS_START, NULL), EOK);
    if (epoch)
        assert_int_equal(pl031_startup(&b, VDEV_CTRL_FIRST_OPTIDX, &o), EOK);
    assert_int_equal(pl031_startup(&b, VDEV_CTRL_OPTIONS_END, NULL), EOK);
    assert_int_equal(pl031_control(&vdev, VDEV_CTRL_GUEST_CONFIGURED, NULL), EOK);
}

static int setup(void **state)
{
    (void)state;
    known = true;
    begin(0);
    return 0;
}

static void reset_values(void **state)
{
    (void)state;
    assert_int_equal(reg_table_check(&pl031_regs, "pl031"), 0);
    assert_int_equal(rd(RTCDR), DATE);
    assert_int_equal(rd(RTCMR), 0);
    assert_int_equal(rd(RTCLR), 0);
    assert_int_equal(rd(RTCCR), 1);
    assert_int_equal(rd(RTCIMSC), 0);
    assert_int_equal(rd(RTCRIS), 0);
    assert_int_equal(rd(RTCMIS), 0);
    assert_int_equal(rd(RTCICR), 0);
    static const uint8_t id[] = { 0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(rd(RTCPERIPHID0 + 4 * i), id[i]);
    assert_int_equal(rd(0x20), 0);
}

static void counts_and_is_loaded(void **state)
{
    (void)state;
    run(1499, 0);
    assert_int_equal(rd(RTCDR), DATE);
    run(1500, 0);
    assert_int_equal(rd(RTCDR), DATE + 1);
    wr(RTCLR, 77);
    assert_int_equal(rd(RTCDR), 77);
    assert_int_equal(rd(RTCLR), 77);
    run(1500 + 10 * RATE, 0);
    assert_int_equal(rd(RTCDR), 87);
    assert_int_equal(rd(RTCLR), 77);
    wr(RTCDR, 5); /* read only, and so is RTCCR once it is on */
    wr(RTCCR, 0);
    wr(RTCRIS, 1);
    wr(RTCMIS, 1);
    assert_int_equal(rd(RTCDR), 87);
    assert_int_equal(rd(RTCCR), 1);
    assert_int_equal(rd(RTCRIS), 0);
    pl031_control(&vdev, VDEV_CTRL_RESET, NULL);
    assert_int_equal(rd(RTCDR), DATE + 11);
    assert_int_equal(rd(RTCLR), 0);
}

static void wraps(void **state)
{
    (void)state;
    wr(RTCLR, UINT32_MAX);
    wr(RTCMR, 1);
    assert_int_equal(timer_due, 2500);
    run(1500, 0);
    assert_int_equal(rd(RTCDR), 0);
    assert_int_equal(rd(RTCRIS), 0);
    run(2500, 0);
    assert_int_equal(rd(RTCRIS), 1);
}

static void match(void **state)
{
    (void)state;
    wr(RTCIMSC, 0xff);
    assert_int_equal(rd(RTCIMSC), 1);
    wr(RTCMR, DATE + 3);
    assert_int_equal(rd(RTCMR), DATE + 3);
    run(500 + 3 * RATE - 1, 0);
    assert_int_equal(rd(RTCRIS), 0);
    run(500 + 3 * RATE, 0);
    assert_int_equal(edges, 1);
    assert_int_equal(rd(RTCRIS), 1);
    assert_int_equal(rd(RTCMIS), 1);
    wr(RTCICR, 0);
    assert_true(line_level);
    wr(RTCICR, 1);
    assert_false(line_level);
    assert_int_equal(rd(RTCRIS), 0);
    run(500 + 9 * RATE, 0); /* once */
    assert_int_equal(edges, 1);
    wr(RTCMR, DATE + 9); /* what the counter has now */
    assert_int_equal(edges, 2);
    wr(RTCICR, 1);
    wr(RTCMR, DATE + 8); /* gone by: in 136 years */
    run(500 + 20 * RATE, 0);
    assert_int_equal(edges, 2);
}

static void masked_and_late(void **state)
{
    (void)state;
    wr(RTCMR, DATE + 2);
    run(500 + 2 * RATE, 0);
    assert_int_equal(rd(RTCRIS), 1);
    assert_int_equal(rd(RTCMIS), 0);
    assert_false(line_level);
    wr(RTCIMSC, 1);
    assert_true(line_level);
    wr(RTCIMSC, 0);
    assert_false(line_level);
    wr(RTCICR, 1);
    /* The timer is late, by a pause or a busy core: whoever looks sees the match all the same, and it comes once. */
    wr(RTCMR, DATE + 5);
    wr(RTCIMSC, 1);
    count = 500 + 8 * RATE;
    assert_int_equal(rd(RTCRIS), 1);
    assert_true(line_level);
    wr(RTCICR, 1);
    run(500 + 9 * RATE, 0);
    assert_int_equal(edges, 2);
    assert_false(line_level);
}

static void a_machine_without_clock(void **state)
{
    (void)state;
    known = false;
    begin(0);
    run(500 + 7 * RATE, 0);
    assert_int_equal(rd(RTCDR), 7);
    begin(DATE);
    run(500 + 7 * RATE, 0);
    assert_int_equal(rd(RTCDR), DATE + 7);
    known = true;
    begin(12345); /* a date that is known is not the description's to say */
    assert_int_equal(rd(RTCDR), DATE);
}

static void clock_in_the_tree(void **state)
{
    (void)state;
    struct vdev_fdt f = { .fdt = NULL };
    struct vdev_builder b = { .vdev = &vdev };
    assert_int_equal(pl031_startup(&b, VDEV_CTRL_GEN_FDT, &f), EOK);
    assert_int_equal(clocks_made, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reset_values, setup),
        cmocka_unit_test_setup(counts_and_is_loaded, setup),
        cmocka_unit_test_setup(wraps, setup),
        cmocka_unit_test_setup(match, setup),
        cmocka_unit_test_setup(masked_and_late, setup),
        cmocka_unit_test_setup(a_machine_without_clock, setup),
        cmocka_unit_test_setup(clock_in_the_tree, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
