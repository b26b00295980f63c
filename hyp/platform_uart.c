/* SPDX-License-Identifier: Apache-2.0 */
/* The console's UART and the one for results. */
#include <string.h>
#include "boards/uart/uart.h"
#include "hyp/dt.h"
#include "hyp/platform_parts.h"
#include "hyp/text.h"

/* More `compatible` strings of a node than these are not looked at. */
#define UART_COMPATIBLES 8

/* The first clock's rate where the tree says it: the node's own clock-frequency or a fixed clock's. 0: it does not. */
static __startup uint64_t uart_clock(const void *fdt, int node)
{
    uint32_t hz = 0;
    int length;

    if (dt_u32(fdt, node, "clock-frequency", &hz))
        return hz;
    const fdt32_t *clocks = fdt_getprop(fdt, node, "clocks", &length);
    if (!clocks || length < 4)
        return 0;
    int clock = fdt_node_offset_by_phandle(fdt, fdt32_ld(clocks));
    if (clock < 0 || !dt_compatible(fdt, clock, "fixed-clock") || !dt_u32(fdt, clock, "clock-frequency", &hz))
        return 0;
    return hz;
}

/* A maker's own name often stands before the one that a driver goes by. The first of them that a driver knows or, if left out of this image, would
 * know; else the first. */
static __startup const char *uart_compatible(const void *fdt, int node)
{
    const char *known = NULL, *name;

    for (int i = 0; i < UART_COMPATIBLES && (name = fdt_stringlist_get(fdt, node, "compatible", i, NULL)) != NULL;
         i++) {
        if (uart_driver_find(name))
            return name;
        if (!known && uart_driver_missing(name))
            known = name;
    }
    return known ? known : dt_string(fdt, node, "compatible");
}

static __startup bool uart_is_driven(const void *fdt, int node)
{
    const char *compatible = uart_compatible(fdt, node);

    return compatible && uart_driver_find(compatible);
}

/* With a driver, though it may be left out of this image: who takes it names the option. */
static __startup bool uart_is_known(const void *fdt, int node)
{
    const char *compatible = uart_compatible(fdt, node);

    return compatible && (uart_driver_find(compatible) || uart_driver_missing(compatible));
}

/* The first enabled UART behind `node` that a driver is for. */
static __startup int uart_next(const void *fdt, int node)
{
    do {
        node = fdt_next_node(fdt, node, NULL);
    } while (node >= 0 && !(dt_enabled(fdt, node) && uart_is_driven(fdt, node)));
    return node;
}

static __startup bool uart_read(const void *fdt, int node, int gic, struct platform_uart *uart)
{
    struct dt_path path;
    const char *compatible = uart_compatible(fdt, node);

    if (!compatible || dt_reg(fdt, node, 0, &uart->regs) || !uart->regs.size)
        return false;
    struct text name = text_in(uart->compatible, sizeof(uart->compatible));
    text_string(&name, compatible);
    struct text full = text_in(uart->path, sizeof(uart->path));
    text_string(&full, dt_path(fdt, node, &path));
    uart->intid = dt_interrupt(fdt, node, 0, gic);
    uart->clock_hz = uart_clock(fdt, node);
    if (!uart->clock_hz && uart->regs.base.raw == CONFIG_EARLY_UART_ADDRESS)
        uart->clock_hz = CONFIG_EARLY_UART_CLOCK; /* the firmware's clocks: the board's configuration knows it */
    uart->present = true;
    return true;
}

/* What /chosen names: a path or an alias, up to a colon and the line's settings. Negative: nothing usable. */
static __startup int uart_stdout(const void *fdt, int chosen)
{
    struct dt_path path;
    const char *name = chosen < 0 ? NULL : dt_string(fdt, chosen, "stdout-path");

    if (!name && chosen >= 0)
        name = dt_string(fdt, chosen, "linux,stdout-path");
    if (!name) {
        log_warn("/chosen: no stdout-path");
        return -FDT_ERR_NOTFOUND;
    }
    const char *colon = strchr(name, ':');
    int node = dt_lookup(fdt, name, colon ? (size_t)(colon - name) : strlen(name));
    if (node < 0) {
        log_warn("/chosen: stdout-path \"%.64s\" leads to no node", name);
        return node;
    }
    if (!dt_enabled(fdt, node)) {
        log_warn("/chosen: stdout-path: %s is switched off by its status", dt_path(fdt, node, &path));
        return -FDT_ERR_NOTFOUND;
    }
    return node;
}

static __startup int uart_console(const void *fdt, int chosen, int gic, struct platform_uart *uart)
{
    int candidates[3] = { uart_stdout(fdt, chosen), -1, -1 };

    for (unsigned i = 0; i < ARRAY_LEN(candidates); i++) {
        if (i == 1)
            candidates[i] = dt_lookup(fdt, "serial0", strlen("serial0"));
        if (i == 2)
            candidates[i] = uart_next(fdt, -1);
        if (candidates[i] < 0 || !dt_enabled(fdt, candidates[i]) || !uart_read(fdt, candidates[i], gic, uart))
            continue;
        if (i)
            log_warn("%s is taken as the console", uart->path);
        return candidates[i];
    }
    log_warn("host tree: no usable UART for the console");
    return -FDT_ERR_NOTFOUND;
}

/* The pins lead to another one than the tree says: nobody would hear that. Its node, or -1. */
static __startup int uart_by_pins(const void *fdt, int gic, struct platform_uart *console)
{
    struct platform_uart wired = { 0 };
    uint64_t at = platform_pins_uart(fdt);

    if (!at || (console->present && console->regs.base.raw == at))
        return -FDT_ERR_NOTFOUND;
    for (int node = fdt_next_node(fdt, -1, NULL); node >= 0; node = fdt_next_node(fdt, node, NULL)) {
        if (!uart_is_known(fdt, node) || !uart_read(fdt, node, gic, &wired) || wired.regs.base.raw != at)
            continue;
        log_warn("%s is taken as the console: the pins lead to it", wired.path);
        *console = wired;
        return node;
    }
    return -FDT_ERR_NOTFOUND;
}

/* One with a child node has something soldered to it (a Bluetooth chip), which must not hear us. */
static __startup bool uart_is_free(const void *fdt, int node, int console)
{
    return node >= 0 && node != console && dt_enabled(fdt, node) && uart_is_driven(fdt, node) &&
           fdt_first_subnode(fdt, node) < 0;
}

void platform_uarts(const void *fdt, int chosen, int gic, struct platform *p)
{
    int console = uart_console(fdt, chosen, gic, &p->uart), wired = uart_by_pins(fdt, gic, &p->uart);
    if (wired >= 0)
        console = wired;
    int node = dt_lookup(fdt, "serial1", strlen("serial1"));

    if (uart_is_free(fdt, node, console) && uart_read(fdt, node, gic, &p->results))
        return;
    for (node = uart_next(fdt, -1); node >= 0; node = uart_next(fdt, node))
        if (uart_is_free(fdt, node, console) && uart_read(fdt, node, gic, &p->results))
            return;
}
