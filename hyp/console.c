/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include "arch/arm64/mmu.h"
#include "hyp/console_core.h"
#include "hyp/machine.h"
#include "hyp/platform_parts.h"
#include "hyp/pool.h"
#include "hyp/results.h"

struct console console;

static struct log_limit overrun_limit;

static __startup int uart_attach(const struct platform_uart *u)
{
    const struct uart_driver *driver = uart_driver_find(u->compatible);
    const char *missing = uart_driver_missing(u->compatible);
    if (!driver && missing)
        return error_at(-ENODEV, "%s: the driver for a UART \"%s\" is not built in: %s", u->path, u->compatible,
                        missing);
    if (!driver)
        return error_at(-ENODEV, "%s: no driver for a UART \"%s\"", u->path, u->compatible);
    volatile void *regs = mmu_map_device(u->regs.base, u->regs.size);
    if (!regs)
        return -ENODEV;
    console.uart = (struct uart){ .regs = regs, .clock_hz = u->clock_hz, .driver = driver };
    driver->init(&console.uart);
    console.present = true;
    return 0;
}

/* Sends on what was logged before there was anywhere to send it. */
static __startup void log_replay(void)
{
    char line[LOG_LINE];
    uint64_t at = 0, end = log_ring_end(), lost = 0;
    while (console.log_to_results && at < end) {
        int n = log_ring_next(&at, line, &lost);
        if (n >= 0 && (log_severity_of(line, (size_t)n) & log_filter()))
            results_log(line, (size_t)n);
    }
    lock_acquire(&console.lock);
    console.log_at = console.log_to_uart ? 0 : end;
    console.log_until = console.log_to_uart ? UINT64_MAX : end;
    output_flush();
    lock_release(&console.lock);
}

static __startup void options_apply(const struct boot_options *o)
{
    console.raw = o->console == CONSOLE_RAW;
    console.log_to_uart = o->log_to == LOG_TO_UART && !console.raw;
    console.log_to_results = o->log_to == LOG_TO_RESULTS;
    if (o->results == RESULTS_TO_LOG)
        results_to_log();
    memcpy(console.marker, o->marker, sizeof(console.marker));
    log_filter_set(o->log_filter);
    log_replay();
}

void console_early(void)
{
    struct early_uart early = platform_early_uart();
    const char *compatible = early_uart_compatible(early.kind);
    const struct uart_driver *driver = compatible ? uart_driver_find(compatible) : NULL;
    volatile void *regs = driver ? mmu_map_device(PA(early.address), PAGE_SIZE) : NULL;
    if (regs)
        console.uart = (struct uart){ .regs = regs, .clock_hz = early.clock_hz, .driver = driver };
}

int console_init(const struct platform *p)
{
    const struct platform_uart *u = &p->uart;
    int err = -ENODEV;
    lock_rank(&console.lock, LOCK_CONSOLE, 0);
    ring_init(&console.text, console.text_bytes, CONSOLE_TEXT);
    if (u->present)
        err = uart_attach(u);
    else
        log_error("/chosen: stdout-path: no usable UART, so there is no console");
    if (err)
        console_fall_back();
    if (p->results.present && results_init(&p->results))
        log_warn("%s: there is no results channel", p->results.path);
    options_apply(&p->options);
    return err;
}

bool console_port_exists(const char *name)
{
    for (unsigned i = 0; i < console.port_count; i++)
        if (!strcmp(console.ports[i]->name, name))
            return true;
    return false;
}

struct console_port *console_port_create(const char *name, const struct console_client *client)
{
    if (console.port_count == CONSOLE_MAX_PORTS) {
        log_error("%s: more than %d consoles", name, CONSOLE_MAX_PORTS);
        return NULL;
    }
    struct console_port *p = hyp_alloc(sizeof(*p), _Alignof(struct console_port));
    if (!p)
        return NULL;
    strncpy(p->name, name, sizeof(p->name) - 1);
    p->client = *client;
    ring_init(&p->in, p->in_bytes, CONSOLE_INPUT);
    ring_init(&p->out, p->out_bytes, CONSOLE_OUTPUT);
    lock_acquire(&console.lock);
    p->index = console.port_count;
    console.ports[console.port_count++] = p;
    if (!p->index)
        console.front = p;
    lock_release(&console.lock);
    return p;
}

unsigned console_ports(void)
{
    return console.port_count;
}

void console_ports_forget(unsigned first)
{
    lock_acquire(&console.lock);
    console.port_count = first;
    if (!first)
        console.front = NULL;
    lock_release(&console.lock);
}

void console_start(void)
{
    lock_acquire(&console.lock);
    output_flush();
    if (console.marker[0]) {
        text_line_start();
        text_format("%s\n", console.marker);
    }
    if (!console.raw && console.front)
        front_set(console.front);
    output_flush();
    console.started = true;
    interrupts_update();
    lock_release(&console.lock);
}

size_t console_read(struct console_port *p, void *data, size_t n)
{
    lock_acquire(&console.lock);
    size_t got = ring_pull(&p->in, data, n);
    if (got)
        interrupts_update();
    lock_release(&console.lock);
    return got;
}

size_t console_available(struct console_port *p)
{
    lock_acquire(&console.lock);
    size_t n = ring_used(&p->in);
    lock_release(&console.lock);
    return n;
}

/* Clients take their own locks, which come before the console's: so they are told without it. */
static void events_deliver(const struct console_events *ev)
{
    for (unsigned i = 0; i < console.port_count && ev->input | ev->output | ev->line_break; i++) {
        const struct console_client *client = &console.ports[i]->client;
        if (ev->line_break & BIT(i))
            client->line_break(client->ctx);
        if (ev->input & BIT(i))
            client->input_ready(client->ctx);
        if (ev->output & BIT(i))
            client->output_ready(client->ctx);
    }
    if (ev->overruns)
        log_limited(&overrun_limit, LOG_WARN, "the UART overran: input was lost (%lu times)",
                    (unsigned long)__atomic_load_n(&console.overruns, __ATOMIC_RELAXED));
    if (ev->has_command)
        command_run(ev->command);
    if (ev->off)
        machine_off();
}

void console_irq(void *ctx)
{
    (void)ctx;
    struct console_events ev = { 0 };
    if (!console.present)
        return;
    lock_acquire(&console.lock);
    console.uart.driver->irq_ack(&console.uart);
    input_poll(&ev);
    output_pump();
    ev.output = output_ready_ports();
    interrupts_update();
    lock_release(&console.lock);
    events_deliver(&ev);
}
