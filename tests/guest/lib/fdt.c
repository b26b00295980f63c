/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/guest/lib/fdt.h"
#include "tests/guest/lib/print.h"

#define FDT_MAGIC 0xd00dfeed
enum { FDT_BEGIN_NODE = 1, FDT_END_NODE = 2, FDT_PROP = 3, FDT_NOP = 4, FDT_END = 9 };

struct machine machine;

static uint32_t be32(const void *p)
{
    const unsigned char *b = p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static uint64_t be_cells(const void *p, unsigned int bytes)
{
    return bytes >= 8 ? (uint64_t)be32(p) << 32 | be32((const char *)p + 4) : be32(p);
}

static bool starts_with(const char *s, const char *prefix)
{
    while (*prefix) {
        if (*s++ != *prefix++)
            return false;
    }
    return true;
}

static void text_copy(char *to, size_t size, const char *from)
{
    size_t i = 0;
    for (; from[i] && i < size - 1; i++)
        to[i] = from[i];
    to[i] = '\0';
}

/* One property of a node at depth 2 (`/node`) or 3 (`/cpus/cpu@n`). */
static void property(const char *node, unsigned int depth, const char *name, const void *value, uint32_t len)
{
    if (depth == 2 && string_equal(node, "chosen")) {
        if (string_equal(name, "bootargs"))
            text_copy(machine.bootargs, sizeof(machine.bootargs), value);
        if (string_equal(name, "linux,initrd-start"))
            machine.initrd_start = be_cells(value, len);
        if (string_equal(name, "linux,initrd-end"))
            machine.initrd_end = be_cells(value, len);
    }
    if (depth == 2 && starts_with(node, "memory@") && string_equal(name, "reg") && len >= 16 && !machine.ram_size) {
        machine.ram_base = be_cells(value, 8);
        machine.ram_size = be_cells((const char *)value + 8, 8);
    }
    if (depth == 2 && string_equal(name, "compatible") && starts_with(value, "arm,gic-v3"))
        machine.gic = 3;
    if (depth == 2 && string_equal(name, "compatible") &&
        (starts_with(value, "arm,gic-400") || starts_with(value, "arm,cortex-a15-gic")))
        machine.gic = 2;
    if (depth == 3 && starts_with(node, "cpu@") && string_equal(name, "reg") && machine.cpus < ARRAY_LEN(machine.mpidr))
        machine.mpidr[machine.cpus++] = be_cells(value, len);
}

void fdt_read(uint64_t tree)
{
    const char *t = (const char *)tree;
    if (!tree || be32(t) != FDT_MAGIC)
        return;
    const char *p = t + be32(t + 8), *strings = t + be32(t + 12), *node = "";
    unsigned int depth = 0;
    for (;;) {
        uint32_t token = be32(p);
        p += 4;
        if (token == FDT_BEGIN_NODE) {
            node = p;
            depth++;
            p += align_up(string_length(p) + 1, 4);
        } else if (token == FDT_END_NODE) {
            depth--;
            node = "";
        } else if (token == FDT_PROP) {
            property(node, depth, strings + be32(p + 4), p + 8, be32(p));
            p += 8 + align_up(be32(p), 4);
        } else if (token != FDT_NOP) {
            break;
        }
    }
    machine.valid = true;
}

bool bootarg_text(const char *name, char *to, size_t size)
{
    size_t n = string_length(name);
    for (const char *p = machine.bootargs; *p;) {
        if (starts_with(p, name) && p[n] == '=') {
            size_t i = 0;
            for (p += n + 1; *p && *p != ' ' && i < size - 1; p++)
                to[i++] = *p;
            to[i] = '\0';
            return true;
        }
        while (*p && *p != ' ')
            p++;
        while (*p == ' ')
            p++;
    }
    return false;
}

uint64_t bootarg_number(const char *name, uint64_t otherwise)
{
    char text[24];
    if (!bootarg_text(name, text, sizeof(text)))
        return otherwise;
    uint64_t v = 0;
    unsigned int base = text[0] == '0' && text[1] == 'x' ? 16 : 10;
    for (const char *p = text + (base == 16 ? 2 : 0); *p; p++) {
        unsigned int digit = *p <= '9' ? (unsigned int)(*p - '0') : (unsigned int)(*p | 0x20) - 'a' + 10;
        if (digit >= base)
            return otherwise;
        v = v * base + digit;
    }
    return v;
}
