/* SPDX-License-Identifier: Apache-2.0 */
/* A small bare-metal guest: a 100 Hz tick, a command line by interrupts, asleep in WFI otherwise. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/fdt.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/psci.h"
#include "tests/guest/lib/timer.h"
#include "tests/guest/rtos/console.h"
#include "tests/guest/rtos/tick.h"

#define NOWHERE UINT64_C(0x3f000000)
#define SCAN_STEP 4096

struct command {
    const char *name, *help;
    void (*run)(const char *rest);
};

extern char _image_end[];
static uint64_t started;

static uint64_t to_ns(uint64_t ticks)
{
    return ticks * 1000 / (mrs(cntfrq_el0) / 1000000);
}

static void run_uptime(const char *rest)
{
    (void)rest;
    uint64_t ms = (timer_count() - started) * 1000 / mrs(cntfrq_el0);
    print("up %lu.%03lu s\n", ms / 1000, ms % 1000);
}

static void run_ticks(const char *rest)
{
    (void)rest;
    print("%lu ticks at %u Hz, %lu missed, %lu bytes of input lost\n", tick_count(), TICK_HZ, tick_missed(),
          console_lost());
}

static void run_jitter(const char *rest)
{
    struct tick_latency l = tick_latency(string_equal(rest, "reset"));
    if (!l.count)
        print("no tick yet\n");
    else
        print("jitter over %lu ticks: min %lu mean %lu max %lu ns\n", l.count, to_ns(l.min), to_ns(l.sum / l.count),
              to_ns(l.max));
}

/* Writes each page's address into it, reads all back: what is there, and is it ours alone. */
static void run_mem(const char *rest)
{
    if (!string_equal(rest, "scan")) {
        print("RAM 0x%lx-0x%lx, image ends at 0x%lx\n", machine.ram_base, machine.ram_base + machine.ram_size,
              (uint64_t)_image_end);
        return;
    }
    uint64_t start = align_up((uint64_t)_image_end, MIB(2)), end = machine.ram_base + machine.ram_size, bad = 0;
    uint64_t tree = cpus[0].entry_x[0];
    for (uint64_t a = start; a < end; a += SCAN_STEP) {
        if (a < tree - MIB(1) || a > tree + MIB(2))
            write64(a, a ^ started);
    }
    for (uint64_t a = start; a < end; a += SCAN_STEP) {
        if (a < tree - MIB(1) || a > tree + MIB(2))
            bad += read64(a) != (a ^ started);
    }
    print("scanned 0x%lx-0x%lx: %lu pages, %lu bad\n", start, end, (end - start) / SCAN_STEP, bad);
}

static void run_echo(const char *rest)
{
    print("%s\n", rest);
}

static void run_off(const char *rest)
{
    (void)rest;
    print("bye\n");
    psci_system_off();
}

static void run_reset(const char *rest)
{
    (void)rest;
    hvc(PSCI_SYSTEM_RESET, 0, 0, 0);
}

static uint64_t touch(uint64_t address, uint64_t unused)
{
    (void)unused;
    return read32(address);
}

static void run_fault(const char *rest)
{
    (void)rest;
    struct exception e = exception_catch(touch, NOWHERE, 0);
    if (e.taken)
        print("read of 0x%lx: ESR 0x%lx FAR 0x%lx\n", NOWHERE, e.esr, e.far);
    else
        print("read of 0x%lx: 0x%lx\n", NOWHERE, e.result);
}

static void run_help(const char *rest);

static const struct command commands[] = {
    { "help", "this list", run_help },
    { "uptime", "time since the start", run_uptime },
    { "ticks", "ticks counted, missed", run_ticks },
    { "jitter", "latency of the tick; `jitter reset` begins anew", run_jitter },
    { "mem", "the memory; `mem scan` writes and reads all of it", run_mem },
    { "echo", "says it back", run_echo },
    { "fault", "reads where nothing is, and goes on", run_fault },
    { "reset", "PSCI SYSTEM_RESET", run_reset },
    { "off", "PSCI SYSTEM_OFF", run_off },
};

static void run_help(const char *rest)
{
    (void)rest;
    for (unsigned int i = 0; i < ARRAY_LEN(commands); i++)
        print("  %8s %s\n", commands[i].name, commands[i].help);
}

static void command_run(char *line)
{
    char *rest = line;
    while (*rest && *rest != ' ')
        rest++;
    while (*rest == ' ')
        *rest++ = '\0';
    for (unsigned int i = 0; i < ARRAY_LEN(commands); i++) {
        if (string_equal(line, commands[i].name)) {
            commands[i].run(rest);
            return;
        }
    }
    if (*line)
        print("%s: no such command, try help\n", line);
}

static void irq(uint32_t intid)
{
    if (intid == INTID_CNTV)
        tick_handle(this_cpu()->irq_time);
    if (intid == 32 + UART_SPI)
        console_handle();
}

void guest_main(void)
{
    static char line[CONSOLE_LINE];
    started = timer_count();
    gic_init();
    gic_cpu_init();
    this_cpu()->irq_hook = irq;
    print("Armature rtos: counter %lu Hz, tick %u Hz, RAM %lu MiB; try help\n", mrs(cntfrq_el0), TICK_HZ,
          machine.ram_size >> 20);
    console_start();
    tick_start();
    print("rtos> ");
    for (;;) {
        /* Masked between the look and the sleep, so that no byte falls into the gap: WFI wakes on a masked interrupt. */
        irq_disable();
        if (!console_poll(line))
            wfi();
        else {
            irq_enable();
            command_run(line);
            print("rtos> ");
        }
        irq_enable();
        isb();
    }
}
