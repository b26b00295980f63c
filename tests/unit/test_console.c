/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/console.c hyp/console_output.c hyp/console_text.c hyp/console_input.c hyp/console_command.c hyp/log.c hyp/log_ring.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/arm64/mmu.h"
#include "arch/arm64/timer.h"
#include "hyp/console_core.h"
#include "hyp/machine.h"
#include "hyp/platform_parts.h"
#include "hyp/pool.h"
#include "hyp/results.h"

#define KEY "\x1d"

/* The fake UART: sends while there is room, receives what was typed. */
static char sent[1 << 20], typed[16384], results[1 << 20];
static size_t sent_count, typed_first, typed_end, uart_room, results_count;
static bool rx_irq, tx_irq;
static int special; /* a break or an overrun, once */
static jmp_buf machine_ended;

static void fake_init(struct uart *u)
{
    assert_ptr_equal(u, &console.uart);
}

static bool fake_put(struct uart *u, uint8_t byte)
{
    (void)u;
    if (!uart_room)
        return false;
    uart_room--;
    sent[sent_count++] = (char)byte;
    sent[sent_count] = 0;
    return true;
}

static int fake_get(struct uart *u)
{
    (void)u;
    int what = special;
    special = 0;
    if (what)
        return what;
    return typed_first < typed_end ? (uint8_t)typed[typed_first++] : -1;
}

static void fake_irq_enable(struct uart *u, bool rx, bool tx)
{
    (void)u;
    rx_irq = rx;
    tx_irq = tx;
}

static void fake_irq_ack(struct uart *u)
{
    (void)u;
}

static bool fake_idle(struct uart *u)
{
    (void)u;
    return true;
}

static const struct uart_driver fake_driver = {
    "fake", fake_init, fake_put, fake_get, fake_irq_enable, fake_irq_ack, fake_idle,
};

const struct uart_driver *uart_driver_find(const char *compatible)
{
    return strcmp(compatible, "fake") ? NULL : &fake_driver;
}

struct early_uart platform_early_uart(void)
{
    return (struct early_uart){ .kind = EARLY_PL011 };
}

const char *early_uart_compatible(enum early_kind kind)
{
    return kind == EARLY_PL011 ? "fake" : NULL;
}

const char *uart_driver_missing(const char *compatible)
{
    return strcmp(compatible, "left,out") ? NULL : "CONFIG_UART_LEFT_OUT";
}

volatile void *mmu_map_device(pa_t pa, uint64_t size)
{
    (void)size;
    (void)pa;
    return sent;
}

static struct console_port *allocated[CONSOLE_MAX_PORTS];
static unsigned allocated_count;

void *hyp_alloc(size_t bytes, size_t align)
{
    (void)align;
    return allocated[allocated_count++] = calloc(1, bytes);
}

uint64_t timer_now(void)
{
    return 1500000;
}

uint64_t timer_freq(void)
{
    return 1000000;
}

uint64_t timer_ms(uint64_t ms)
{
    return ms * 1000;
}

int results_init(const struct platform_uart *u)
{
    (void)u;
    return 0;
}

void results_log(const char *line, size_t n)
{
    results_count += (size_t)sprintf(results + results_count, "L %.*s\n", (int)n, line);
}

static bool results_in_log;

void results_to_log(void)
{
    results_in_log = true;
}

void machine_off(void)
{
    assert_int_equal(console.lock.next, console.lock.owner);
    longjmp(machine_ended, 1);
}

static char paused[32]; /* "pause NAME" or "resume NAME" as last asked for */
const char *machine_vm_pause(const char *name, bool pause)
{
    snprintf(paused, sizeof(paused), "%s %s", pause ? "pause" : "resume", name);
    return "done";
}

const char *machine_vm_status(const char *name)
{
    if (strcmp(name, "linux"))
        return "no such VM";
    log_info("linux is well");
    return NULL;
}

const char *machine_vm_button(const char *name)
{
    snprintf(paused, sizeof(paused), "button %s", name);
    return "done";
}

void machine_status(void)
{
    log_info("all is well");
}

/* What a guest's UART does, as much as the tests need. */
struct fake_client {
    struct console_port *port;
    unsigned inputs, outputs, breaks;
};

static void told(void)
{
    assert_int_equal(console.lock.next, console.lock.owner);
}

static void client_input(void *ctx)
{
    told();
    ((struct fake_client *)ctx)->inputs++;
}

static void client_output(void *ctx)
{
    told();
    ((struct fake_client *)ctx)->outputs++;
}

static void client_break(void *ctx)
{
    told();
    ((struct fake_client *)ctx)->breaks++;
}

static struct fake_client vm[3];
static struct platform machine;

static void vm_create(unsigned i, const char *name)
{
    const struct console_client client = { client_input, client_output, client_break, &vm[i] };
    vm[i].port = console_port_create(name, &client);
    assert_non_null(vm[i].port);
}

static void sent_forget(void)
{
    sent_count = 0;
    sent[0] = 0;
}

static void irq(void)
{
    console_irq(NULL);
    assert_int_equal(console.lock.next, console.lock.owner);
}

static void type_bytes(const char *text, size_t n)
{
    memcpy(typed + typed_end, text, n);
    typed_end += n;
    for (unsigned i = 0; i < 1000 && rx_irq && typed_first < typed_end; i++)
        irq();
    if (typed_first == typed_end)
        typed_first = typed_end = 0;
}

static void type(const char *text)
{
    type_bytes(text, strlen(text));
}

static void start(int mode, int log_to)
{
    machine.uart = (struct platform_uart){ .path = "/serial", .compatible = "fake", .present = true };
    machine.options = (struct boot_options){ .log_filter = LOG_DEFAULT, .marker = "" };
    machine.options.console = mode;
    machine.options.log_to = log_to;
    assert_int_equal(console_init(&machine), 0);
    vm_create(0, "linux");
    vm_create(1, "rtos");
    vm_create(2, "third");
    console_start();
    assert_true(rx_irq);
    sent_forget();
}

static int setup(void **state)
{
    (void)state;
    memset(&console, 0, sizeof(console));
    memset(vm, 0, sizeof(vm));
    memset(&machine, 0, sizeof(machine));
    sent_forget();
    typed_first = typed_end = results_count = 0;
    results[0] = 0;
    uart_room = SIZE_MAX;
    rx_irq = tx_irq = false;
    special = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    while (allocated_count)
        free(allocated[--allocated_count]);
    return 0;
}

static size_t write_text(unsigned i, const char *text)
{
    return console_write(vm[i].port, text, strlen(text));
}

static void read_is(unsigned i, const char *want)
{
    char got[8192];
    size_t n = console_read(vm[i].port, got, sizeof(got) - 1);
    got[n] = 0;
    assert_string_equal(got, want);
}

static void test_escape_decode(void **state)
{
    static const struct {
        uint8_t byte;
        enum escape_kind kind;
        unsigned value;
    } want[] = {
        { ESCAPE_KEY, ESCAPE_BYTE, ESCAPE_KEY },
        { '1', ESCAPE_PORT, 0 },
        { '9', ESCAPE_PORT, 8 },
        { '0', ESCAPE_HYPERVISOR, 0 },
        { 'n', ESCAPE_NEXT, 0 },
        { 'q', ESCAPE_OFF, 0 },
        { '?', ESCAPE_HELP, 0 },
        { 'b', ESCAPE_BREAK, 0 },
        { 'x', ESCAPE_UNKNOWN, 'x' },
        { 0, ESCAPE_UNKNOWN, 0 },
        { 255, ESCAPE_UNKNOWN, 255 },
    };
    bool escape = false;
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        struct escape_key key = escape_decode(&escape, (uint8_t)i);
        assert_int_equal(key.kind, i == ESCAPE_KEY ? ESCAPE_NONE : ESCAPE_BYTE);
        assert_int_equal(escape, i == ESCAPE_KEY);
        escape = false;
    }
    for (unsigned i = 0; i < ARRAY_LEN(want); i++) {
        escape = true;
        struct escape_key key = escape_decode(&escape, want[i].byte);
        assert_int_equal(key.kind, want[i].kind);
        assert_int_equal(key.value, want[i].value);
        assert_false(escape);
    }
}

static void test_mux_front(void **state)
{
    (void)state;
    start(CONSOLE_MUX, LOG_TO_UART);
    assert_int_equal(write_text(0, "hello\r\n"), 7);
    assert_string_equal(sent, "hello\r\n");
    type("ls\r");
    assert_int_equal(vm[0].inputs, 1);
    assert_int_equal(console_available(vm[0].port), 3);
    read_is(0, "ls\r");
    read_is(1, "");
}

static void test_switch_and_kept_output(void **state)
{
    (void)state;
    start(CONSOLE_MUX, LOG_TO_UART);
    assert_int_equal(write_text(1, "one\r\ntwo\r\n> "), 12);
    assert_string_equal(sent, "");
    write_text(0, "$ ");
    type("a" KEY "2b");
    assert_string_equal(sent, "$ \r\n[console: rtos; Ctrl-] ? for help]\r\n[rtos] one\r\n[rtos] two\r\n[rtos] > ");
    read_is(0, "a");
    read_is(1, "b");
    sent_forget();
    write_text(1, "live\r\nmore");
    assert_string_equal(sent, "live\r\nmore");
    sent_forget();
    type(KEY "n");
    assert_string_equal(sent, "\r\n[console: third; Ctrl-] ? for help]\r\n");
    type(KEY "9");
    assert_non_null(strstr(sent, "there is no 9"));
    type(KEY KEY);
    read_is(2, KEY);
    type(KEY "b");
    assert_int_equal(vm[2].breaks, 1);
    special = -2;
    irq();
    assert_int_equal(vm[2].breaks, 2);
}

static void test_kept_output_is_bounded(void **state)
{
    char text[16];
    (void)state;
    start(CONSOLE_MUX, LOG_TO_UART);
    for (unsigned i = 0; i < 1000; i++) {
        sprintf(text, "line %04u\r\n", i);
        assert_int_equal(write_text(1, text), 11);
    }
    type(KEY "2");
    assert_non_null(strstr(sent, "[rtos] (6904 bytes of earlier output lost)\r\n"));
    assert_non_null(strstr(sent, "\r\n[rtos] line 0999\r\n"));
    assert_null(strstr(sent, "line 0500"));
    sent_forget();
    type(KEY "1" KEY "2");
    assert_null(strstr(sent, "lost"));
}

/* Log lines stand between lines, never inside one; a line that is cut for it is told by its end, CR LF CR. */
static void test_log_between_lines(void **state)
{
    (void)state;
    start(CONSOLE_MUX, LOG_TO_UART);
    write_text(0, "# ");
    log_warn("watch out");
    log_warn("and again");
    write_text(0, "x\r\n");
    assert_string_equal(sent, "# \r\n\r[    1.500000] WARN  watch out\r\n[    1.500000] WARN  and again\r\nx\r\n");
    sent_forget();
    log_info("more");
    write_text(0, "y\n\r");
    log_info("yet more");
    assert_string_equal(sent, "[    1.500000] INFO  more\r\ny\n\r\r\n\r[    1.500000] INFO  yet more\r\n");
}

static void test_log_elsewhere(void **state)
{
    (void)state;
    start(CONSOLE_MUX, LOG_TO_RESULTS);
    log_info("a line");
    assert_string_equal(sent, "");
    assert_non_null(strstr(results, "L [    1.500000] INFO  a line\n"));
    log_debug("filtered");
    assert_null(strstr(results, "filtered"));
}

static void test_early_lines_are_replayed(void **state)
{
    char *first;
    (void)state;
    log_filter_set(~0u);
    log_info("before there was a console");
    log_debug("debug before");
    machine.uart = (struct platform_uart){ .path = "/serial", .compatible = "fake", .present = true };
    machine.options.log_filter = LOG_DEFAULT;
    strcpy(machine.options.marker, "MARK");
    machine.options.results = RESULTS_TO_LOG;
    assert_int_equal(console_init(&machine), 0);
    assert_true(results_in_log);
    first = strstr(sent, "INFO  before there was a console\r\n");
    assert_non_null(first);
    assert_null(strstr(sent, "debug before"));
    log_info("behind");
    assert_non_null(strstr(first, "INFO  behind\r\n"));
    sent_forget();
    console_start();
    assert_string_equal(sent, "MARK\r\n");
}

static void test_no_uart(void **state)
{
    (void)state;
    machine.uart = (struct platform_uart){ .path = "/serial", .compatible = "other", .present = true };
    assert_int_equal(console_init(&machine), -ENODEV);
    vm_create(0, "linux");
    console_start();
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(write_text(0, "nobody listens"), 14);
    irq();
    console_drain();
    console_panic_write("x", 1);
    assert_string_equal(sent, "");
}

static void test_raw(void **state)
{
    char all[256];
    (void)state;
    strcpy(machine.options.marker, "M");
    start(CONSOLE_RAW, LOG_TO_UART);
    for (unsigned i = 0; i < 256; i++)
        all[i] = (char)i;
    log_error("not here");
    console_line("nor this");
    assert_int_equal(console_write(vm[0].port, all, 256), 256);
    assert_int_equal(sent_count, 256);
    assert_memory_equal(sent, all, 256);
    type_bytes(all, 256);
    char got[300];
    assert_int_equal(console_read(vm[0].port, got, sizeof(got)), 256);
    assert_memory_equal(got, all, 256);
    console_write(vm[1].port, "x", 1);
    console_drain();
    assert_int_equal(sent_count, 256);
}

/* 4 KiB and more pasted into a guest that does not read: the UART holds the rest, nothing is lost. */
static void test_input_backpressure(void **state)
{
    char text[10000], got[10000];
    size_t n = 0;
    (void)state;
    start(CONSOLE_MUX, LOG_TO_UART);
    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (char)('!' + i % 90);
    type_bytes(text, sizeof(text));
    assert_false(rx_irq);
    assert_int_equal(console_available(vm[0].port), CONSOLE_INPUT);
    assert_int_equal(typed_first, CONSOLE_INPUT);
    while (n < sizeof(text)) {
        size_t some = console_read(vm[0].port, got + n, 7);
        assert_true(some);
        n += some;
        assert_true(rx_irq);
        if (typed_first < typed_end)
            irq();
    }
    assert_memory_equal(got, text, sizeof(text));
    typed_first = typed_end = 0;
    assert_int_equal(console.overruns, 0);
}

static void test_output_backpressure(void **state)
{
    char text[CONSOLE_OUTPUT + 100], got[sizeof(text) + 1];
    (void)state;
    start(CONSOLE_MUX, LOG_TO_UART);
    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (char)('!' + i % 90);
    uart_room = 10;
    assert_int_equal(console_write(vm[0].port, text, sizeof(text)), CONSOLE_OUTPUT + 10);
    assert_true(tx_irq);
    assert_int_equal(console_room(vm[0].port), 0);
    assert_int_equal(console_pending(vm[0].port), CONSOLE_OUTPUT);
    uart_room = 10;
    irq();
    assert_int_equal(vm[0].outputs, 0);
    uart_room = CONSOLE_OUTPUT;
    irq();
    assert_int_equal(vm[0].outputs, 1);
    assert_false(tx_irq);
    assert_int_equal(console_write(vm[0].port, text + CONSOLE_OUTPUT + 10, 90), 90);
    uart_room = SIZE_MAX;
    irq();
    memcpy(got, sent, sizeof(text));
    assert_memory_equal(got, text, sizeof(text));
    irq();
    assert_int_equal(vm[0].outputs, 1);
}

/* A guest held by a full UART is let go when it leaves the front. */
static void test_switch_frees_writer(void **state)
{
    char text[CONSOLE_OUTPUT + 1];
    (void)state;
    start(CONSOLE_MUX, LOG_TO_UART);
    memset(text, 'x', sizeof(text));
    uart_room = 0;
    assert_int_equal(console_write(vm[0].port, text, sizeof(text)), CONSOLE_OUTPUT);
    type(KEY "2");
    assert_int_equal(vm[0].outputs, 1);
    assert_int_equal(console_write(vm[0].port, "y", 1), 1);
    uart_room = SIZE_MAX;
    irq();
    assert_string_equal(sent, "[console: rtos; Ctrl-] ? for help]\r\n");
}

static void test_stuck_uart_stops_nothing(void **state)
{
    (void)state;
    start(CONSOLE_MUX, LOG_TO_UART);
    uart_room = 0;
    for (unsigned i = 0; i < 10000; i++)
        log_info("line %u of many that nobody takes", i);
    console_line("text");
    console_drain();
    console_panic_write("dead\n", 5);
    uart_room = SIZE_MAX;
    irq();
    assert_non_null(strstr(sent, "bytes lost]\r\n"));
    assert_non_null(strstr(sent, "line 9999 of many"));
    sent_forget();
    console_panic_write("dead\n", 5);
    assert_string_equal(sent, "dead\r\n");
}

static void test_overrun(void **state)
{
    (void)state;
    start(CONSOLE_MUX, LOG_TO_UART);
    special = -3;
    type("x");
    assert_int_equal(console.overruns, 1);
    assert_non_null(strstr(sent, "WARN  the UART overran"));
    read_is(0, "x");
}

static void test_hypervisor_commands(void **state)
{
    (void)state;
    start(CONSOLE_MUX, LOG_TO_RING);
    write_text(1, "12345");
    type(KEY "0");
    assert_string_equal(sent, "[console: hypervisor; Ctrl-] ? for help]\r\narmature> ");
    sent_forget();
    type("vmx\x7fs\r");
    assert_non_null(strstr(sent, "vmx\b \bs\r\n1 linux"));
    assert_non_null(strstr(sent, "2 rtos                 output kept 5, lost 0; input waiting 0\r\n"));
    assert_string_equal(sent + sent_count - 10, "armature> ");
    sent_forget();
    type("help\r");
    assert_non_null(strstr(sent, "status   VMs"));
    sent_forget();
    type("what now\r");
    assert_non_null(strstr(sent, "what now: no such command"));
    sent_forget();
    type("status\r");
    assert_string_equal(sent, "status\r\n[    1.500000] INFO  all is well\r\narmature> ");
    sent_forget();
    type("status linux\r");
    assert_string_equal(sent, "status linux\r\n[    1.500000] INFO  linux is well\r\narmature> ");
    sent_forget();
    type("status linus\r");
    assert_string_equal(sent, "status linus\r\nvm linus: no such VM\r\narmature> ");
    sent_forget();
    type("button rtos\r");
    assert_string_equal(paused, "button rtos");
    assert_string_equal(sent, "button rtos\r\nvm rtos: done\r\narmature> ");
    type("pause  linux\r");
    assert_string_equal(paused, "pause linux");
    type("resume linux\r");
    assert_string_equal(paused, "resume linux");
    sent_forget();
    type("\r\r");
    assert_string_equal(sent, "\r\narmature> \r\narmature> ");
    log_info("kept quiet");
    sent_forget();
    type("log\r");
    assert_non_null(strstr(sent, "INFO  kept quiet\r\n"));
    type(KEY "n");
    assert_ptr_equal(console.front, vm[0].port);
    type("to the guest");
    read_is(0, "to the guest");
}

static void test_long_command(void **state)
{
    (void)state;
    start(CONSOLE_MUX, LOG_TO_RING);
    type(KEY "0");
    for (unsigned i = 0; i < 500; i++)
        type("y");
    type("\r");
    assert_non_null(strstr(sent, "no such command"));
}

static void test_power_off(void **state)
{
    (void)state;
    start(CONSOLE_MUX, LOG_TO_RING);
    if (!setjmp(machine_ended)) {
        type(KEY "q");
        fail();
    }
    typed_first = typed_end = 0;
}

static void test_drain_shows_all(void **state)
{
    (void)state;
    start(CONSOLE_MUX, LOG_TO_RING);
    write_text(1, "last words\r\n");
    write_text(2, "no end");
    console_drain();
    assert_string_equal(sent, "[rtos] last words\r\n[third] no end");
}

static void test_ports_are_bounded(void **state)
{
    const struct console_client client = { client_input, client_output, client_break, NULL };
    (void)state;
    start(CONSOLE_MUX, LOG_TO_RING);
    assert_true(console_port_exists("rtos"));
    assert_false(console_port_exists("rto"));
    for (unsigned i = 3; i < CONSOLE_MAX_PORTS; i++)
        assert_non_null(console_port_create("a name much longer than the console keeps for it", &client));
    assert_null(console_port_create("one more", &client));
    assert_int_equal(strlen(console.ports[5]->name), CONSOLE_NAME - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_escape_decode),
        TEST(test_mux_front),
        TEST(test_switch_and_kept_output),
        TEST(test_kept_output_is_bounded),
        TEST(test_log_between_lines),
        TEST(test_log_elsewhere),
        TEST(test_early_lines_are_replayed),
        TEST(test_no_uart),
        TEST(test_raw),
        TEST(test_input_backpressure),
        TEST(test_output_backpressure),
        TEST(test_switch_frees_writer),
        TEST(test_stuck_uart_stops_nothing),
        TEST(test_overrun),
        TEST(test_hypervisor_commands),
        TEST(test_long_command),
        TEST(test_power_off),
        TEST(test_drain_shows_all),
        TEST(test_ports_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
