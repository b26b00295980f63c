/* SPDX-License-Identifier: Apache-2.0 */
/* What the hypervisor itself writes: log lines, lines for the person at the console, last words. */
#include <stdarg.h>
#include <stdio.h>
#include "hyp/console_core.h"
#include "hyp/results.h"

#define LINE 160

/* Sends now what can be sent; while one core starts the machine, all of it. */
static void text_go(void) REQUIRES(console.lock)
{
    if (console.started)
        output_pump();
    else
        output_flush();
    interrupts_update();
}

void console_log(const char *line, size_t n)
{
    log_ring_add(line, n);
    if (console.log_to_results)
        results_log(line, n);
    if (!console.log_to_uart || !console.present)
        return;
    lock_acquire(&console.lock);
    text_go();
    lock_release(&console.lock);
}

void console_line(const char *fmt, ...)
{
    char line[LINE];
    if (console.raw)
        return;
    va_list ap;
    va_start(ap, fmt);
    int n = vsniprintf(line, sizeof(line) - 1, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    if ((size_t)n > sizeof(line) - 2)
        n = sizeof(line) - 2;
    line[n] = '\n';
    lock_acquire(&console.lock);
    text_line_start();
    text_write(line, (size_t)n + 1);
    text_go();
    lock_release(&console.lock);
}

/* Also what ports wrote in the background: after this nobody can bring them to the front. */
static void ports_flush(void) REQUIRES(console.lock)
{
    for (unsigned i = 0; i < console.port_count; i++) {
        struct console_port *p = console.ports[i];
        if (p == console.front || ring_empty(&p->out))
            continue;
        console.front = p;
        text_line_start();
        if (p->lost)
            text_format("[%s] (%u bytes of earlier output lost)\n", p->name, p->lost);
        p->lost = 0;
        output_flush();
    }
}

void console_drain(void)
{
    if (!console.present)
        return;
    lock_acquire(&console.lock);
    output_flush();
    if (!console.raw)
        ports_flush();
    for (unsigned i = 0; i < CONSOLE_POLLS && !console.uart.driver->idle(&console.uart); i++)
        spin_pause();
    lock_release(&console.lock);
}

static void panic_put(uint8_t byte)
{
    for (unsigned i = 0; i < CONSOLE_POLLS; i++)
        if (console.uart.driver->put(&console.uart, byte))
            return;
}

void console_fall_back(void)
{
    if (console.present || !console.uart.driver)
        return;
    console.uart.driver->init(&console.uart);
    console.present = true;
}

void console_panic_write(const char *s, size_t n)
{
    console_fall_back();
    if (!console.present)
        return;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\n')
            panic_put('\r');
        panic_put((uint8_t)s[i]);
    }
    /* A reset may follow. */
    for (unsigned i = 0; i < CONSOLE_POLLS && !console.uart.driver->idle(&console.uart); i++)
        spin_pause();
}
