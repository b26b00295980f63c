/* SPDX-License-Identifier: Apache-2.0 */
/* A VM's node and its plain children. */
#include <string.h>
#include "hyp/config_parts.h"
#include "hyp/factory.h"
#include "hyp/platform.h"
#include "hyp/ranges.h"

#define CONFIG_BOOTARGS 2047 /* what Linux for arm64 takes */

static const char *const config_vm_names[] = {
    "compatible",
    "#address-cells",
    "#size-cells",
    "cpus",
    "affinity",
    "runmask",
    "budget-us",
    "period-us",
    "background-priority",
    "priority",
    "armature,unsupported-reference",
    "armature,unsupported-instruction",
    "armature,unsupported-register",
    "armature,on-reset",
    "armature,on-crash",
    "armature,counter",
    "armature,safety",
    "armature,identity",
    "armature,pmu",
    "armature,dry-run",
    NULL,
};

/* One core of the host's, by its number. */
static __startup uint64_t config_core(struct config_reader *r, int node, const char *name, uint32_t core)
{
    const struct platform *p = platform();

    if (core < p->core_count)
        return BIT(core);
    if (core < p->cores_in_tree)
        config_refuse(r, node, "%s: core %u is not driven: CONFIG_MAX_CORES=%d", name, core, CONFIG_MAX_CORES);
    else
        config_refuse(r, node, "%s: core %u: the machine has 0 to %u", name, core, p->core_count - 1);
    return 0;
}

static __startup void config_affinity(struct config_reader *r, int node)
{
    int length;
    const fdt32_t *cores = fdt_getprop(r->fdt, node, "affinity", &length);

    if (!cores)
        return;
    if (length % 4 || (unsigned)length / 4 != r->vm->cpus) {
        config_refuse(r, node, "affinity: %d bytes for %u vCPUs: one cell each is expected", length, r->vm->cpus);
        return;
    }
    for (unsigned i = 0; i < r->vm->cpus; i++)
        r->vm->runmask[i] = config_core(r, node, "affinity", fdt32_ld(&cores[i]));
}

/* Masks of cores, one cell for all vCPUs or one each: they float. */
static __startup void config_runmask(struct config_reader *r, int node)
{
    int length;
    const fdt32_t *masks = fdt_getprop(r->fdt, node, "runmask", &length);

    if (!masks)
        return;
    if (dt_has(r->fdt, node, "affinity")) {
        config_refuse(r, node, "runmask and affinity exclude each other");
        return;
    }
    if (length != 4 && (length % 4 || (unsigned)length / 4 != r->vm->cpus)) {
        config_refuse(r, node, "runmask: %d bytes for %u vCPUs: one cell, or one each, is expected", length,
                      r->vm->cpus);
        return;
    }
    for (unsigned i = 0; i < r->vm->cpus; i++) {
        uint32_t mask = fdt32_ld(&masks[length == 4 ? 0 : i]);
        if (!mask)
            config_refuse(r, node, "runmask: 0 for vCPU %u: it could run nowhere", i);
        for (uint32_t core = 0; core < 32; core++)
            if (mask & BIT(core))
                r->vm->runmask[i] |= config_core(r, node, "runmask", core);
    }
}

static __startup void config_budget(struct config_reader *r, int node)
{
    struct config_vm *vm = r->vm;
    uint32_t background = 0;

    config_number(r, node, "budget-us", 100, 1000000, &vm->budget_us);
    config_number(r, node, "period-us", 100, 1000000, &vm->period_us);
    config_number(r, node, "background-priority", 0, 255, &background);
    vm->background = dt_has(r->fdt, node, "background-priority") ? (int)background : -1;
    if (!vm->budget_us != !vm->period_us)
        config_refuse(r, node, "budget-us and period-us need each other");
    else if (vm->budget_us > vm->period_us)
        config_refuse(r, node, "budget-us %u is more than period-us %u", vm->budget_us, vm->period_us);
    if (vm->background >= vm->priority)
        config_refuse(r, node, "background-priority %d is not below priority %u", vm->background, vm->priority);
    if (vm->background >= 0 && !vm->budget_us)
        config_refuse(r, node, "background-priority is for vCPUs with budget-us");
}

static __startup void config_policies(struct config_reader *r, int node)
{
    static const char *const unsupported[] = { "fail", "ignore", "abort", NULL };
    static const char *const ends[] = { "stop", "restart", NULL };
    _Static_assert(UNSUPPORTED_FAIL == 0 && UNSUPPORTED_IGNORE == 1 && UNSUPPORTED_ABORT == 2, "order of the words");
    static const char *const counters[] = { "host", "own", NULL };
    _Static_assert(COUNTER_HOST == 0 && COUNTER_OWN == 1, "order of the words");
    _Static_assert(END_STOP == 0 && END_RESTART == 1, "order of the words");
    static const char *const safeties[] = { "none", "warn", "required", NULL };
    _Static_assert(SAFETY_NONE == 0 && SAFETY_WARN == 1 && SAFETY_REQUIRED == 2, "order of the words");
    unsigned reference = UNSUPPORTED_FAIL, instruction = UNSUPPORTED_FAIL, reg = UNSUPPORTED_FAIL;
    unsigned on_reset = END_RESTART, on_crash = END_STOP, counter = COUNTER_HOST, safety = SAFETY_NONE;

    config_word(r, node, "armature,unsupported-reference", unsupported, &reference);
    config_word(r, node, "armature,unsupported-instruction", unsupported, &instruction);
    config_word(r, node, "armature,unsupported-register", unsupported, &reg);
    config_word(r, node, "armature,on-reset", ends, &on_reset);
    config_word(r, node, "armature,on-crash", ends, &on_crash);
    config_word(r, node, "armature,counter", counters, &counter);
    config_word(r, node, "armature,safety", safeties, &safety);
    r->vm->safety = safety;
    r->vm->counter = counter;
    r->vm->on_reference = reference;
    r->vm->on_instruction = instruction;
    r->vm->on_register = reg;
    r->vm->on_reset = on_reset;
    r->vm->on_crash = on_crash;
}

/* Everything in a VM's node has addresses and sizes of two cells; a VM's node that says otherwise is wrong. */
static __startup void config_cells(struct config_reader *r, int node)
{
    uint32_t cells = 2;

    config_number(r, node, "#address-cells", 2, 2, &cells);
    config_number(r, node, "#size-cells", 2, 2, &cells);
}

static __startup void config_properties(struct config_reader *r, int node)
{
    uint32_t cpus = 1, priority = 16;

    config_names(r, node, config_vm_names, CONFIG_NAMES_ALL);
    config_cells(r, node);
    config_number(r, node, "priority", 0, 255, &priority);
    config_number(r, node, "cpus", 1, UINT32_MAX, &cpus);
    if (cpus > CONFIG_MAX_VCPUS) {
        config_refuse(r, node, "cpus is %u: CONFIG_MAX_VCPUS=%d", cpus, CONFIG_MAX_VCPUS);
        cpus = 1;
    }
    r->vm->cpus = cpus;
    r->vm->priority = (uint8_t)priority;
    config_affinity(r, node);
    config_runmask(r, node);
    config_budget(r, node);
    config_policies(r, node);
    config_flag(r, node, "armature,identity", &r->vm->identity);
    config_flag(r, node, "armature,dry-run", &r->vm->dry_run);
    config_flag(r, node, "armature,pmu", &r->vm->pmu);
}

void config_chosen_read(struct config_reader *r, int node)
{
    static const char *const names[] = { "armature,kernel",      "armature,ramdisk", "armature,dtb",
                                         "armature,kernel-load", "armature,entry",   "armature,dtb-address",
                                         "armature,no-dtb",      "bootargs",         NULL };
    struct config_vm *vm = r->vm;

    config_names(r, node, names, CONFIG_NAMES_OURS);
    config_string(r, node, "bootargs", &vm->bootargs);
    if (vm->bootargs && strlen(vm->bootargs) > CONFIG_BOOTARGS)
        config_refuse(r, node, "bootargs has %lu characters: %d is possible", (unsigned long)strlen(vm->bootargs),
                      CONFIG_BOOTARGS);
    config_string(r, node, "armature,kernel", &vm->kernel);
    config_string(r, node, "armature,ramdisk", &vm->ramdisk);
    config_string(r, node, "armature,dtb", &vm->dtb);
    config_flag(r, node, "armature,no-dtb", &vm->no_dtb);
    config_address(r, node, "armature,kernel-load", &vm->has_kernel_load, &vm->kernel_load);
    config_address(r, node, "armature,entry", &vm->has_entry, &vm->entry);
    config_address(r, node, "armature,dtb-address", &vm->has_dtb_address, &vm->dtb_address);
    if (vm->has_entry && !is_aligned(vm->entry, 4))
        config_refuse(r, node, "armature,entry 0x%lx is not a multiple of 4", vm->entry);
    if (vm->has_dtb_address && !is_aligned(vm->dtb_address, 8))
        config_refuse(r, node, "armature,dtb-address 0x%lx is not a multiple of 8", vm->dtb_address);
    if (vm->no_dtb && (vm->dtb || vm->has_dtb_address))
        config_refuse(r, node, "armature,no-dtb excludes %s", vm->dtb ? "armature,dtb" : "armature,dtb-address");
}

void config_reserve_read(struct config_reader *r, int node)
{
    static const char *const names[] = { "reg", "interrupts", NULL };
    struct config_vm *vm = r->vm;
    uint64_t base, size;
    uint32_t intid;

    config_names(r, node, names, CONFIG_NAMES_ALL);
    for (unsigned i = 0; config_reg(r, node, i, &base, &size) > 0; i++) {
        if (vm->reserve_count == CONFIG_MAX_RESERVES) {
            config_refuse(r, node, "reg: more than %d reserved ranges", CONFIG_MAX_RESERVES);
            break;
        }
        vm->reserve[vm->reserve_count].base = base;
        vm->reserve[vm->reserve_count++].size = size;
    }
    for (unsigned i = 0; config_interrupt(r, node, i, &intid) > 0; i++) {
        if (vm->reserve_intid_count == CONFIG_MAX_RESERVES) {
            config_refuse(r, node, "interrupts: more than %d reserved interrupts", CONFIG_MAX_RESERVES);
            break;
        }
        vm->reserve_intid[vm->reserve_intid_count++] = intid;
    }
}

/* Nodes of the guest's tree that are made for every VM. */
static __startup bool config_is_generated(const void *fdt, int node)
{
    return config_named(fdt, node, "cpus") || config_named(fdt, node, "psci");
}

static __startup void config_child_read(struct config_reader *r, int vm, int node)
{
    const char *name = fdt_get_name(r->fdt, node, NULL), *type = dt_string(r->fdt, node, "device_type");
    int first = fdt_subnode_offset(r->fdt, vm, name);

    if (first >= 0 && first != node && strcmp(fdt_get_name(r->fdt, first, NULL), name) == 0)
        config_refuse(r, node, "a second node with this name");
    else if (!dt_enabled(r->fdt, node))
        log_debug("%s: switched off by its status", dt_path(r->fdt, node, &r->path));
    else if (config_named(r->fdt, node, "memory") || (type && strcmp(type, "memory") == 0))
        config_memory_read(r, node);
    else if (strcmp(name, "chosen") == 0)
        config_chosen_read(r, node);
    else if (config_named(r->fdt, node, "armature,reserve"))
        config_reserve_read(r, node);
    else if (config_is_generated(r->fdt, node))
        config_refuse(r, node, "a node of this name is made for every VM and cannot be described");
    else if (dt_has(r->fdt, node, "compatible"))
        config_device_read(r, node);
    else
        config_plain_read(r, node);
}

void config_vm_read(struct config_reader *r, int node)
{
    unsigned children = 0;

    config_properties(r, node);
    for (int child = fdt_first_subnode(r->fdt, node); child >= 0; child = fdt_next_subnode(r->fdt, child)) {
        if (++children > CONFIG_MAX_NODES) {
            config_refuse(r, node, "more than %d nodes", CONFIG_MAX_NODES);
            break;
        }
        config_child_read(r, node, child);
    }
    config_devices_complete(r);
    config_check(r);
}
