/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/regs.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "vdevs/trace.c"

#define AT UINT64_C(0xa000000)

/* Two instances, so that what belongs to one is seen to stay there. */
static struct trace state[2];
static vdev_t vdev[2];
/* The vCPU's register, whether moving data to or from it fails, and the log. */
static uint32_t operand;
static int move_error, create_error;
static char last_line[80];
static unsigned lines, lines_allowed;

int guest_cpu_read(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n, void *data, size_t len)
{
    (void)gcp;
    (void)flags;
    assert_int_equal(n, 1);
    assert_int_equal(blk->type, QST_CPUREGS);
    memcpy(data, &operand, len);
    return move_error;
}

int guest_cpu_write(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n, const void *data,
                    size_t len)
{
    (void)gcp;
    (void)flags;
    assert_int_equal(n, 1);
    assert_int_equal(blk->type, QST_CPUREGS);
    if (!move_error)
        memcpy(&operand, data, len);
    return move_error;
}

int vdev_option_u32(const struct vdev_builder *b, const struct vdev_option *o, uint32_t *out)
{
    (void)b;
    memcpy(out, o->data, sizeof(*out));
    return o->size == 4 ? EOK : EINVAL;
}

bool log_allowed(struct log_limit *limit)
{
    return limit->used++ < lines_allowed;
}

static void line_take(const char *fmt, va_list ap)
{
    vsnprintf(last_line, sizeof(last_line), fmt, ap);
    lines++;
}

void log_line(enum log_severity sev, const char *fmt, ...)
{
    va_list ap;
    (void)sev;
    va_start(ap, fmt);
    line_take(fmt, ap);
    va_end(ap);
}

void vdev_logf(enum log_severity sev, const vdev_t *v, const char *fmt, ...)
{
    va_list ap;
    assert_int_equal(sev, LOG_INFO);
    assert_non_null(v);
    va_start(ap, fmt);
    line_take(fmt, ap);
    va_end(ap);
}

/* The thread, as the test plays it: each sleep is over at once, `seconds` times, then it is cancelled. */
static unsigned seconds, joins;
static uint64_t clock_ns, slept_until[8];
static void *(*thread_fn)(void *arg);
static void *thread_arg;

uint64_t vdev_clock_ns(void)
{
    return clock_ns += 7; /* time passes */
}

int vdev_thread_sleep_until(uint64_t when_ns)
{
    if (!seconds)
        return ECANCELED;
    slept_until[--seconds] = when_ns;
    return EOK;
}

int vdev_thread_create(vdev_t *v, const char *name, vdev_thread_t **thr, const struct vdev_thread_attr *attr,
                       void *(*fn)(void *arg), void *arg)
{
    assert_null(attr);
    assert_string_equal(name, "counter");
    assert_ptr_equal(arg, v);
    if (create_error)
        return create_error;
    thread_fn = fn;
    thread_arg = arg;
    *thr = (vdev_thread_t *)&thread_fn;
    return EOK;
}

void vdev_thread_cancel(vdev_thread_t *thr)
{
    assert_ptr_equal(thr, &thread_fn);
    assert_int_equal(joins, 0);
}

int vdev_thread_join(vdev_thread_t *thr, void **value)
{
    assert_ptr_equal(thr, &thread_fn);
    assert_null(value);
    joins++;
    return EOK;
}

static int option_give(unsigned which, unsigned i, const void *data, uint32_t size)
{
    struct vdev_builder b = { .vdev = &vdev[i], .path = "/vm/trace" };
    struct vdev_option o = { .name = trace_options[which], .data = data, .size = size };
    return trace_startup(&b, VDEV_CTRL_FIRST_OPTIDX + which, &o);
}

static int setup(void **unused)
{
    (void)unused;
    memset(state, 0, sizeof(state));
    operand = lines = joins = 0;
    create_error = EOK;
    move_error = EOK;
    lines_allowed = 8;
    for (unsigned i = 0; i < 2; i++) {
        struct vdev_builder b = { .vdev = &vdev[i], .path = "/vm/trace" };
        vdev[i] = (vdev_t){ .v_device = &state[i], .v_factory = &trace_factory };
        assert_int_equal(trace_startup(&b, VDEV_CTRL_OPTIONS_START, NULL), EOK);
        vdev[i].v_block = (qvm_state_block){ .type = QST_MEMORY, .location = AT, .length = 0x1000 };
    }
    return 0;
}

static const qvm_state_block reg = { .type = QST_CPUREGS, .location = 8, .length = 4 };

static enum vdev_ref_status rd(unsigned i, uint64_t at, uint32_t *value)
{
    qvm_state_block place = { .type = QST_MEMORY, .location = at, .length = 4 };
    enum vdev_ref_status status = trace_factory.vread(&vdev[i], 0, &place, &reg, NULL);
    assert_int_equal(vdev[i].v_mtx.next, vdev[i].v_mtx.owner);
    *value = operand;
    return status;
}

static enum vdev_ref_status wr(unsigned i, uint64_t at, uint32_t value)
{
    qvm_state_block place = { .type = QST_MEMORY, .location = at, .length = 4 };
    operand = value;
    enum vdev_ref_status status = trace_factory.vwrite(&vdev[i], 0, &place, &reg, NULL);
    assert_int_equal(vdev[i].v_mtx.next, vdev[i].v_mtx.owner);
    return status;
}

static uint32_t word(unsigned i)
{
    uint32_t value;
    operand = 0xdead;
    assert_int_equal(rd(i, AT, &value), VRS_NORMAL);
    return value;
}

static void test_factory(void **unused)
{
    struct vdev_builder b = { .vdev = &vdev[0] };
    (void)unused;
    assert_int_equal(trace_factory.acc_sizes, BIT(4));
    assert_int_equal(trace_factory.factory_flags, VFF_VDEV_MEM | VFF_INTR_NO | VFF_MUTEX);
    assert_int_equal(trace_startup(&b, VDEV_CTRL_OPTIONS_START, NULL), EOK);
    assert_int_equal(vdev[0].v_block.length, 4);
    assert_int_equal(trace_startup(&b, VDEV_CTRL_PCI_BARS, NULL), EOK);
    assert_int_equal(trace_control(&vdev[0], 99, NULL), EOK);
}

static void test_word_of_each(void **unused)
{
    (void)unused;
    assert_int_equal(word(0), 0);
    assert_int_equal(wr(0, AT, 0x12345678), VRS_NORMAL);
    assert_int_equal(wr(1, AT, 0x87654321), VRS_NORMAL);
    assert_int_equal(word(0), 0x12345678);
    assert_int_equal(word(1), 0x87654321);
}

static void test_nothing_behind_the_word(void **unused)
{
    uint32_t value;
    (void)unused;
    assert_int_equal(rd(0, AT + 4, &value), VRS_BUS_ERROR);
    assert_int_equal(wr(0, AT + 4, 1), VRS_BUS_ERROR);
    assert_int_equal(word(0), 0);
}

static void test_data_that_cannot_be_moved(void **unused)
{
    uint32_t value;
    (void)unused;
    wr(0, AT, 7);
    move_error = EIO;
    assert_int_equal(wr(0, AT, 8), VRS_BUS_ERROR);
    assert_int_equal(rd(0, AT, &value), VRS_BUS_ERROR);
    move_error = EOK;
    assert_int_equal(word(0), 7);
}

static void test_logger(void **unused)
{
    (void)unused;
    wr(0, AT, 1);
    assert_int_equal(lines, 0);
    assert_int_equal(option_give(OPTION_EMIT_LOGGER, 0, "", 0), EOK);
    wr(0, AT, 0xabc);
    assert_string_equal(last_line, "the word is 0xabc");
    wr(1, AT, 2);
    for (unsigned i = 0; i < 100; i++)
        wr(0, AT, i);
    assert_int_equal(lines, lines_allowed);
    assert_int_equal(word(0), 99);
}

static void test_options(void **unused)
{
    uint32_t code = 17;
    (void)unused;
    assert_int_equal(option_give(OPTION_EMIT_LOGGER, 0, "x", 2), EINVAL);
    assert_string_equal(last_line, "/vm/trace: armature,emit-logger takes no value");
    assert_int_equal(option_give(OPTION_EMIT_TRACE, 0, &code, 2), EINVAL);
    assert_int_equal(option_give(OPTION_EMIT_TRACE, 0, &code, 4), EOK);
    wr(0, AT, 5);
    assert_int_equal(trace_control(&vdev[0], VDEV_CTRL_STATUS, NULL), EOK);
    assert_string_equal(last_line, "the word is 0x5; trace code 17");
    assert_int_equal(trace_control(&vdev[1], VDEV_CTRL_STATUS, NULL), EOK);
    assert_string_equal(last_line, "the word is 0x0");
}

static void test_counts_seconds(void **unused)
{
    (void)unused;
    option_give(OPTION_EMIT_LOGGER, 0, "", 0);
    wr(0, AT, 0xfffffffe);
    assert_int_equal(trace_control(&vdev[0], VDEV_CTRL_GUEST_STARTING, NULL), EOK);
    assert_ptr_equal(thread_arg, &vdev[0]);
    seconds = 3;
    assert_null(thread_fn(thread_arg));
    assert_int_equal(word(0), 1);
    assert_int_equal(word(1), 0);
    assert_string_equal(last_line, "counted to 0x1");
    assert_int_equal(slept_until[0] - slept_until[1], 1000000000); /* no drift */
    assert_int_equal(trace_control(&vdev[0], VDEV_CTRL_TERMINATE, NULL), EOK);
    assert_int_equal(joins, 1);
}

static void test_no_thread_to_be_had(void **unused)
{
    (void)unused;
    create_error = EAGAIN;
    assert_int_equal(trace_control(&vdev[0], VDEV_CTRL_GUEST_STARTING, NULL), EAGAIN);
    assert_int_equal(trace_control(&vdev[0], VDEV_CTRL_TERMINATE, NULL), EOK);
    assert_int_equal(joins, 0);
}

static void test_reset_is_as_at_startup(void **unused)
{
    (void)unused;
    option_give(OPTION_EMIT_LOGGER, 0, "", 0);
    wr(0, AT, 1);
    wr(1, AT, 1);
    assert_int_equal(trace_control(&vdev[0], VDEV_CTRL_RESET, NULL), EOK);
    assert_int_equal(word(0), 0);
    assert_int_equal(word(1), 1);
    assert_true(state[0].emit_logger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_factory, setup),
        cmocka_unit_test_setup(test_word_of_each, setup),
        cmocka_unit_test_setup(test_nothing_behind_the_word, setup),
        cmocka_unit_test_setup(test_data_that_cannot_be_moved, setup),
        cmocka_unit_test_setup(test_logger, setup),
        cmocka_unit_test_setup(test_options, setup),
        cmocka_unit_test_setup(test_counts_seconds, setup),
        cmocka_unit_test_setup(test_no_thread_to_be_had, setup),
        cmocka_unit_test_setup(test_reset_is_as_at_startup, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
