/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/regs.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "vdevs/pl011.c"

/* The fake back end. */
static uint8_t input[8192], output[8192];
static size_t input_first, input_end, output_count, output_room;
/* The fake interrupt controller. */
static bool line_level;
static unsigned line_changes;
/* The device. */
static struct pl011 device;
static vdev_t vdev;

void log_line(enum log_severity sev, const char *fmt, ...)
{
    (void)sev;
    (void)fmt;
}

int guest_intr_signal(const struct guest_intr *gip, enum guest_intr_state state)
{
    assert_ptr_equal(gip, &vdev.v_intr);
    assert_int_not_equal(vdev.v_mtx.next, vdev.v_mtx.owner);
    assert_int_not_equal(line_level, state == GIS_ON);
    line_level = state == GIS_ON;
    line_changes++;
    return EOK;
}

int cdev_setup(struct vdev_builder *b, struct cdev_state *cs, cdev_notify notify)
{
    cs->vdev = b->vdev;
    cs->notify = notify;
    return EOK;
}

int cdev_startup(struct vdev_builder *b, struct cdev_state *cs, unsigned ctrl, const void *arg)
{
    (void)b;
    (void)cs;
    (void)ctrl;
    (void)arg;
    return EOK;
}

static char report[160];
int qvm_report(const vdev_t *v, const char *fmt, ...)
{
    va_list ap;
    (void)v;
    va_start(ap, fmt);
    vsnprintf(report, sizeof(report), fmt, ap);
    va_end(ap);
    return EOK;
}

int cdev_control(struct cdev_state *cs, unsigned ctrl, const void *arg)
{
    (void)cs;
    (void)ctrl;
    (void)arg;
    return EOK;
}

size_t cdev_read(struct cdev_state *cs, void *data, size_t n)
{
    size_t i = 0;
    (void)cs;
    for (; i < n && input_first < input_end; i++)
        ((uint8_t *)data)[i] = input[input_first++];
    return i;
}

size_t cdev_write(struct cdev_state *cs, const void *data, size_t n)
{
    size_t i = 0;
    (void)cs;
    for (; i < n && output_room; i++, output_room--)
        output[output_count++ % sizeof(output)] = ((const uint8_t *)data)[i];
    return i;
}

/* What the dispatcher does with the table. */
static uint64_t access_read(uint32_t offset, unsigned size)
{
    const struct reg *row = reg_find(&pl011_regs, offset);
    if (!row || !(row->sizes & BIT(size)))
        return 0;
    struct reg_access a = {
        .vdev = &vdev, .offset = offset, .index = (offset - row->offset) / row->stride, .size = (uint8_t)size
    };
    return row->read(&a) & (~UINT64_C(0) >> (64 - 8 * size));
}

static void access_write(uint32_t offset, unsigned size, uint64_t value)
{
    const struct reg *row = reg_find(&pl011_regs, offset);
    if (!row || !(row->sizes & BIT(size)) || !row->write)
        return;
    struct reg_access a = {
        .vdev = &vdev, .offset = offset, .index = (offset - row->offset) / row->stride, .size = (uint8_t)size
    };
    row->write(&a, value & (~UINT64_C(0) >> (64 - 8 * size)));
    assert_int_equal(vdev.v_mtx.next, vdev.v_mtx.owner);
}

static uint64_t rd(uint32_t offset)
{
    return access_read(offset, 4);
}

static void wr(uint32_t offset, uint64_t value)
{
    access_write(offset, 4, value);
}

static void type(const void *text, size_t n)
{
    if (input_first == input_end)
        input_first = input_end = 0;
    memcpy(input + input_end, text, n);
    input_end += n;
    pl011_notify(&vdev, CDEV_EVENT_INPUT);
}

static void room(size_t n)
{
    output_room = n;
    pl011_notify(&vdev, CDEV_EVENT_OUTPUT);
}

static int setup(void **state)
{
    (void)state;
    struct vdev_builder b = { .vdev = &vdev };
    memset(&device, 0, sizeof(device));
    vdev = (vdev_t){ .v_device = &device, .v_factory = &pl011_factory };
    input_first = input_end = output_count = line_changes = 0;
    output_room = 1000000;
    line_level = false;
    return pl011_startup(&b, VDEV_CTRL_OPTIONS_START, NULL);
}

/* Enabled, 8 bits, FIFOs on: as drivers leave it. */
static int setup_enabled(void **state)
{
    int err = setup(state);
    wr(UARTLCR_H, UARTLCR_H_WLEN_8 | UARTLCR_H_FEN);
    wr(UARTCR, UARTCR_UARTEN | UARTCR_TXE | UARTCR_RXE);
    return err;
}

static void test_table(void **state)
{
    (void)state;
    assert_int_equal(reg_table_check(&pl011_regs, "pl011"), 0);
    assert_int_equal(vdev.v_block.length, 0x1000);
    assert_int_equal(vdev.v_block.type, QST_MEMORY);
}

static void test_reset_values(void **state)
{
    static const uint32_t want[][2] = {
        { UARTRSR, 0 },    { UARTFR, 0x90 },   { UARTILPR, 0 }, { UARTIBRD, 0 }, { UARTFBRD, 0 }, { UARTLCR_H, 0 },
        { UARTCR, 0x300 }, { UARTIFLS, 0x12 }, { UARTIMSC, 0 }, { UARTRIS, 0 },  { UARTMIS, 0 },  { UARTDMACR, 0 },
        { 0xfe0, 0x11 },   { 0xfe4, 0x10 },    { 0xfe8, 0x14 }, { 0xfec, 0x00 }, { 0xff0, 0x0d }, { 0xff4, 0xf0 },
        { 0xff8, 0x05 },   { 0xffc, 0xb1 },    { 0x08, 0 },     { 0x1c, 0 },     { UARTICR, 0 },  { 0x800, 0 },
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(want); i++)
        assert_int_equal(rd(want[i][0]), want[i][1]);
}

static void test_status(void **state)
{
    (void)state;
    type("abc", 3);
    rd(UARTDR);
    wr(UARTDR, 'x');
    room(0);
    for (unsigned i = 0; i < 18; i++)
        wr(UARTDR, 'y'); /* 16 go into the FIFO */
    report[0] = 0;
    assert_int_equal(pl011_control(&vdev, VDEV_CTRL_STATUS, NULL), EOK);
    assert_string_equal(report, "received 3, lost 0, in FIFO 2; sent 1, lost 2, in FIFO 16; interrupts 0x40 of 0x0");
    room(10);
    wr(UARTIMSC, 0x7ff);
    pl011_control(&vdev, VDEV_CTRL_STATUS, NULL);
    assert_string_equal(report, "received 3, lost 0, in FIFO 2; sent 11, lost 2, in FIFO 6; interrupts 0x60 of 0x7ff");
    assert_int_equal(vdev.v_mtx.next, vdev.v_mtx.owner);
    pl011_control(&vdev, VDEV_CTRL_RESET, NULL);
    pl011_control(&vdev, VDEV_CTRL_STATUS, NULL);
    assert_string_equal(report, "received 0, lost 0, in FIFO 0; sent 0, lost 0, in FIFO 0; interrupts 0x0 of 0x0");
}

static void test_writable_bits(void **state)
{
    static const uint32_t want[][2] = {
        { UARTILPR, 0xff }, { UARTIBRD, 0xffff }, { UARTFBRD, 0x3f },  { UARTLCR_H, 0xff },
        { UARTCR, 0xff87 }, { UARTIFLS, 0x3f },   { UARTIMSC, 0x7ff }, { UARTDMACR, 0 },
        { UARTMIS, 0 },     { 0xfe0, 0x11 },      { 0x0c, 0 },         { 0x1c, 0 },
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(want); i++) {
        setup(NULL);
        wr(want[i][0], 0xffffffff);
        assert_int_equal(rd(want[i][0]), want[i][1]);
    }
}

static void test_narrow_accesses(void **state)
{
    (void)state;
    access_write(UARTIBRD, 2, 0x1234);
    assert_int_equal(access_read(UARTIBRD, 1), 0x34);
    assert_int_equal(access_read(UARTIBRD + 1, 1), 0x12);
    assert_int_equal(access_read(UARTIBRD + 2, 2), 0);
    access_write(UARTIBRD + 1, 1, 0xff);
    assert_int_equal(rd(UARTIBRD), 0x1234);
    assert_int_equal(access_read(0xfe0, 1), 0x11);
    assert_int_equal(access_read(0xfe1, 1), 0);
    access_write(UARTDR, 1, 'x');
    access_write(UARTDR, 2, 'y');
    assert_memory_equal(output, "xy", 2);
}

/* A guest that sets nothing up, as under the machine this one stands in for. */
static void test_untouched_uart_works(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(rd(UARTFR) & UARTFR_TXFF, 0);
        wr(UARTDR, 'a' + i % 26);
    }
    assert_int_equal(output_count, 100);
    type("seventy characters pasted", 25);
    for (unsigned i = 0; i < 25; i++) {
        assert_int_equal(rd(UARTFR) & UARTFR_RXFE, 0);
        assert_int_equal(rd(UARTDR), "seventy characters pasted"[i]);
    }
    assert_int_equal(rd(UARTFR), UARTFR_RXFE | UARTFR_TXFE);
}

/* The enable bits are kept and hold nothing back. */
static void test_enable_bits(void **state)
{
    (void)state;
    wr(UARTCR, 0);
    wr(UARTDR, 'a');
    type("b", 1);
    assert_int_equal(output_count, 1);
    assert_int_equal(rd(UARTDR), 'b');
    assert_int_equal(rd(UARTCR), 0);
    wr(UARTCR, UARTCR_UARTEN | UARTCR_TXE | UARTCR_RXE);
    assert_int_equal(rd(UARTCR), UARTCR_UARTEN | UARTCR_TXE | UARTCR_RXE);
}

static void test_transmit_full(void **state)
{
    (void)state;
    room(0);
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(rd(UARTFR) & UARTFR_TXFF, 0);
        wr(UARTDR, i);
        assert_int_equal(rd(UARTFR) & (UARTFR_TXFE | UARTFR_BUSY), UARTFR_BUSY);
    }
    assert_int_equal(rd(UARTFR) & UARTFR_TXFF, UARTFR_TXFF);
    wr(UARTDR, 99); /* lost */
    wr(UARTIMSC, UARTINT_TX);
    assert_false(line_level);
    room(7); /* 9 left: above the trigger level of 8 */
    assert_false(line_level);
    room(1);
    assert_true(line_level);
    wr(UARTDR, 16); /* 9 again */
    assert_false(line_level);
    room(100);
    assert_true(line_level);
    assert_int_equal(output_count, 17);
    for (unsigned i = 0; i < 17; i++)
        assert_int_equal(output[i], i);
    assert_int_equal(rd(UARTFR), UARTFR_RXFE | UARTFR_TXFE);
}

/* The transmit interrupt is a transition: enabling it alone raises nothing, clearing it lasts until the next byte left. */
static void test_transmit_interrupt(void **state)
{
    (void)state;
    wr(UARTIMSC, UARTINT_TX);
    assert_false(line_level);
    wr(UARTDR, 'a');
    assert_true(line_level);
    assert_int_equal(rd(UARTMIS), UARTINT_TX);
    wr(UARTICR, UARTINT_TX);
    assert_false(line_level);
    assert_int_equal(rd(UARTRIS), 0);
    wr(UARTDR, 'b');
    assert_true(line_level);
    wr(UARTIMSC, 0);
    assert_false(line_level);
    assert_int_equal(rd(UARTRIS), UARTINT_TX);
    unsigned before = line_changes;
    for (unsigned i = 0; i < 50; i++)
        wr(UARTDR, 'c');
    assert_int_equal(line_changes, before);
}

static void test_receive_levels(void **state)
{
    static const unsigned level[] = { 2, 4, 8, 12, 14, 14, 14, 14 };
    (void)state;
    for (unsigned select = 0; select < 8; select++) {
        setup_enabled(NULL);
        wr(UARTIFLS, field_make(UARTIFLS_RX, select));
        wr(UARTIMSC, UARTINT_RX);
        for (unsigned i = 1; i <= 16; i++) {
            type("x", 1);
            assert_int_equal(line_level, i >= level[select]);
        }
        assert_int_equal(rd(UARTFR) & UARTFR_RXFF, UARTFR_RXFF);
        for (unsigned i = 16; i; i--) {
            assert_int_equal(line_level, i >= level[select]);
            rd(UARTDR);
        }
        assert_false(line_level);
    }
}

/* Below the level the time-out tells, until all is read. */
static void test_receive_time_out(void **state)
{
    (void)state;
    wr(UARTIMSC, UARTINT_RT | UARTINT_RX);
    type("ab", 2);
    assert_int_equal(rd(UARTMIS), UARTINT_RT);
    assert_true(line_level);
    assert_int_equal(rd(UARTDR), 'a');
    assert_true(line_level);
    assert_int_equal(rd(UARTDR), 'b');
    assert_false(line_level);
    type("cd", 2);
    wr(UARTICR, UARTINT_RT);
    assert_false(line_level);
    assert_int_equal(rd(UARTDR), 'c'); /* and 'd' goes on waiting */
    assert_true(line_level);
}

/* As Linux does: mask, clear, drain; more than the FIFO holds comes in one go. */
static void test_paste(void **state)
{
    uint8_t text[4096];
    size_t got = 0;
    (void)state;
    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 7 + i / 256);
    wr(UARTIMSC, UARTINT_RT | UARTINT_RX);
    for (unsigned n = 0; n < sizeof(text); n += 64)
        type(text + n, 64);
    while (line_level) {
        wr(UARTICR, rd(UARTRIS) & ~(uint64_t)(UARTINT_RT | UARTINT_RX | UARTINT_TX));
        while (!(rd(UARTFR) & UARTFR_RXFE))
            assert_int_equal(rd(UARTDR), text[got++]);
    }
    assert_int_equal(got, sizeof(text));
    assert_int_equal(rd(UARTRIS) & UARTINT_OE, 0);
}

static void test_one_byte_depth(void **state)
{
    (void)state;
    wr(UARTLCR_H, UARTLCR_H_WLEN_8);
    wr(UARTIMSC, UARTINT_RX | UARTINT_TX);
    type("ab", 2);
    assert_int_equal(rd(UARTFR), UARTFR_RXFF | UARTFR_TXFE);
    assert_int_equal(rd(UARTMIS), UARTINT_RX);
    assert_int_equal(rd(UARTDR), 'a');
    assert_int_equal(rd(UARTMIS), UARTINT_RX);
    assert_int_equal(rd(UARTDR), 'b');
    assert_false(line_level);
    room(0);
    wr(UARTDR, 'x');
    assert_int_equal(rd(UARTFR), UARTFR_RXFE | UARTFR_TXFF | UARTFR_BUSY);
    room(1);
    assert_int_equal(rd(UARTMIS), UARTINT_TX);
}

static void test_fen_cleared_flushes_transmit(void **state)
{
    (void)state;
    room(0);
    wr(UARTDR, 'x');
    type("ab", 2);
    wr(UARTLCR_H, 0);
    assert_int_equal(rd(UARTFR), UARTFR_TXFE | UARTFR_RXFF);
    room(10);
    assert_int_equal(output_count, 0);
    assert_int_equal(rd(UARTDR), 'a');
    assert_int_equal(rd(UARTDR), 'b');
}

static void test_break(void **state)
{
    (void)state;
    wr(UARTIMSC, UARTINT_BE);
    pl011_notify(&vdev, CDEV_EVENT_BREAK);
    assert_true(line_level);
    assert_int_equal(rd(UARTRIS), UARTINT_BE | UARTINT_RT);
    assert_int_equal(rd(UARTRSR), 0);
    assert_int_equal(rd(UARTDR), UARTDR_BE);
    assert_int_equal(rd(UARTRSR), 4);
    wr(UARTRSR, 0xff);
    assert_int_equal(rd(UARTRSR), 0);
    wr(UARTICR, UARTINT_BE);
    assert_false(line_level);
    assert_int_equal(rd(UARTRIS), 0);
}

static void test_loopback(void **state)
{
    (void)state;
    wr(UARTCR, UARTCR_UARTEN | UARTCR_TXE | UARTCR_RXE | UARTCR_LBE | UARTCR_RTS | UARTCR_DTR);
    assert_int_equal(rd(UARTFR), UARTFR_TXFE | UARTFR_RXFE | UARTFR_CTS | UARTFR_DSR);
    assert_int_equal(rd(UARTRIS), UARTINT_CTS | UARTINT_DSR);
    wr(UARTICR, 0x7ff);
    wr(UARTCR, UARTCR_UARTEN | UARTCR_TXE | UARTCR_RXE | UARTCR_LBE | UARTCR_OUT1 | UARTCR_OUT2);
    assert_int_equal(rd(UARTFR) & 0x107, UARTFR_DCD | UARTFR_RI);
    assert_int_equal(rd(UARTRIS), 0xf);
    wr(UARTICR, 0x7ff);
    type("not seen", 8);
    assert_int_equal(rd(UARTFR) & UARTFR_RXFE, UARTFR_RXFE);
    for (unsigned i = 0; i < 17; i++)
        wr(UARTDR, 'a' + i);
    assert_int_equal(output_count, 0);
    assert_int_equal(rd(UARTRIS), UARTINT_OE | UARTINT_RX | UARTINT_TX | UARTINT_RT);
    assert_int_equal(rd(UARTRSR), UARTRSR_OE);
    assert_int_equal(rd(UARTDR), 'a' | UARTDR_OE);
    wr(UARTLCR_H, UARTLCR_H_FEN | UARTLCR_H_BRK);
    for (unsigned i = 1; i < 16; i++)
        assert_int_equal(rd(UARTDR), 'a' + i);
    assert_int_equal(rd(UARTDR), UARTDR_BE);
    wr(UARTCR, UARTCR_UARTEN | UARTCR_TXE | UARTCR_RXE);
    assert_int_equal(rd(UARTDR), 'n');
}

static void test_reset(void **state)
{
    struct cdev_state before = device.cdev;
    (void)state;
    wr(UARTIMSC, 0x7ff);
    room(0);
    for (unsigned i = 0; i < 20; i++)
        wr(UARTDR, 'x');
    type("0123456789abcdefghi", 19);
    assert_true(line_level);
    assert_int_equal(pl011_control(&vdev, VDEV_CTRL_RESET, NULL), EOK);
    assert_false(line_level);
    assert_memory_equal(&device.cdev, &before, sizeof(before));
    assert_int_equal(rd(UARTCR), 0x300);
    assert_int_equal(rd(UARTIMSC), 0);
    assert_int_equal(rd(UARTDR), 'g');
    room(1);
    assert_int_equal(output_count, 0);
    assert_int_equal(pl011_control(&vdev, 999, NULL), EOK);
}

static uint32_t random_next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* Whatever a guest does: flags, masked status and line agree with the FIFOs, and nothing runs over. */
static void test_random(void **state)
{
    uint32_t seed = 2026;
    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        uint32_t r = random_next(&seed), offset = random_next(&seed) % 24 * 4;
        if (r % 16 == 0 && input_end - input_first < 1000)
            type("0123456789", r / 16 % 11);
        else if (r % 16 == 1)
            room(r / 16 % 20);
        else if (r % 16 == 2)
            pl011_notify(&vdev, CDEV_EVENT_BREAK);
        else if (r % 512 == 3)
            pl011_reset(&vdev);
        else if (r & 16)
            access_write(offset + (r & 32 ? 0 : r % 4), 1u << r % 3, random_next(&seed));
        else
            access_read(offset, 4);
        uint64_t fr = rd(UARTFR);
        assert_true(device.rx.count <= FIFO_DEPTH && device.tx.count <= FIFO_DEPTH);
        assert_int_equal(!!(fr & UARTFR_RXFE), !device.rx.count);
        assert_int_equal(!!(fr & UARTFR_TXFE), !device.tx.count);
        assert_int_equal(rd(UARTMIS), rd(UARTRIS) & rd(UARTIMSC));
        assert_int_equal(line_level, rd(UARTMIS) != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_table, setup),
        cmocka_unit_test_setup(test_reset_values, setup),
        cmocka_unit_test_setup(test_writable_bits, setup),
        cmocka_unit_test_setup(test_narrow_accesses, setup),
        cmocka_unit_test_setup(test_untouched_uart_works, setup),
        cmocka_unit_test_setup(test_enable_bits, setup),
        cmocka_unit_test_setup(test_transmit_full, setup_enabled),
        cmocka_unit_test_setup(test_transmit_interrupt, setup_enabled),
        cmocka_unit_test_setup(test_receive_levels, setup_enabled),
        cmocka_unit_test_setup(test_receive_time_out, setup_enabled),
        cmocka_unit_test_setup(test_paste, setup_enabled),
        cmocka_unit_test_setup(test_one_byte_depth, setup_enabled),
        cmocka_unit_test_setup(test_fen_cleared_flushes_transmit, setup_enabled),
        cmocka_unit_test_setup(test_break, setup_enabled),
        cmocka_unit_test_setup(test_loopback, setup_enabled),
        cmocka_unit_test_setup(test_status, setup_enabled),
        cmocka_unit_test_setup(test_reset, setup_enabled),
        cmocka_unit_test_setup(test_random, setup_enabled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
