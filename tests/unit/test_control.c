/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/phase.c hyp/vdev_options.c hyp/utils.c hyp/slice.c hyp/guest_intr.c tests/unit/tree_support.c */
/* One control function for all codes, as QNX has it, and options as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <libfdt.h>
#include "hyp/api/control.h"
#include "hyp/api/utils.h"
#include "hyp/vdev_parts.h"
#include "tests/unit/tree_support.h"

static const char *const options[] = { "test,number", "test,text", "test,numbers", "test,texts", "test,flag", NULL };
static const struct vdev_factory factory = { .option_list = options, .option_cells = BIT(2), .option_strings = BIT(3) };
static struct guest_system vm = { .name = "vm" };
static vdev_t vdev = { .v_factory = &factory, .v_gsp = &vm, .v_name = "one" };
static struct vdev_builder builder = { .vdev = &vdev, .gsp = &vm, .path = "/vm/one" };
static char history[200];

/* Here no code lies elsewhere, so what one entry is called with shows what the other would be. */
VDEV_ONE_CONTROL int one_control(vdev_t *v, unsigned ctrl, const char *arg)
{
    size_t n = strlen(history);
    assert_ptr_equal(v, &vdev);
    snprintf(history + n, sizeof(history) - n, "%u%s%s ", ctrl, ctrl >= VDEV_CTRL_FIRST_OPTIDX ? "=" : "",
             ctrl < VDEV_CTRL_FIRST_OPTIDX ? ""
             : arg                         ? arg
                                           : "(none)");
    if (ctrl == VDEV_CTRL_BUTTON)
        ((struct vdev_button *)(uintptr_t)arg)->taken = true;
    return ctrl == VDEV_CTRL_STATUS ? EIO : EOK;
}
VDEV_CONTROL_ENTRIES(one_control)

struct vdev_builder *vdev_builder_of(vdev_t *v)
{
    (void)v;
    return &builder;
}

bool vdev_pin_taken(const struct vdev_builder *b, uint32_t pin)
{
    (void)b, (void)pin;
    return false;
}

int assign_line_claim(const struct vdev_builder *b, struct guest_intr *line)
{
    (void)b, (void)line;
    return 0;
}

static int setup(void **state)
{
    (void)state;
    machine_phase = PHASE_STARTUP;
    history[0] = 0;
    log_forget();
    return 0;
}

static int option_call(unsigned i, const void *data, uint32_t size)
{
    struct vdev_option o = { options[i], data, size, 0 };
    return one_control_startup(&builder, VDEV_CTRL_FIRST_OPTIDX + i, &o);
}

static void test_startup(void **state)
{
    const uint64_t wide = cpu_to_fdt64(0x123456789a);
    const uint32_t cell = cpu_to_fdt32(0x40), letters = cpu_to_fdt32(0x61620000);
    (void)state;
    assert_int_equal(one_control_startup(&builder, VDEV_CTRL_OPTIONS_START, NULL), EOK);
    assert_int_equal(option_call(0, &cell, 4), EOK);
    assert_int_equal(option_call(0, &wide, 8), EOK);
    assert_int_equal(option_call(1, "some text", 10), EOK);
    assert_int_equal(option_call(4, NULL, 0), EOK);
    assert_int_equal(one_control_startup(&builder, VDEV_CTRL_ASSIGN, NULL), EOK);
    assert_string_equal(history, "0 256=0x40 256=0x123456789a 257=some text 260=(none) 8 ");
    /* Four bytes that could be either are what the factory says, and text if it says nothing. */
    history[0] = 0;
    assert_int_equal(option_call(2, &(uint32_t){ cpu_to_fdt32(0x61626300) }, 4), EOK);
    assert_int_equal(option_call(3, "abc", 4), EOK);
    assert_int_equal(option_call(0, "abc", 4), EOK);
    assert_int_equal(option_call(0, &letters, 4), EOK);
    assert_string_equal(history, "258=0x61626300 259=abc 256=abc 256=0x61620000 ");
}

static void test_option_that_is_neither(void **state)
{
    struct vdev_option o = { "test,number", "abc", 3, 0 };
    const char *out = "kept";
    char small[4];
    (void)state;
    assert_int_equal(option_call(0, "abc", 3), EINVAL);
    assert_true(log_has("/vm/one: test,number is 3 bytes, not one number of 4 or 8"));
    assert_string_equal(history, "");
    o.size = 4;
    o.data = &(uint32_t){ cpu_to_fdt32(0x1000) };
    assert_int_equal(vdev_option_text(&builder, &o, small, sizeof(small), &out), ERANGE);
    assert_true(log_has("/vm/one: test,number does not fit into 4 bytes of text"));
    assert_int_equal(vdev_option_text(&builder, &o, NULL, 0, &out), ERANGE);
    assert_string_equal(out, "kept");
}

/* What a QNX vdev does with the text. */
static void test_text_is_parsed(void **state)
{
    struct vdev_option o = { "test,number", &(uint32_t){ cpu_to_fdt32(0xabc) }, 4, 0 };
    char text[VDEV_OPTION_TEXT_SIZE];
    const char *out;
    uint64_t number = 0;
    (void)state;
    assert_int_equal(vdev_option_text(&builder, &o, text, sizeof(text), &out), EOK);
    assert_int_equal(qvm_parse_num(&builder, out, &number), EOK);
    assert_int_equal(number, 0xabc);
}

/* Codes of startup never get to the entry that stays. */
static void test_running(void **state)
{
    struct vdev_button button = { .taken = false };
    (void)state;
    machine_phase = PHASE_RUNNING;
    for (unsigned code = 0; code < 20; code++)
        if (code != VDEV_CTRL_BUTTON)
            assert_int_equal(one_control_running(&vdev, code, NULL), code == VDEV_CTRL_STATUS ? EIO : EOK);
    assert_int_equal(one_control_running(&vdev, VDEV_CTRL_FIRST_OPTIDX, NULL), EOK);
    assert_string_equal(history, "2 3 4 10 11 ");
    assert_int_equal(one_control_running(&vdev, VDEV_CTRL_BUTTON, &button), EOK);
    assert_true(button.taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_startup, setup),
        cmocka_unit_test_setup(test_option_that_is_neither, setup),
        cmocka_unit_test_setup(test_text_is_parsed, setup),
        cmocka_unit_test_setup(test_running, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
