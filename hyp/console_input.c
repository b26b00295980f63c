/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input goes to the port in front. When its ring is full the UART is left alone, its receive interrupt masked: then the UART's
 * own FIFO and flow control hold the sender, and console_read() opens it again.
 */
#include "hyp/console_core.h"

/* Bytes taken at one interrupt, so that a sender cannot hold the core; what is left interrupts again. */
#define INPUT_BUDGET 256

struct escape_key escape_decode(bool *escape, uint8_t byte)
{
    if (!*escape) {
        *escape = byte == ESCAPE_KEY;
        return (struct escape_key){ *escape ? ESCAPE_NONE : ESCAPE_BYTE, byte };
    }
    *escape = false;
    if (byte >= '1' && byte <= '9')
        return (struct escape_key){ ESCAPE_PORT, byte - '1' };
    switch (byte) {
    case ESCAPE_KEY: return (struct escape_key){ ESCAPE_BYTE, ESCAPE_KEY };
    case '0': return (struct escape_key){ ESCAPE_HYPERVISOR, 0 };
    case 'n': return (struct escape_key){ ESCAPE_NEXT, 0 };
    case 'q': return (struct escape_key){ ESCAPE_OFF, 0 };
    case '?': return (struct escape_key){ ESCAPE_HELP, 0 };
    case 'b': return (struct escape_key){ ESCAPE_BREAK, 0 };
    }
    return (struct escape_key){ ESCAPE_UNKNOWN, byte };
}

bool input_room(void)
{
    return !console.front || ring_room(&console.front->in);
}

void front_set(struct console_port *p)
{
    struct console_port *before = console.front;
    if (before && before != p)
        before->kept = ring_used(&before->out);
    console.front = p;
    text_line_start();
    text_format("[console: %s; Ctrl-] ? for help]\n", p ? p->name : "hypervisor");
    if (!p)
        command_prompt();
    else if (p->lost)
        text_format("[%s] (%u bytes of earlier output lost)\n", p->name, p->lost);
    if (p)
        p->lost = 0;
}

static void front_next(void) REQUIRES(console.lock)
{
    unsigned next = console.front ? console.front->index + 1 : 0;
    front_set(next < console.port_count ? console.ports[next] : NULL);
}

static void front_choose(unsigned index) REQUIRES(console.lock)
{
    if (index < console.port_count) {
        front_set(console.ports[index]);
    } else {
        text_line_start();
        text_format("[console: there is no %u]\n", index + 1);
    }
}

static void byte_deliver(uint8_t byte, struct console_events *ev) REQUIRES(console.lock)
{
    if (!console.front) {
        command_key(byte, ev);
        return;
    }
    ring_put(&console.front->in, byte);
    ev->input |= BIT(console.front->index);
}

static void break_deliver(struct console_events *ev) REQUIRES(console.lock)
{
    if (console.front)
        ev->line_break |= BIT(console.front->index);
}

static void key_handle(struct escape_key key, struct console_events *ev) REQUIRES(console.lock)
{
    switch (key.kind) {
    case ESCAPE_BYTE: byte_deliver((uint8_t)key.value, ev); break;
    case ESCAPE_NONE: break;
    case ESCAPE_PORT: front_choose(key.value); break;
    case ESCAPE_HYPERVISOR: front_set(NULL); break;
    case ESCAPE_NEXT: front_next(); break;
    case ESCAPE_OFF: ev->off = true; break;
    case ESCAPE_BREAK: break_deliver(ev); break;
    case ESCAPE_HELP:
    case ESCAPE_UNKNOWN:
        text_line_start();
        command_help();
        break;
    }
}

void input_poll(struct console_events *ev)
{
    struct uart *u = &console.uart;
    for (unsigned i = 0; i < INPUT_BUDGET && input_room() && !ev->has_command; i++) {
        int byte = u->driver->get(u);
        if (byte == -1)
            return;
        if (byte == -2) {
            break_deliver(ev);
        } else if (byte < 0) {
            ev->overruns++;
            console.overruns++;
        } else if (console.raw) {
            byte_deliver((uint8_t)byte, ev);
        } else {
            key_handle(escape_decode(&console.escape, (uint8_t)byte), ev);
        }
    }
}
