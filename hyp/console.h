/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One physical UART shared by the VMs' consoles and the hypervisor's log; the results channel beside it.
 * In mux mode one port is in front: it gets the input and writes directly; the others' output is kept in bounded rings (the
 * oldest is dropped and counted) and shown, each line with its port's name, when they are brought to the front.
 * Escape: Ctrl-] then 1-9 (VM), 0 (hypervisor), n (next), q (power off), ? (help), Ctrl-] (itself), b (break).
 * In raw mode the first port is the UART byte for byte: no escape, no log.
 */
#include "hyp/base/lock.h"
#include "hyp/base/phase.h"
#include "hyp/platform.h"

struct console_port;

/* What the port's owner (a console vdev's back end) is told. Called without the console's lock, on any core, interrupts masked. */
struct console_client {
    void (*input_ready)(void *ctx);  /* bytes can be read */
    void (*output_ready)(void *ctx); /* there is room again after console_write() took less than it was given */
    void (*line_break)(void *ctx);
    void *ctx;
};

/* Maps the board's early UART: for a fault before console_init(), and for a start whose tree names none that can be driven. */
void console_early(void) __startup;
/* Before anything else: the UART that the tree's stdout-path names, and the results channel's; polled output only. Applies the
 * log options and shows what was logged so far. -ENODEV, traced: no UART that we can drive; the board's early one shows why. */
int console_init(const struct platform *p) __startup __must_check;
/* Interrupt-driven input and output and the marker line; from here guests' bytes go out. */
void console_start(void) __running;
/* A port for a VM's console. NULL: too many. */
struct console_port *console_port_create(const char *name, const struct console_client *client) __startup;
/* The consoles from port number `first` on are gone: their VM was refused after it had made them. */
void console_ports_forget(unsigned first) __startup;
/* How many there are so far. Startup. */
unsigned console_ports(void);
/* Takes up to n bytes; answers how many. Never waits. */
size_t console_write(struct console_port *p, const void *data, size_t n);
/* Room for output right now. */
size_t console_room(struct console_port *p);
/* Gives up to n input bytes. */
size_t console_read(struct console_port *p, void *data, size_t n);
size_t console_available(struct console_port *p);
/* Bytes taken from console_write() that are not on the UART yet. */
size_t console_pending(struct console_port *p);
/* Is there a port of that name? */
bool console_port_exists(const char *name) __startup;
/* A line of text from the hypervisor to whoever sits at the console; nothing in raw mode. Any core, running. */
void console_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The UART's interrupt (level), and a poll from the idle loop where a board gives none. Any core, holds no lock; not before
 * console_start(). */
void console_irq(void *ctx) __running;
/* A log line (no newline) to where options send it; any phase, also before console_init (kept in the log ring). */
void console_log(const char *line, size_t n);
/* Straight to the UART, no lock, polled and bounded, "\n" as "\r\n": panic and early errors only. */
void console_panic_write(const char *s, size_t n);
/* All that was taken is out of the door (bounded wait): before power off. */
void console_drain(void);
/* The results channel: a printf-like line, "\n" added. Any phase. */
void results_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same from a fault of the hypervisor: never a line of the log besides. */
void results_last_words(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
