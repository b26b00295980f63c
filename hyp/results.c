/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What machines read: VM states, exit status, test output. Whole lines to a UART of its own, polled and bounded, and to a ring
 * in memory. Also from a panic, so the lock is not insisted on.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include "arch/arm64/mmu.h"
#include "boards/uart/uart.h"
#include "hyp/base/log.h"
#include "hyp/console.h"
#include "hyp/results.h"

#define RESULTS_RING 4096
#define RESULTS_LINE 256
/* Longer than a byte takes at any speed; a UART that took none for so long is tried once a byte from then on. */
#define BYTE_POLLS 200000
#define LOCK_POLLS 10000000

static struct spinlock results_lock = LOCK_RANKED(LOCK_RESULTS);
/* Set at startup, then const. */
static struct uart results_uart;
static bool results_present, results_in_log;
/* Under results_lock. For debuggers: results_text[results_end % size] is where the next byte goes. */
static char results_text[RESULTS_RING];
static uint64_t results_end;
static bool results_stalled;
static uint64_t results_lost;

static void uart_byte(char c)
{
    for (unsigned i = 0; i < (results_stalled ? 1 : BYTE_POLLS); i++) {
        if (results_uart.driver->put(&results_uart, (uint8_t)c)) {
            results_stalled = false;
            return;
        }
    }
    results_stalled = true;
    results_lost++;
}

static void byte_out(char c)
{
    results_text[results_end++ % RESULTS_RING] = c;
    if (results_present)
        uart_byte(c);
}

/* A panic may have stopped the holder for good: then the line is written regardless. */
static bool lock_bounded(void) NO_THREAD_SAFETY
{
    for (unsigned i = 0; i < LOCK_POLLS; i++) {
        if (lock_try(&results_lock))
            return true;
        spin_pause();
    }
    return false;
}

static void line_out(const char *head, const char *line, size_t n) NO_THREAD_SAFETY
{
    bool locked = lock_bounded();
    for (; *head; head++)
        byte_out(*head);
    for (size_t i = 0; i < n; i++)
        byte_out(line[i] == '\n' ? ' ' : line[i]);
    byte_out('\n');
    if (locked)
        lock_release(&results_lock);
}

static int line_make(char *line, const char *fmt, va_list ap)
{
    int n = vsniprintf(line, RESULTS_LINE, fmt, ap);
    return n < 0 ? 0 : n < RESULTS_LINE ? n : RESULTS_LINE - 1;
}

void results_line(const char *fmt, ...)
{
    char line[RESULTS_LINE] = "";
    va_list ap;
    va_start(ap, fmt);
    line_out("", line, (size_t)line_make(line, fmt, ap));
    va_end(ap);
    if (results_in_log)
        log_info("%s", line);
}

void results_last_words(const char *fmt, ...)
{
    char line[RESULTS_LINE];
    va_list ap;
    va_start(ap, fmt);
    line_out("", line, (size_t)line_make(line, fmt, ap));
    va_end(ap);
}

void results_to_log(void)
{
    results_in_log = true;
}

void results_log(const char *line, size_t n)
{
    line_out("L ", line, n);
}

int results_init(const struct platform_uart *u)
{
    const struct uart_driver *driver = uart_driver_find(u->compatible);
    if (!driver)
        return error_at(-ENODEV, "%s: no driver for \"%s\": results are kept in memory only", u->path, u->compatible);
    volatile void *regs = mmu_map_device(u->regs.base, u->regs.size);
    if (!regs)
        return -ENODEV;
    results_uart = (struct uart){ .regs = regs, .clock_hz = u->clock_hz, .driver = driver };
    driver->init(&results_uart);
    uint64_t from = results_end > RESULTS_RING ? results_end - RESULTS_RING : 0;
    for (; from < results_end; from++)
        uart_byte(results_text[from % RESULTS_RING]);
    results_present = true;
    return 0;
}
