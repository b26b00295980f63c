/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/machine.h"
#include "hyp/base/log.h"
#include "hyp/console.h"
#include "hyp/core.h"
#include "hyp/dump.h"
#include "hyp/exit.h"
#include "hyp/power.h"
#include "hyp/vdev_core.h"
#include "hyp/vm_life.h"

#include <string.h>

void machine_off(void)
{
    log_info("powering off");
    results_line("R machine end");
    console_drain();
    power_off();
    log_error("this machine has no way to power off: parked");
    console_drain();
    panic_stop_here();
}

void machine_reset(void)
{
    console_drain();
    power_reset();
    panic_stop_here();
}

static const char *state_name(enum vm_state s)
{
    switch (s) {
    case VM_CONFIGURED: return "configured";
    case VM_RUNNING: return "running";
    case VM_PAUSED: return "paused";
    case VM_ENDING: return "ending";
    case VM_ENDED: return "ended";
    case VM_REFUSED: return "refused";
    }
    return "?";
}

static void vm_status(const struct guest_system *vm)
{
    log_info("vm %s: %s, %u of %u vcpus on, %u restarts, %llu accesses by policy", vm->name, state_name(vm_state(vm)),
             vm->cpus_on, vm->cpu_count, vm->restarts, (unsigned long long)vm->unsupported);
    for (unsigned n = 0; n < vm->cpu_count; n++)
        vcpu_status(vm->cpus[n]);
}

void machine_status(void)
{
    for (unsigned i = 0; i < vm_count; i++)
        vm_status(vms[i]);
}

static struct guest_system *vm_named(const char *name)
{
    for (unsigned i = 0; i < vm_count; i++)
        if (!strcmp(vms[i]->name, name))
            return vms[i];
    return NULL;
}

const char *machine_vm_status(const char *name)
{
    struct guest_system *vm = vm_named(name);
    if (!vm)
        return "no such VM";
    if (vm_state(vm) == VM_REFUSED)
        return "refused when it was built: it has no vdevs";
    if (vm->config->dry_run)
        return "a dry run: built, never started";
    vm_status(vm);
    if (!vm_tell_begin(vm))
        return NULL; /* torn down, or on the way: its vdevs have nothing to tell */
    int err = vdev_control_all(vm, VDEV_CTRL_STATUS);
    vm_tell_end(vm);
    return err ? "not all of its vdevs answered" : NULL;
}

const char *machine_vm_button(const char *name)
{
    struct guest_system *vm = vm_named(name);
    if (!vm)
        return "no such VM";
    if (vm_state(vm) != VM_RUNNING || !vm_tell_begin(vm))
        return "refused: it is not running";
    bool taken = vdev_button_all(vm);
    vm_tell_end(vm);
    return taken ? "asked to shut down" : "no vdev of it takes the button";
}

const char *machine_vm_pause(const char *name, bool pause)
{
    struct guest_system *vm = vm_named(name);
    if (!vm)
        return "no such VM";
    if (pause)
        return vm_pause(vm) ? "paused" : "refused: it is not running";
    return vm_resume(vm) ? "resumed" : "refused: it is not paused";
}

void machine_vm_ended(void)
{
    static bool told; /* any core, atomic: two that end together are both the last */
    for (unsigned i = 0; i < vm_count; i++)
        if (!__atomic_load_n(&vms[i]->over, __ATOMIC_SEQ_CST))
            return;
    if (__atomic_exchange_n(&told, true, __ATOMIC_SEQ_CST))
        return;
    if (platform()->options.on_end == ON_END_OFF)
        machine_off();
    log_info("the last VM has ended; staying (host option on-end=stay)");
}
