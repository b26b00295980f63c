/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A QEMU plugin that counts executed instructions: all of them, and those of a range of addresses one by one; and what the latter
 * access of devices. What runs in the machine is not changed and sees nothing of it. Needs -icount: one host thread then runs all cores.
 *
 * Arguments: out=FILE, base=, size= (the range, bytes), entry= (an address that ends the first window: the first execution there
 * after the range was entered). The machine's software opens and closes windows with hints, which are NOPs to it:
 *   HINT #96 opens a window · #97 closes it and adds it up · #98 forgets what was added up · #99 writes it out and forgets it
 * A record in FILE: "record KIND windows=N all=N devices=N", then "ADDRESS COUNT" for each address of the range that was executed.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/bench/qemu_plugin.h"

#define HINT_0 0xd503201fu
#define HINT_SHIFT 5
#define HINT_OPEN 96
#define HINT_WRITE 99
#define INSN_SIZE 4

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION_USED;

static uint64_t base, size, entry;
static uint64_t
    slots; /* the first counts all instructions, the last accesses to devices, the others one address each */
static FILE *out;
static uint64_t *counts, *opened, *added;
static uint64_t windows;
static bool range_entered, entry_seen;

static void window_open(void)
{
    memcpy(opened, counts, slots * sizeof(*opened));
}

static void window_close(void)
{
    for (uint64_t i = 0; i < slots; i++)
        added[i] += counts[i] - opened[i];
    windows++;
}

static void added_clear(void)
{
    memset(added, 0, slots * sizeof(*added));
    windows = 0;
}

static void added_write(const char *kind)
{
    fprintf(out, "record %s windows=%" PRIu64 " all=%" PRIu64 " devices=%" PRIu64 "\n", kind, windows, added[0],
            added[slots - 1]);
    for (uint64_t i = 1; i < slots - 1; i++)
        if (added[i])
            fprintf(out, "%" PRIx64 " %" PRIu64 "\n", base + (i - 1) * INSN_SIZE, added[i]);
    fflush(out);
    added_clear();
}

static void entry_reached(unsigned int vcpu, void *unused)
{
    (void)vcpu, (void)unused;
    if (entry_seen || !range_entered)
        return;
    entry_seen = true;
    window_close();
    added_write("entry");
    window_open();
}

static void hint_reached(unsigned int vcpu, void *hint)
{
    (void)vcpu;
    switch ((uintptr_t)hint) {
    case HINT_OPEN: window_open(); break;
    case HINT_OPEN + 1: window_close(); break;
    case HINT_OPEN + 2: added_clear(); break;
    case HINT_WRITE: added_write("hint"); break;
    }
}

static void insn_executed(unsigned int vcpu, void *slot)
{
    (void)vcpu;
    ++*(uint64_t *)slot;
}

static void memory_accessed(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *slot)
{
    (void)vcpu;
    const struct qemu_plugin_hwaddr *where = qemu_plugin_get_hwaddr(info, address);
    if (where && qemu_plugin_hwaddr_is_io(where))
        ++*(uint64_t *)slot;
}

static void insn_count(struct qemu_plugin_insn *insn, uint64_t slot)
{
    qemu_plugin_register_vcpu_insn_exec_cb(insn, insn_executed, QEMU_PLUGIN_CB_NO_REGS, &counts[slot]);
}

static void insn_watch(struct qemu_plugin_insn *insn)
{
    uint64_t address = qemu_plugin_insn_vaddr(insn);
    uint32_t word = 0;
    qemu_plugin_insn_data(insn, &word, sizeof(word));
    uint32_t hint = (word - HINT_0) >> HINT_SHIFT;
    if (word >= HINT_0 && !((word - HINT_0) & ((1u << HINT_SHIFT) - 1)) && hint >= HINT_OPEN && hint <= HINT_WRITE)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, hint_reached, QEMU_PLUGIN_CB_NO_REGS, (void *)(uintptr_t)hint);
    if (entry && address == entry && !entry_seen)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, entry_reached, QEMU_PLUGIN_CB_NO_REGS, NULL);
    insn_count(insn, 0);
    if (address - base >= size)
        return;
    range_entered = true; /* translated now, so executed now */
    insn_count(insn, 1 + (address - base) / INSN_SIZE);
    qemu_plugin_register_vcpu_mem_cb(insn, memory_accessed, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
                                     &counts[slots - 1]);
}

static void tb_watch(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++)
        insn_watch(qemu_plugin_tb_get_insn(tb, i));
}

static void ended(qemu_plugin_id_t id, void *unused)
{
    (void)id, (void)unused;
    fclose(out);
}

static const char *argument(int argc, char **argv, const char *name)
{
    size_t n = strlen(name);
    for (int i = 0; i < argc; i++)
        if (!strncmp(argv[i], name, n) && argv[i][n] == '=')
            return argv[i] + n + 1;
    return "";
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info;
    base = strtoull(argument(argc, argv, "base"), NULL, 0);
    size = strtoull(argument(argc, argv, "size"), NULL, 0);
    entry = strtoull(argument(argc, argv, "entry"), NULL, 0);
    range_entered = !size;
    slots = 2 + size / INSN_SIZE;
    counts = calloc(slots, sizeof(*counts));
    opened = calloc(slots, sizeof(*opened));
    added = calloc(slots, sizeof(*added));
    out = fopen(argument(argc, argv, "out"), "w");
    if (!out || !counts || !opened || !added) {
        fprintf(stderr, "count: cannot write '%s'\n", argument(argc, argv, "out"));
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, tb_watch);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
