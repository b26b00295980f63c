/* SPDX-License-Identifier: Apache-2.0 */
/* Cores, how they are started, and their timers. */
#include <errno.h>
#include <string.h>
#include "hyp/dt.h"
#include "hyp/platform_parts.h"

/* MPIDR_EL1's affinity fields. */
#define MPIDR_AFFINITY (FIELD(39, 32) | FIELD(23, 0))
#define PSCI_CPU_ON_64 0xc4000003u

static __startup int psci_node(const void *fdt)
{
    static const char *const names[] = { "arm,psci-1.0", "arm,psci-0.2", "arm,psci" };

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        int node = dt_find(fdt, -1, names[i]);
        if (node >= 0)
            return node;
    }
    return -FDT_ERR_NOTFOUND;
}

static __startup void platform_psci(const void *fdt, struct platform *p)
{
    struct dt_path path;
    int node = psci_node(fdt);

    if (node < 0)
        return;
    const char *method = dt_string(fdt, node, "method");
    p->psci_smc = method && strcmp(method, "smc") == 0;
    p->psci_hvc = method && strcmp(method, "hvc") == 0;
    if (!p->psci_smc && !p->psci_hvc) {
        log_warn("%s: method is neither \"smc\" nor \"hvc\": PSCI is not used", dt_path(fdt, node, &path));
        return;
    }
    if (p->psci_hvc) {
        /* At EL2 an HVC comes to ourselves. */
        log_warn("%s: method \"hvc\" cannot be used at EL2: PSCI is not used", dt_path(fdt, node, &path));
        return;
    }
    p->psci_cpu_on = PSCI_CPU_ON_64;
    if (!dt_compatible(fdt, node, "arm,psci-1.0") && !dt_compatible(fdt, node, "arm,psci-0.2") &&
        !dt_u32(fdt, node, "cpu_on", &p->psci_cpu_on)) {
        log_warn("%s: PSCI 0.1 without cpu_on: PSCI is not used", dt_path(fdt, node, &path));
        return;
    }
    p->psci_present = true;
}

static __startup void core_start_method(const void *fdt, int node, const struct platform *p, struct platform_core *core)
{
    struct dt_path path;
    const char *method = dt_string(fdt, node, "enable-method");

    core->start = CORE_START_NONE;
    if (!method)
        method = dt_string(fdt, fdt_parent_offset(fdt, node), "enable-method");
    if (!method)
        return;
    if (strcmp(method, "psci") == 0) {
        if (p->psci_present)
            core->start = CORE_START_PSCI;
        else
            log_warn("%s: enable-method \"psci\", but the tree has no usable PSCI", dt_path(fdt, node, &path));
    } else if (strcmp(method, "spin-table") == 0) {
        if (dt_u64(fdt, node, "cpu-release-addr", &core->release_addr.raw) && is_aligned(core->release_addr.raw, 8) &&
            core->release_addr.raw < BIT(48))
            core->start = CORE_START_SPIN_TABLE;
        else
            log_warn("%s: enable-method \"spin-table\" without a usable cpu-release-addr", dt_path(fdt, node, &path));
    } else {
        log_warn("%s: unknown enable-method \"%.32s\"", dt_path(fdt, node, &path), method);
    }
}

/* The node's affinity, or false: it is no core that could be started. */
static __startup bool core_affinity(const void *fdt, int node, const struct platform *p, uint64_t *mpidr)
{
    struct dt_path path;
    const char *type = dt_string(fdt, node, "device_type");

    if (!type || strcmp(type, "cpu") != 0)
        return false;
    if (!dt_enabled(fdt, node)) {
        log_info("%s: switched off by its status", dt_path(fdt, node, &path));
        return false;
    }
    if (!dt_u64(fdt, node, "reg", mpidr) || (*mpidr & ~MPIDR_AFFINITY)) {
        log_warn("%s: reg is no affinity: this core is not used", dt_path(fdt, node, &path));
        return false;
    }
    for (unsigned i = 0; i < p->core_count; i++)
        if (p->cores[i].mpidr == *mpidr) {
            log_warn("%s: a second core with affinity 0x%lx: it is not used", dt_path(fdt, node, &path), *mpidr);
            return false;
        }
    return true;
}

int platform_cores(const void *fdt, struct platform *p)
{
    int cpus = fdt_subnode_offset(fdt, 0, "cpus"), node;
    uint64_t mpidr;

    platform_psci(fdt, p);
    if (cpus < 0)
        return error_at(-ENODEV, "host tree: no node /cpus");
    for (node = fdt_first_subnode(fdt, cpus); node >= 0; node = fdt_next_subnode(fdt, node)) {
        if (!core_affinity(fdt, node, p, &mpidr))
            continue;
        p->cores_in_tree++;
        if (p->core_count == CONFIG_MAX_CORES)
            continue;
        struct platform_core *core = &p->cores[p->core_count++];
        core->mpidr = mpidr;
        core->phandle = fdt_get_phandle(fdt, node);
        core_start_method(fdt, node, p, core);
    }
    if (!p->core_count)
        return error_at(-ENODEV, "host tree: no usable core below /cpus");
    if (p->cores_in_tree > p->core_count)
        log_warn("/cpus: %u cores, CONFIG_MAX_CORES=%d: the others stay off", p->cores_in_tree, CONFIG_MAX_CORES);
    return 0;
}

int platform_timer(const void *fdt, int gic, struct platform *p)
{
    static const struct {
        const char *name;
        uint32_t intid; /* as the Arm Base System Architecture has them */
    } timers[] = { { "sec-phys", 29 }, { "phys", 30 }, { "virt", 27 }, { "hyp-phys", 26 } };
    struct dt_path path;
    uint32_t frequency;
    int node = dt_find(fdt, -1, "arm,armv8-timer");

    if (node < 0)
        node = dt_find(fdt, -1, "arm,armv7-timer");
    if (node < 0)
        log_warn("host tree: no node \"arm,armv8-timer\": the usual interrupts are taken");
    else if (dt_u32(fdt, node, "clock-frequency", &frequency))
        p->timer_freq = frequency;
    for (unsigned i = 0; i < ARRAY_LEN(timers); i++) {
        int index = (int)i;
        if (node >= 0 && dt_has(fdt, node, "interrupt-names"))
            index = fdt_stringlist_search(fdt, node, "interrupt-names", timers[i].name);
        uint32_t intid = node < 0 || index < 0 ? 0 : dt_interrupt(fdt, node, (unsigned)index, gic);
        p->timer_ppi[i] = intid ? intid : timers[i].intid;
        /* The secure timer is not ours: a tree may leave it out. */
        if (node >= 0 && !intid && i)
            log_warn("%s: no usable interrupt for \"%s\": %u is taken", dt_path(fdt, node, &path), timers[i].name,
                     timers[i].intid);
        else if (i && p->timer_ppi[i] != timers[i].intid)
            return error_at(-ENODEV, "%s: \"%s\" has interrupt %u: only %u can be driven", dt_path(fdt, node, &path),
                            timers[i].name, p->timer_ppi[i], timers[i].intid);
    }
    return 0;
}
