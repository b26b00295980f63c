/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the parts of the console share: its state, and the few calls between output, input and the command line. */
#include "boards/uart/uart.h"
#include "hyp/base/lock.h"
#include "hyp/base/ring.h"
#include "hyp/console.h"
#include "hyp/log.h"

#define CONSOLE_MAX_PORTS 64 /* a bit each in struct console_events */
#define CONSOLE_NAME 40
#define CONSOLE_INPUT 4096
#define CONSOLE_OUTPUT 4096
#define CONSOLE_TEXT 4096
#define CONSOLE_COMMAND 64
/* A UART that takes no byte in so many tries is not waited for; more than a byte takes at 9600 baud. */
#define CONSOLE_POLLS 1000000

struct console_port {
    /* set at startup, then const: */
    char name[CONSOLE_NAME];
    unsigned index;
    struct console_client client;
    /* under console.lock: */
    struct ring in, out;
    uint32_t kept; /* so many bytes at the front of `out` came while another port was in front */
    uint32_t lost; /* bytes of such output dropped and not told yet */
    bool starved;  /* console_write() took less than it was given */
    uint8_t in_bytes[CONSOLE_INPUT];
    uint8_t out_bytes[CONSOLE_OUTPUT];
};

struct console {
    struct spinlock lock;
    /* set at startup, then const: */
    struct uart uart;
    bool
        present; /* there is a UART, it can be driven; until then `uart` is the board's early one or none, and not set up */
    bool raw;
    bool log_to_uart, log_to_results;
    char marker[64];
    struct console_port *ports[CONSOLE_MAX_PORTS];
    unsigned port_count;
    /* under lock: */
    bool started;
    struct console_port *front; /* NULL: the hypervisor's command line */
    struct ring text;           /* what the hypervisor says, before all else */
    uint8_t text_bytes[CONSOLE_TEXT];
    uint64_t text_lost;
    bool mid_line;  /* behind all that `text` holds the cursor is not at the start of a line */
    bool uart_full; /* the last attempt to send found no room */
    bool rx_enabled, tx_enabled;
    uint64_t log_at, log_until; /* the part of the log still to be shown */
    uint64_t log_lost;
    bool escape; /* the escape key was the last byte */
    char command[CONSOLE_COMMAND];
    unsigned command_length;
    uint64_t overruns;
};
extern struct console console;

/* What an interrupt brought, told after the lock was given back. */
struct console_events {
    uint64_t input, output, line_break; /* a bit a port: BIT(index) */
    unsigned overruns;
    bool off;
    bool has_command;
    char command[CONSOLE_COMMAND];
};

/* No UART of the tree can be driven: the board's early one is taken, if it has one. Startup, or a fault during it. */
void console_fall_back(void);

/* Output. Sends what is there until the UART is full. */
void output_pump(void) REQUIRES(console.lock);
/* The same, waiting (bounded) for the UART: before interrupts work and when the machine ends. */
void output_flush(void) REQUIRES(console.lock);
/* The UART's interrupt enables made to fit what is wanted of it now. */
void interrupts_update(void) REQUIRES(console.lock);
/* Text from the hypervisor; "\n" becomes "\r\n". text_line() starts on a new line and ends it. */
void text_write(const char *s, size_t n) REQUIRES(console.lock);
void text_format(const char *fmt, ...) REQUIRES(console.lock) __attribute__((format(printf, 1, 2)));
void text_line_start(void) REQUIRES(console.lock);
/* Ports that console_write() refused and that have room now. */
uint64_t output_ready_ports(void) REQUIRES(console.lock);

/* Input. Takes what the UART has and there is room for. */
void input_poll(struct console_events *ev) REQUIRES(console.lock);
/* Is there room for a byte of input where it would go? */
bool input_room(void) REQUIRES(console.lock);
/* Brings a port (NULL: the hypervisor) to the front and says so. */
void front_set(struct console_port *p) REQUIRES(console.lock);

/* What a byte means in mux mode. Pure, but for `*escape`: was the escape key before it? */
enum escape_kind {
    ESCAPE_BYTE, /* an ordinary byte */
    ESCAPE_NONE, /* the escape key itself: wait for what follows */
    ESCAPE_PORT, /* value: index of the port */
    ESCAPE_HYPERVISOR,
    ESCAPE_NEXT,
    ESCAPE_OFF,
    ESCAPE_HELP,
    ESCAPE_BREAK,
    ESCAPE_UNKNOWN,
};
struct escape_key {
    enum escape_kind kind;
    unsigned value; /* the byte, or the port's index */
};
#define ESCAPE_KEY 0x1d /* Ctrl-] */
struct escape_key escape_decode(bool *escape, uint8_t byte);

/* The hypervisor's command line. */
void command_prompt(void) REQUIRES(console.lock);
/* A byte typed at it; a whole line goes into the events. */
void command_key(uint8_t byte, struct console_events *ev) REQUIRES(console.lock);
void command_help(void) REQUIRES(console.lock);
/* Runs a line; holds no lock. */
void command_run(const char *line);
