/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/regs.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "vdevs/pl061.c"

#define BUTTON BIT(3)
#define DATA(mask) ((uint32_t)(mask) << 2)

/* Two instances, so that what belongs to one is seen to stay there. */
static struct pl061 state[2];
static vdev_t vdev[2];
static bool line[2];
static unsigned signals;
static char told[160];
static char properties[80];

int guest_intr_signal(const struct guest_intr *gip, enum guest_intr_state s)
{
    line[gip->param] = s == GIS_ON;
    signals++;
    return EOK;
}

int qvm_report(const vdev_t *v, const char *fmt, ...)
{
    va_list ap;
    assert_non_null(v);
    va_start(ap, fmt);
    vsnprintf(told, sizeof(told), fmt, ap);
    va_end(ap);
    return EOK;
}

int vdev_option_u32(const struct vdev_builder *b, const struct vdev_option *o, uint32_t *out)
{
    (void)b;
    memcpy(out, o->data, sizeof(*out));
    return o->size == 4 ? EOK : EINVAL;
}

int vdev_fdt_prop(struct vdev_fdt *f, const char *name, const void *data, uint32_t size)
{
    (void)f, (void)data;
    snprintf(properties + strlen(properties), 40, "%s:%u ", name, size);
    return EOK;
}

int vdev_fdt_u32s(struct vdev_fdt *f, const char *name, const uint32_t *cells, unsigned n)
{
    (void)f;
    assert_int_equal(n, 1);
    snprintf(properties + strlen(properties), 40, "%s=%u ", name, cells[0]);
    return EOK;
}

void log_line(enum log_severity sev, const char *fmt, ...)
{
    va_list ap;
    assert_int_equal(sev, LOG_ERROR);
    va_start(ap, fmt);
    vsnprintf(told, sizeof(told), fmt, ap);
    va_end(ap);
}

static struct vdev_builder builder(unsigned which)
{
    return (struct vdev_builder){ .vdev = &vdev[which], .path = "/vm/gpio" };
}

static int option(unsigned which, uint32_t pin, uint32_t size)
{
    struct vdev_builder b = builder(which);
    struct vdev_option o = { "armature,button", &pin, size, 0 };
    return pl061_factory.startup(&b, VDEV_CTRL_FIRST_OPTIDX, &o);
}

static int start(void **unused)
{
    (void)unused;
    memset(state, 0, sizeof(state));
    memset(line, 0, sizeof(line));
    signals = 0;
    properties[0] = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct vdev_builder b = builder(i);
        vdev[i] = (vdev_t){ .v_device = &state[i], .v_factory = &pl061_factory, .v_intr = { .param = i } };
        assert_int_equal(pl061_factory.startup(&b, VDEV_CTRL_OPTIONS_START, NULL), EOK);
        assert_int_equal(vdev[i].v_block.length, 0x1000);
    }
    assert_int_equal(option(0, 3, 4), EOK);
    return 0;
}

static uint64_t get_sized(unsigned which, uint32_t offset, uint8_t size)
{
    const struct reg *r = reg_find(&pl061_regs, offset);
    if (!r)
        return 0;
    assert_true(reg_takes(r, offset, size));
    struct reg_access a = { &vdev[which], NULL, 0, offset, (offset - r->offset) / r->stride, size };
    return r->read(&a);
}

static uint64_t get(uint32_t offset)
{
    return get_sized(0, offset, 4);
}

static void put_sized(unsigned which, uint32_t offset, uint8_t size, uint64_t value)
{
    const struct reg *r = reg_find(&pl061_regs, offset);
    struct reg_access a = { &vdev[which], NULL, 0, offset, (offset - r->offset) / r->stride, size };
    if (r->write)
        r->write(&a, value);
}

static void put(uint32_t offset, uint64_t value)
{
    put_sized(0, offset, 4, value);
}

static bool press(unsigned which)
{
    struct vdev_button b = { .taken = false };
    assert_int_equal(pl061_factory.control(&vdev[which], VDEV_CTRL_BUTTON, &b), EOK);
    return b.taken;
}

static void test_table_is_sound(void **unused)
{
    (void)unused;
    static const uint8_t id[] = { 0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
    assert_int_equal(reg_table_check(&pl061_regs, "pl061"), 0);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(get(GPIOPERIPHID0 + 4 * i), id[i]);
    for (uint32_t offset = 0; offset <= GPIOAFSEL; offset += 4)
        assert_int_equal(get(offset), 0);
    assert_null(reg_find(&pl061_regs, GPIOAFSEL + 4));
}

/* The mask is in the address; what is no output keeps what it has, and reads as its line. */
static void test_data_is_masked(void **unused)
{
    (void)unused;
    put(DATA(0xff), 0xff);
    assert_int_equal(get(DATA(0xff)), 0);
    put(GPIODIR, 0x0f);
    assert_int_equal(get(DATA(0xff)), 0);
    put(DATA(0xff), 0xa5);
    assert_int_equal(get(DATA(0xff)), 0x05);
    put(DATA(0x06), 0xff);
    assert_int_equal(get(DATA(0xff)), 0x07);
    assert_int_equal(get(DATA(0x0c)), 0x04);
    put(DATA(0), 0);
    assert_int_equal(get(DATA(0xff)), 0x07);
    put(GPIODIR, 0x01);
    assert_int_equal(get(DATA(0xff)), 0x01);
    put(GPIODIR, 0x0f);
    assert_int_equal(get(DATA(0xff)), 0x07);
    assert_int_equal(get_sized(1, DATA(0xff), 4), 0);
}

/* A byte of a register reaches its low bits, one beside them nothing. */
static void test_narrow(void **unused)
{
    (void)unused;
    put_sized(0, GPIODIR, 1, 0x3c);
    put_sized(0, GPIODIR + 1, 1, 0xff);
    put_sized(0, DATA(0xff) + 1, 1, 0xff);
    assert_int_equal(get(GPIODIR), 0x3c);
    assert_int_equal(get_sized(0, GPIODIR + 2, 2), 0);
    assert_int_equal(get_sized(0, DATA(0xff), 1), 0);
    assert_int_equal(get_sized(0, GPIOPERIPHID0 + 1, 1), 0);
    put(GPIORIS, 0xff);
    put(GPIOMIS, 0xff);
    put(GPIOPERIPHID0, 0xff);
    assert_int_equal(get(GPIORIS) | get(GPIOMIS), 0);
    assert_int_equal(get(GPIOPERIPHID0), 0x61);
}

/* What a gpio-keys driver does: both edges; the press is held until it is read, then the release is an edge too. */
static void test_button_by_both_edges(void **unused)
{
    (void)unused;
    assert_false(press(0));
    put(GPIOIBE, BUTTON);
    put(GPIOIE, BUTTON);
    assert_true(press(0));
    assert_true(line[0] && !line[1]);
    assert_int_equal(get(GPIOMIS), BUTTON);
    put(GPIOIC, BUTTON);
    assert_false(line[0]);
    assert_int_equal(get(DATA(0xf7)), 0);
    assert_int_equal(get(GPIORIS), 0);
    assert_int_equal(get(DATA(BUTTON)), BUTTON);
    assert_true(line[0]);
    assert_int_equal(get(DATA(BUTTON)), 0);
    put(GPIOIC, BUTTON);
    assert_false(line[0]);
    assert_int_equal(signals, 4);
}

static void test_button_by_one_edge(void **unused)
{
    (void)unused;
    put(GPIOIE, BUTTON);
    put(GPIOIEV, BUTTON);
    assert_true(press(0) && press(0));
    assert_int_equal(get(GPIORIS), BUTTON);
    put(GPIOIC, 0xff);
    get(DATA(0xff));
    assert_int_equal(get(GPIORIS), 0);
    put(GPIOIEV, 0);
    assert_true(press(0));
    assert_int_equal(get(GPIORIS), 0);
    get(DATA(0xff));
    assert_int_equal(get(GPIORIS), BUTTON);
}

/* A level asks as long as it lasts; clearing does nothing to it. */
static void test_button_by_level(void **unused)
{
    (void)unused;
    put(GPIOIS, BUTTON);
    put(GPIOIEV, BUTTON);
    put(GPIOIE, BUTTON);
    assert_true(press(0));
    put(GPIOIC, 0xff);
    assert_true(line[0]);
    get(DATA(0xff));
    assert_false(line[0]);
    put(GPIOIEV, 0);
    assert_true(line[0]);
    assert_int_equal(get(GPIORIS), BUTTON);
    put(GPIOIE, 0);
    assert_false(line[0]);
    assert_int_equal(get(GPIORIS), BUTTON);
    put(GPIOIS, 0);
    assert_int_equal(get(GPIORIS), 0);
}

static void test_button_that_nobody_hears(void **unused)
{
    (void)unused;
    put(GPIOIE, (uint8_t)~BUTTON);
    assert_false(press(0));
    put(GPIOIE, 0xff);
    put(GPIODIR, BUTTON);
    assert_false(press(0));
    /* The other has no button at all. */
    put_sized(1, GPIOIE, 4, 0xff);
    assert_false(press(1));
    assert_int_equal(state[0].lines | state[1].lines, 0);
    assert_int_equal(pl061_factory.control(&vdev[0], VDEV_CTRL_STATUS, NULL), EOK);
    assert_string_equal(told, "pins 0x00, outputs 0x08, interrupts 0x00 of 0xff; button pressed 0 times, missed 2");
}

static void test_reset_is_as_startup(void **unused)
{
    (void)unused;
    struct pl061 fresh = state[0];
    put(GPIODIR, 0x11);
    put(DATA(0xff), 0x10);
    put(GPIOIBE, BUTTON);
    put(GPIOIE, BUTTON);
    assert_true(press(0) && line[0]);
    assert_int_equal(pl061_factory.control(&vdev[0], VDEV_CTRL_RESET, NULL), EOK);
    assert_memory_equal(&state[0], &fresh, sizeof(fresh));
    assert_false(line[0]);
    assert_int_equal(pl061_factory.control(&vdev[0], 99, NULL), EOK);
}

static void test_options_and_tree(void **unused)
{
    (void)unused;
    struct vdev_builder b = builder(0);
    assert_int_equal(option(0, 8, 4), EINVAL);
    assert_string_equal(told, "/vm/gpio: armature,button: there is no pin 8, they are 0 to 7");
    assert_int_equal(option(0, 1, 8), EINVAL);
    assert_int_equal(option(0, 7, 4), EOK);
    assert_int_equal(state[0].button, 0x80);
    assert_int_equal(pl061_factory.startup(&b, VDEV_CTRL_GEN_FDT, &(struct vdev_fdt){ .fdt = NULL }), EOK);
    assert_string_equal(properties, "gpio-controller:0 #gpio-cells=2 ");
    assert_int_equal(pl061_factory.startup(&b, VDEV_CTRL_ASSIGN, NULL), EOK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_table_is_sound, start),
        cmocka_unit_test_setup(test_data_is_masked, start),
        cmocka_unit_test_setup(test_narrow, start),
        cmocka_unit_test_setup(test_button_by_both_edges, start),
        cmocka_unit_test_setup(test_button_by_one_edge, start),
        cmocka_unit_test_setup(test_button_by_level, start),
        cmocka_unit_test_setup(test_button_that_nobody_hears, start),
        cmocka_unit_test_setup(test_reset_is_as_startup, start),
        cmocka_unit_test_setup(test_options_and_tree, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
