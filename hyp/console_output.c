/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes to the UART, in this order: the hypervisor's text, the log (whole lines, made into text), the port in front. Nothing
 * waits once the machine runs: what the UART does not take now goes when it interrupts.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "hyp/console_core.h"
#include "hyp/results.h"

#define TEXT_LINE 160

static bool uart_put(uint8_t byte)
{
    return console.uart.driver->put(&console.uart, byte);
}

void text_write(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (ring_room(&console.text) < 2) {
            console.text_lost += n - i;
            return;
        }
        if (s[i] == '\n')
            ring_put(&console.text, '\r');
        ring_put(&console.text, (uint8_t)s[i]);
        console.mid_line = s[i] != '\n';
    }
}

void text_line_start(void)
{
    if (console.mid_line)
        text_write("\n", 1);
}

static void text_vformat(const char *fmt, va_list ap) REQUIRES(console.lock)
{
    char line[TEXT_LINE];
    int n = vsniprintf(line, sizeof(line), fmt, ap);
    if (n > 0)
        text_write(line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

void text_format(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    text_vformat(fmt, ap);
    va_end(ap);
}

static bool log_waits(void) REQUIRES(console.lock)
{
    uint64_t end = log_ring_end();
    return console.log_at < (end < console.log_until ? end : console.log_until);
}

/*
 * Before a line of the log that cuts another in two. On a terminal it is a new line; who takes the log out of the stream sees that the
 * line goes on behind it (tests/sys/hil/demux.py): CR LF CR in the middle of a line, and then a line of the log, is nothing else.
 */
static void log_break(void) REQUIRES(console.lock)
{
    if (console.mid_line)
        text_write("\n\r", 2);
}

/* The next line of the log becomes text, if there is room for a whole one. */
static bool log_to_text(void) REQUIRES(console.lock)
{
    char line[LOG_LINE];
    if (!log_waits() || ring_room(&console.text) < LOG_LINE + 64)
        return false;
    uint64_t lost = 0;
    int n = log_ring_next(&console.log_at, line, &lost);
    if (lost) {
        console.log_lost += lost;
        text_line_start();
        text_format("[log: %lu bytes lost]\n", (unsigned long)lost);
    }
    if (n < 0 || !(log_severity_of(line, (size_t)n) & log_filter()))
        return true;
    log_break();
    text_write(line, (size_t)n);
    text_write("\n", 1);
    return true;
}

static bool text_send(void) REQUIRES(console.lock)
{
    while (!ring_empty(&console.text)) {
        if (!uart_put(ring_peek(&console.text)))
            return false;
        ring_pop(&console.text);
    }
    return true;
}

/* One byte of the port's output; what it wrote in the background has its name before each line. */
static bool port_send(struct console_port *p) REQUIRES(console.lock)
{
    if (p->kept && !console.mid_line) {
        text_format("[%s] ", p->name);
        if (!text_send())
            return false;
    }
    uint8_t byte = ring_peek(&p->out);
    if (!uart_put(byte))
        return false;
    ring_pop(&p->out);
    console.mid_line = byte != '\n';
    if (p->kept)
        p->kept--;
    return true;
}

static bool port_waits(const struct console_port *p) REQUIRES(console.lock)
{
    return p && console.started && !ring_empty(&p->out);
}

void output_pump(void)
{
    if (!console.present)
        return;
    bool sent = true;
    while (sent) {
        sent = text_send();
        if (!sent || log_to_text())
            continue;
        if (!port_waits(console.front))
            break;
        sent = port_send(console.front);
    }
    console.uart_full = !sent;
}

void output_flush(void)
{
    if (!console.present)
        return;
    uint32_t before = 0;
    for (unsigned tries = 0; tries < CONSOLE_POLLS; tries++) {
        output_pump();
        if (!console.uart_full)
            return;
        uint32_t now = console.text.tail + (console.front ? console.front->out.tail : 0);
        if (now != before)
            tries = 0;
        before = now;
        spin_pause();
    }
}

void interrupts_update(void)
{
    if (!console.started || !console.present)
        return;
    bool rx = input_room(), tx = console.uart_full;
    if (rx == console.rx_enabled && tx == console.tx_enabled)
        return;
    console.rx_enabled = rx;
    console.tx_enabled = tx;
    console.uart.driver->irq_enable(&console.uart, rx, tx);
}

/* Straight to the UART while nothing else waits, the rest into the ring. */
static size_t write_front(struct console_port *p, const uint8_t *data, size_t n) REQUIRES(console.lock)
{
    size_t done = 0;
    if (console.started && ring_empty(&p->out) && ring_empty(&console.text) && !console.uart_full) {
        while (done < n && uart_put(data[done]))
            done++;
        if (done)
            console.mid_line = data[done - 1] != '\n';
        if (done == n)
            return done;
    }
    done += ring_push(&p->out, data + done, n - done);
    p->starved = done < n;
    output_pump();
    interrupts_update();
    return done;
}

/* Nobody looks: the latest is kept, which costs the oldest. */
static size_t write_kept(struct console_port *p, const uint8_t *data, size_t n) REQUIRES(console.lock)
{
    p->lost += (uint32_t)ring_push_over(&p->out, data, n);
    p->kept = ring_used(&p->out);
    return n;
}

size_t console_write(struct console_port *p, const void *data, size_t n)
{
    lock_acquire(&console.lock);
    size_t took = console.front == p && console.present ? write_front(p, data, n) : write_kept(p, data, n);
    lock_release(&console.lock);
    return took;
}

size_t console_room(struct console_port *p)
{
    lock_acquire(&console.lock);
    size_t room = console.front == p && console.present ? ring_room(&p->out) : CONSOLE_OUTPUT;
    lock_release(&console.lock);
    return room;
}

size_t console_pending(struct console_port *p)
{
    lock_acquire(&console.lock);
    size_t n = ring_used(&p->out);
    lock_release(&console.lock);
    return n;
}

uint64_t output_ready_ports(void)
{
    uint64_t ready = 0;
    for (unsigned i = 0; i < console.port_count; i++) {
        struct console_port *p = console.ports[i];
        if (!p->starved || (p == console.front && ring_room(&p->out) < CONSOLE_OUTPUT / 2))
            continue;
        p->starved = false;
        ready |= BIT(i);
    }
    return ready;
}
