/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/regs.c hyp/wdog.c hyp/base/phase.c tests/unit/timer_fake.c tests/unit/tree_support.c */
/* The watchdog's registers and its two stages, on a guest's time of 62.5 MHz; its own clock has 25 MHz. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/timer_fake.h"
#include "tests/unit/tree_support.h"
#include "vdevs/wdt_sp805.c"

#define RATE 62500000
#define TICKS(clocks) ((uint64_t)(clocks)*5 / 2 + 1) /* the first tick at which so many clocks are over */

static struct sp805 device;
static vdev_t vdev;
static bool line_level;
static unsigned edges, ends, dumps, end_cause;
static uint32_t clock_given; /* by the description; 0: none */
static char report[160];
static struct vdev_clock clocks_made[2];

int guest_intr_signal(const struct guest_intr *gip, enum guest_intr_state state)
{
    assert_ptr_equal(gip, &vdev.v_intr);
    edges += state == GIS_ON && !line_level;
    line_level = state == GIS_ON;
    return EOK;
}

void guest_terminate(guest_system *gsp, unsigned cause)
{
    (void)gsp;
    assert_int_equal(vdev.v_mtx.next, vdev.v_mtx.owner); /* the VM's lock is outside of it */
    ends++;
    end_cause = cause;
}

void vm_dump(struct guest_system *vm)
{
    (void)vm;
    dumps++;
}

bool log_allowed(struct log_limit *limit)
{
    (void)limit;
    return true;
}

void vdev_logf(enum log_severity sev, const vdev_t *v, const char *fmt, ...)
{
    (void)sev;
    (void)v;
    (void)fmt;
}

int qvm_report(const vdev_t *v, const char *fmt, ...)
{
    va_list ap;
    (void)v;
    va_start(ap, fmt);
    vsnprintf(report, sizeof(report), fmt, ap);
    va_end(ap);
    return EOK;
}

int vdev_clock_rate(const struct vdev_builder *b, unsigned index, uint32_t *hz)
{
    (void)b;
    assert_int_equal(index, 0);
    *hz = clock_given;
    return clock_given ? EOK : ENOENT;
}

int vdev_fdt_clocks(struct vdev_fdt *f, const struct vdev_clock *clocks, unsigned n)
{
    (void)f;
    assert_int_equal(n, 2);
    memcpy(clocks_made, clocks, sizeof(clocks_made));
    return EOK;
}

int vdev_option_u32(const struct vdev_builder *b, const struct vdev_option *o, uint32_t *out)
{
    (void)b;
    memcpy(out, o->data, sizeof(*out));
    return EOK;
}

int vdev_option_string(const struct vdev_builder *b, const struct vdev_option *o, const char **out)
{
    (void)b;
    *out = o->data;
    return EOK;
}

/* What the dispatcher does with the table. */
static uint32_t rd(uint32_t offset)
{
    const struct reg *row = reg_find(&sp805_regs, offset);
    if (!row)
        return 0;
    struct reg_access a = { .vdev = &vdev, .offset = offset, .index = (offset - row->offset) / 4, .size = 4 };
    return (uint32_t)row->read(&a);
}

static void wr(uint32_t offset, uint32_t value)
{
    const struct reg *row = reg_find(&sp805_regs, offset);
    struct reg_access a = { .vdev = &vdev, .offset = offset, .index = (offset - row->offset) / 4, .size = 4 };
    if (row->write)
        row->write(&a, value);
    assert_int_equal(vdev.v_mtx.next, vdev.v_mtx.owner);
}

static struct vdev_builder builder = { .vdev = &vdev, .path = "/linux/watchdog" };

static int begin(void)
{
    machine_phase = PHASE_STARTUP;
    fake_timer_forget(RATE);
    memset(&device, 0, sizeof(device));
    vdev = (vdev_t){ .v_device = &device, .v_factory = &sp805_factory, .v_name = "watchdog" };
    line_level = false;
    edges = ends = dumps = clock_given = 0;
    log_forget();
    return sp805_startup(&builder, VDEV_CTRL_OPTIONS_START, NULL);
}

static int option(unsigned which, const void *data, uint32_t size)
{
    struct vdev_option o = { .name = sp805_options[which], .data = data, .size = size };
    return sp805_startup(&builder, VDEV_CTRL_FIRST_OPTIDX + which, &o);
}

static int finish(void)
{
    int err = sp805_startup(&builder, VDEV_CTRL_OPTIONS_END, NULL);
    machine_phase = PHASE_RUNNING;
    return err;
}

static int setup(void **state)
{
    (void)state;
    return begin() || finish();
}

/* Table 3-1. */
static void reset_values(void **state)
{
    (void)state;
    assert_int_equal(reg_table_check(&sp805_regs, "sp805"), 0);
    assert_int_equal(vdev.v_block.location, 0x1c0f0000);
    assert_int_equal(rd(WDOGLOAD), UINT32_MAX);
    assert_int_equal(rd(WDOGVALUE), UINT32_MAX);
    assert_int_equal(rd(WDOGCONTROL), 0);
    assert_int_equal(rd(WDOGRIS), 0);
    assert_int_equal(rd(WDOGMIS), 0);
    assert_int_equal(rd(WDOGLOCK), 0);
    assert_int_equal(rd(WDOGITCR), 0);
    static const uint8_t id[] = { 0x05, 0x18, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(rd(WDOGPERIPHID0 + 4 * i), id[i]);
    assert_int_equal(rd(0x018), 0);
    assert_int_equal(rd(0xf08), 0);
    assert_int_equal(fake_timer_due, GUEST_TIMER_NEVER);
}

static void counts_only_when_enabled(void **state)
{
    (void)state;
    wr(WDOGLOAD, 1000);
    fake_time_run(100000, 0);
    assert_int_equal(rd(WDOGVALUE), 1000);
    wr(WDOGCONTROL, WDOGCONTROL_INTEN);
    assert_int_equal(rd(WDOGVALUE), 1000);
    fake_time_run(fake_time + TICKS(400), 0);
    assert_int_equal(rd(WDOGVALUE), 600);
    wr(WDOGCONTROL, WDOGCONTROL_RESEN);
    fake_time_run(fake_time + TICKS(5000), 0);
    assert_int_equal(rd(WDOGVALUE), 600);
    assert_int_equal(ends + edges, 0);
    wr(WDOGCONTROL, WDOGCONTROL_INTEN); /* from LOAD again */
    assert_int_equal(rd(WDOGVALUE), 1000);
    wr(WDOGCONTROL, WDOGCONTROL_INTEN | WDOGCONTROL_RESEN | 0xfc);
    assert_int_equal(rd(WDOGCONTROL), 3);
    fake_time_run(fake_time + TICKS(100), 0);
    assert_int_equal(rd(WDOGVALUE), 900); /* INTEN was on: it goes on counting */
    wr(WDOGLOAD, 50);
    assert_int_equal(rd(WDOGVALUE), 50);
}

static void two_stages_and_the_vm_ends(void **state)
{
    (void)state;
    wr(WDOGLOAD, 1000);
    wr(WDOGCONTROL, WDOGCONTROL_INTEN | WDOGCONTROL_RESEN);
    fake_time_run(TICKS(1000) - 2, 0);
    assert_int_equal(rd(WDOGRIS), 0);
    fake_time_run(TICKS(1000), 0);
    assert_int_equal(rd(WDOGRIS), 1);
    assert_int_equal(rd(WDOGMIS), 1);
    assert_true(line_level);
    assert_int_equal(ends, 0);
    fake_time_run(TICKS(1001 + 300), 0);
    assert_int_equal(rd(WDOGVALUE), 700);
    fake_time_run(TICKS(2001) - 2, 0);
    assert_int_equal(ends, 0);
    fake_time_run(TICKS(2001), 0);
    assert_int_equal(ends, 1);
    assert_int_equal(end_cause, GTC_WATCHDOG);
    fake_time_run(TICKS(20000), 0); /* the counter stands */
    assert_int_equal(ends, 1);
    assert_int_equal(rd(WDOGVALUE), 0);
    sp805_control(&vdev, VDEV_CTRL_RESET, NULL);
    assert_false(line_level);
    assert_int_equal(rd(WDOGLOAD), UINT32_MAX);
    assert_int_equal(rd(WDOGCONTROL), 0);
}

static void served_in_time(void **state)
{
    (void)state;
    wr(WDOGLOAD, 1000);
    wr(WDOGCONTROL, WDOGCONTROL_INTEN | WDOGCONTROL_RESEN);
    for (unsigned i = 0; i < 50; i++) {
        fake_time_run(fake_time + TICKS(1800), 0);
        assert_int_equal(rd(WDOGRIS), 1);
        wr(WDOGINTCLR, 0x12345678); /* any value */
        assert_int_equal(rd(WDOGRIS), 0);
        assert_false(line_level);
        assert_int_equal(rd(WDOGVALUE), 1000);
    }
    assert_int_equal(edges, 50);
    assert_int_equal(ends, 0);
}

/* Without RESEN nothing comes of further zeros: no timer runs for them, and WDOGVALUE goes round. */
static void interrupt_only(void **state)
{
    (void)state;
    wr(WDOGLOAD, 9);
    wr(WDOGCONTROL, WDOGCONTROL_INTEN);
    fake_time_run(TICKS(9), 0);
    assert_int_equal(edges, 1);
    assert_int_equal(fake_timer_due, GUEST_TIMER_NEVER);
    for (unsigned clocks = 10; clocks < 60; clocks++) {
        fake_time_run(TICKS(clocks), 0);
        assert_int_equal(rd(WDOGVALUE), 9 - clocks % 10);
    }
    wr(WDOGCONTROL, WDOGCONTROL_INTEN | WDOGCONTROL_RESEN); /* the next zero bites */
    assert_int_equal(ends, 0);
    fake_time_run(TICKS(69), 0);
    assert_int_equal(ends, 1);
}

static void load_of_zero_and_one(void **state)
{
    (void)state;
    wr(WDOGLOAD, 0);
    wr(WDOGCONTROL, WDOGCONTROL_INTEN);
    fake_time_run(TICKS(1), 0);
    assert_int_equal(rd(WDOGRIS), 1);
    assert_int_equal(fake_timer_calls, 1);
    wr(WDOGCONTROL, WDOGCONTROL_INTEN | WDOGCONTROL_RESEN);
    fake_time_run(fake_time + TICKS(100000), 3);
    assert_int_equal(ends, 1);
    assert_int_equal(fake_timer_calls, 2);
}

/* A timer's call that was under way while the guest served the watchdog does nothing. */
static void a_late_call_is_stale(void **state)
{
    (void)state;
    struct guest_timer_data late = { .guest_current = TICKS(1000) };
    wr(WDOGLOAD, 1000);
    wr(WDOGCONTROL, WDOGCONTROL_INTEN | WDOGCONTROL_RESEN);
    fake_time = TICKS(1000);
    wr(WDOGINTCLR, 0);
    sp805_timer(&vdev, NULL, &late, NULL);
    assert_int_equal(rd(WDOGRIS), 0);
    wr(WDOGCONTROL, 0);
    sp805_timer(&vdev, NULL, &late, NULL);
    assert_int_equal(rd(WDOGRIS), 0);
}

static void locked(void **state)
{
    (void)state;
    wr(WDOGLOAD, 1000);
    wr(WDOGLOCK, 1);
    assert_int_equal(rd(WDOGLOCK), 1);
    wr(WDOGLOAD, 5);
    wr(WDOGCONTROL, 3);
    wr(WDOGITCR, 1);
    wr(WDOGITOP, 3);
    assert_int_equal(rd(WDOGLOAD), 1000);
    assert_int_equal(rd(WDOGCONTROL), 0);
    assert_int_equal(rd(WDOGITCR), 0);
    assert_int_equal(ends + edges, 0);
    wr(WDOGLOCK, WDOGLOCK_KEY);
    assert_int_equal(rd(WDOGLOCK), 0);
    wr(WDOGLOAD, 5);
    assert_int_equal(rd(WDOGLOAD), 5);
}

static void integration_test(void **state)
{
    (void)state;
    wr(WDOGITOP, WDOGITOP_INT);
    assert_false(line_level);
    wr(WDOGITCR, 1);
    assert_true(line_level);
    assert_int_equal(rd(WDOGITOP), 0);
    assert_int_equal(rd(WDOGMIS), 0);
    wr(WDOGITOP, 0);
    assert_false(line_level);
    assert_int_equal(ends, 0);
    wr(WDOGITOP, WDOGITOP_RES);
    assert_int_equal(ends, 1);
    wr(WDOGITCR, 0);
    assert_int_equal(ends, 1);
}

static void action_interrupt_with_dump(void **state)
{
    (void)state;
    assert_int_equal(begin(), EOK);
    assert_int_equal(option(OPTION_ACTION, "dump", 5), EOK);
    assert_int_equal(option(OPTION_ACTION, "interrupt", 10), EOK);
    assert_int_equal(finish(), EOK);
    wr(WDOGLOAD, 1000);
    wr(WDOGCONTROL, WDOGCONTROL_INTEN | WDOGCONTROL_RESEN);
    fake_time_run(TICKS(2001), 0);
    assert_int_equal(ends, 0);
    assert_int_equal(dumps, 1);
    assert_int_equal(edges, 2); /* the second tells the bite */
    assert_true(line_level);
    fake_time_run(TICKS(100000), 0);
    assert_int_equal(edges, 2); /* and no storm follows */
    sp805_control(&vdev, VDEV_CTRL_STATUS, NULL);
    assert_string_equal(report, "standing, 0 of 1000 at 25000000 Hz, interrupt raised, bites 1");
    wr(WDOGINTCLR, 0);
    assert_false(line_level);
    fake_time_run(fake_time + TICKS(2001), 0);
    assert_int_equal(edges, 4);
    assert_int_equal(dumps, 2);
}

static void options(void **state)
{
    (void)state;
    assert_int_equal(option(OPTION_ACTION, "bark", 5), EPERM); /* not any more */
    assert_int_equal(begin(), EOK);
    assert_int_equal(option(OPTION_ACTION, "bark", 5), EINVAL);
    assert_true(log_has("/linux/watchdog: armature,action: \"bark\" is none of terminate, interrupt, dump"));
    assert_int_equal(option(OPTION_ACTION, "interrupt", 10), EOK);
    assert_int_equal(option(OPTION_ACTION, "terminate", 10), EINVAL);
    assert_true(log_has("armature,action: \"terminate\" after \"interrupt\""));
    assert_int_equal(option(OPTION_FREQUENCY, &(uint32_t){ 0 }, 4), EINVAL);
    assert_true(log_has("armature,frequency is 0"));
    assert_int_equal(option(OPTION_FREQUENCY, &(uint32_t){ 32768 }, 4), EOK);
    clock_given = 24000000;
    assert_int_equal(finish(), EINVAL);
    assert_true(log_has("armature,frequency is 32768 Hz, and the clock that the guest sees 24000000"));
}

/* Where the rate comes from, and that the guest is told of it. */
static void frequency(void **state)
{
    (void)state;
    assert_int_equal(begin(), EOK);
    assert_int_equal(option(OPTION_FREQUENCY, &(uint32_t){ 32768 }, 4), EOK);
    assert_int_equal(finish(), EOK);
    assert_int_equal(sp805_startup(&builder, VDEV_CTRL_GEN_FDT, NULL), EOK);
    assert_string_equal(clocks_made[0].name, "wdog_clk");
    assert_string_equal(clocks_made[1].name, "apb_pclk");
    assert_int_equal(clocks_made[0].hz, 32768);
    wr(WDOGLOAD, 32768 * 3);
    wr(WDOGCONTROL, WDOGCONTROL_INTEN);
    fake_time_run(3 * (uint64_t)RATE - 1, 0);
    assert_int_equal(rd(WDOGRIS), 0);
    fake_time_run(3 * (uint64_t)RATE + 1, 0);
    assert_int_equal(rd(WDOGRIS), 1);
    assert_int_equal(begin(), EOK);
    clock_given = 1000;
    assert_int_equal(finish(), EOK);
    assert_int_equal(device.hz, 1000);
    /* The longest that there is: 2^32 clocks of a millisecond. */
    wr(WDOGCONTROL, WDOGCONTROL_INTEN);
    fake_time_run((uint64_t)UINT32_MAX * (RATE / 1000) - 1, 0);
    assert_int_equal(rd(WDOGVALUE), 1);
    fake_time_run((uint64_t)UINT32_MAX * (RATE / 1000) + 1, 0);
    assert_int_equal(rd(WDOGRIS), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reset_values, setup),
        cmocka_unit_test_setup(counts_only_when_enabled, setup),
        cmocka_unit_test_setup(two_stages_and_the_vm_ends, setup),
        cmocka_unit_test_setup(served_in_time, setup),
        cmocka_unit_test_setup(interrupt_only, setup),
        cmocka_unit_test_setup(load_of_zero_and_one, setup),
        cmocka_unit_test_setup(a_late_call_is_stale, setup),
        cmocka_unit_test_setup(locked, setup),
        cmocka_unit_test_setup(integration_test, setup),
        cmocka_unit_test_setup(action_interrupt_with_dump, setup),
        cmocka_unit_test_setup(options, setup),
        cmocka_unit_test_setup(frequency, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
