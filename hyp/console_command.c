/* SPDX-License-Identifier: Apache-2.0 */
/* The hypervisor's own console: a line editor and a table of commands. */
#include <string.h>
#include "hyp/base/config.h"
#include "hyp/console_core.h"
#include "hyp/machine.h"

#define PROMPT "armature> "

void command_prompt(void)
{
    console.command_length = 0;
    text_format(PROMPT);
}

static void command_enter(struct console_events *ev) REQUIRES(console.lock)
{
    text_write("\n", 1);
    memcpy(ev->command, console.command, console.command_length);
    ev->command[console.command_length] = '\0';
    ev->has_command = true;
    console.command_length = 0;
}

void command_key(uint8_t byte, struct console_events *ev)
{
    if (byte == '\r' || byte == '\n') {
        command_enter(ev);
    } else if ((byte == '\b' || byte == 0x7f) && console.command_length) {
        console.command_length--;
        text_format("\b \b");
    } else if (byte >= ' ' && byte < 0x7f && console.command_length < CONSOLE_COMMAND - 1) {
        console.command[console.command_length++] = (char)byte;
        text_format("%c", byte);
    }
}

void command_help(void)
{
    text_format("Ctrl-] then: 1-9 console of a VM, 0 hypervisor, n next, b break, q power off, Ctrl-] itself\n");
}

static void consoles_show(const char *arg)
{
    (void)arg;
    for (unsigned i = 0; i < console.port_count; i++) {
        struct console_port *p = console.ports[i];
        lock_acquire(&console.lock);
        unsigned kept = ring_used(&p->out), lost = p->lost, waits = ring_used(&p->in);
        lock_release(&console.lock);
        console_line("%u %-20s output kept %u, lost %u; input waiting %u", i + 1, p->name, kept, lost, waits);
    }
    if (!console.port_count)
        console_line("no VM has a console");
}

/* Shows all that the log's ring still has; on the UART the log goes on after it. */
static void log_show(const char *arg)
{
    (void)arg;
    lock_acquire(&console.lock);
    console.log_at = 0;
    console.log_until = console.log_to_uart ? UINT64_MAX : log_ring_end();
    output_pump();
    interrupts_update();
    lock_release(&console.lock);
}

/* The status is log lines: where the log goes elsewhere they are shown all the same. */
static void status_show(const char *arg)
{
    phase_assume_running();
    uint64_t from = log_ring_end();
    const char *fault = NULL;
    if (*arg)
        fault = machine_vm_status(arg);
    else
        machine_status();
    lock_acquire(&console.lock);
    if (!console.log_to_uart) {
        console.log_at = from;
        console.log_until = log_ring_end();
    }
    output_pump();
    interrupts_update();
    lock_release(&console.lock);
    if (fault)
        console_line("vm %s: %s", arg, fault);
}

static void button_run(const char *arg)
{
    phase_assume_running();
    console_line("vm %s: %s", arg, machine_vm_button(arg));
}

static void pause_run(const char *arg)
{
    phase_assume_running();
    console_line("vm %s: %s", arg, machine_vm_pause(arg, true));
}

static void resume_run(const char *arg)
{
    phase_assume_running();
    console_line("vm %s: %s", arg, machine_vm_pause(arg, false));
}

static void off_run(const char *arg)
{
    (void)arg;
    machine_off();
}

static void help_show(const char *arg);

static const struct {
    char name[8];
    char help[64];
    void (*run)(const char *arg); /* what stands behind the name */
} commands[] = {
    { "help", "this list", help_show },
    { "vms", "consoles of VMs, and what waits on them", consoles_show },
    { "status", "VMs, vCPUs and cores; VM: that one and its vdevs", status_show },
    { "button", "VM: ask it to shut down", button_run },
    { "log", "the log as far as it is kept", log_show },
    { "pause", "VM: stop all its vCPUs", pause_run },
    { "resume", "VM: let them go on", resume_run },
    { "off", "end all VMs and power off", off_run },
};

static void help_show(const char *arg)
{
    (void)arg;
    for (unsigned i = 0; i < ARRAY_LEN(commands); i++)
        console_line("%-8s %s", commands[i].name, commands[i].help);
    lock_acquire(&console.lock);
    command_help();
    lock_release(&console.lock);
}

/* A command's output may be longer than `text` holds ahead of a slow UART; the prompt comes behind what fits. */
void command_run(const char *line)
{
    unsigned i = 0;
    while (*line == ' ')
        line++;
    size_t n = strcspn(line, " ");
    while (i < ARRAY_LEN(commands) && (strlen(commands[i].name) != n || memcmp(commands[i].name, line, n)))
        i++;
    const char *arg = line + n + strspn(line + n, " ");
    if (i < ARRAY_LEN(commands))
        commands[i].run(arg);
    else if (n)
        console_line("%s: no such command; there is \"help\"", line);
    lock_acquire(&console.lock);
    if (!console.front) {
        text_line_start();
        command_prompt();
    }
    output_pump();
    interrupts_update();
    lock_release(&console.lock);
}
