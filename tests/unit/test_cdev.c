/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/phase.c hyp/cdev.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "hyp/api/cdev.h"
#include "hyp/api/guest.h"
#include "hyp/console.h"

struct console_port {
    char name[64];
    struct console_client client;
};

static struct console_port ports[2];
static unsigned port_count, told;

void log_line(enum log_severity sev, const char *fmt, ...)
{
    (void)sev;
    (void)fmt;
}

void vdev_logf(enum log_severity sev, const vdev_t *v, const char *fmt, ...)
{
    (void)sev;
    (void)v;
    (void)fmt;
}

static unsigned reports;
int qvm_report(const vdev_t *v, const char *fmt, ...)
{
    (void)v;
    (void)fmt;
    reports++;
    return EOK;
}

const char *guest_name(const guest_system *gsp)
{
    (void)gsp;
    return "linux";
}

int vdev_option_string(const struct vdev_builder *b, const struct vdev_option *o, const char **out)
{
    (void)b;
    *out = o->data;
    return EOK;
}

bool console_port_exists(const char *name)
{
    return port_count && !strcmp(ports[0].name, name);
}

struct console_port *console_port_create(const char *name, const struct console_client *client)
{
    if (port_count == ARRAY_LEN(ports))
        return NULL;
    strcpy(ports[port_count].name, name);
    ports[port_count].client = *client;
    return &ports[port_count++];
}

size_t console_write(struct console_port *p, const void *data, size_t n)
{
    (void)p;
    (void)data;
    return n / 2;
}

size_t console_read(struct console_port *p, void *data, size_t n)
{
    (void)p;
    memset(data, 'r', n);
    return n;
}

size_t console_room(struct console_port *p)
{
    (void)p;
    return 0;
}

size_t console_available(struct console_port *p)
{
    (void)p;
    return 3;
}

size_t console_pending(struct console_port *p)
{
    (void)p;
    return 4;
}

static void notify(vdev_t *vdev, unsigned events)
{
    (void)vdev;
    told |= events;
}

static vdev_t vdev = { .v_name = "serial@9000000" };
static struct vdev_builder builder = { .vdev = &vdev, .path = "/linux/serial@9000000" };

/* Leaves it as the running machine sees it. */
static int create(struct cdev_state *cs, const char *backend)
{
    machine_phase = PHASE_STARTUP;
    const struct vdev_option o = { "armature,backend", backend, backend ? (uint32_t)strlen(backend) + 1 : 0, 0 };
    int err = cdev_setup(&builder, cs, notify);
    if (!err && backend)
        err = cdev_startup(&builder, cs, VDEV_CTRL_FIRST_OPTIDX + CDEV_OPT_BACKEND, &o);
    if (!err)
        err = cdev_startup(&builder, cs, VDEV_CTRL_OPTIONS_END, NULL);
    machine_phase = PHASE_RUNNING;
    return err;
}

static void test_console(void **state)
{
    struct cdev_state first, second, third;
    char c[4];
    (void)state;
    assert_int_equal(create(&first, NULL), EOK);
    assert_int_equal(create(&second, "console"), EOK);
    assert_string_equal(ports[0].name, "linux");
    assert_string_equal(ports[1].name, "linux/serial@9000000");
    assert_int_equal(create(&third, NULL), ENOMEM);
    ports[0].client.input_ready(ports[0].client.ctx);
    assert_int_equal(told, CDEV_EVENT_INPUT);
    ports[0].client.output_ready(ports[0].client.ctx);
    ports[0].client.line_break(ports[0].client.ctx);
    assert_int_equal(told, CDEV_EVENT_INPUT | CDEV_EVENT_OUTPUT | CDEV_EVENT_BREAK);
    assert_int_equal(cdev_write(&first, "abcd", 4), 2);
    assert_int_equal(cdev_read(&first, c, 4), 4);
    assert_true(cdev_output_full(&first));
    assert_false(cdev_output_empty(&first));
    assert_true(cdev_input_available(&first));
    assert_int_equal(cdev_input_num_available(&first), 3);
    assert_int_equal(cdev_control(&first, VDEV_CTRL_RESET, NULL), EOK);
    assert_int_equal(reports, 0);
    assert_int_equal(cdev_control(&first, VDEV_CTRL_STATUS, NULL), EOK);
    assert_int_equal(reports, 1);
}

static void test_null(void **state)
{
    struct cdev_state cs;
    char c;
    (void)state;
    assert_int_equal(create(&cs, "null"), EOK);
    assert_null(cs.port);
    assert_int_equal(cdev_write(&cs, "abcd", 4), 4);
    assert_int_equal(cdev_read(&cs, &c, 1), 0);
    assert_false(cdev_output_full(&cs));
    assert_true(cdev_output_empty(&cs));
    assert_false(cdev_input_available(&cs));
}

static void test_unknown_backend(void **state)
{
    struct cdev_state cs;
    (void)state;
    assert_int_equal(create(&cs, "consol"), EINVAL);
    assert_int_equal(create(&cs, ""), EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_console),
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_unknown_backend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
