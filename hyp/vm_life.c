/* SPDX-License-Identifier: Apache-2.0 */
/* vCPUs on and off, and the end of a VM. */
#include "hyp/vm_life.h"
#include "arch/arm64/firmware.h"
#include "arch/arm64/timer.h"
#include "hyp/base/log.h"
#include "hyp/console.h"
#include "hyp/core.h"
#include "hyp/guest_clock.h"
#include "hyp/machine.h"
#include "hyp/thread.h"
#include "hyp/vdev_core.h"

#include <errno.h>

#define TOLD_NS 1000000 /* between two looks whether somebody still speaks to its vdevs */

static uint64_t lives; /* any core, atomic */

static const char *cause_name(unsigned cause)
{
    switch ((enum guest_cause)cause) {
    case GTC_OFF: return "off";
    case GTC_RESET: return "reset";
    case GTC_CRASH: return "crash";
    case GTC_WATCHDOG: return "watchdog";
    case GTC_REFUSED: return "refused";
    case GTC_UNSUPPORTED: return "crash";
    case GTC_CUSTOM_MIN:
    case GTC_MAX: break;
    }
    return "vdev";
}

/* Has it been started, and not been ended? Under the VM's lock. */
static bool is_up(const struct guest_system *vm)
{
    return vm_state(vm) == VM_RUNNING || vm_state(vm) == VM_PAUSED;
}

int vm_cpu_on(struct guest_cpu *v, uint64_t pc, uint64_t x0, bool big_endian)
{
    struct guest_system *vm = v->vm;
    int answer = PSCI_SUCCESS;
    lock_acquire(&vm->lock);
    if (!is_up(vm))
        answer = PSCI_DENIED;
    else if (vcpu_power(v) != VCPU_OFF)
        answer = PSCI_ALREADY_ON; /* for its guest it is on from the call on, as under KVM */
    else {
        v->start_pc = pc;
        v->start_x0 = x0;
        v->start_big_endian = big_endian;
        vcpu_power_set(v, VCPU_ON_PENDING);
        vm->cpus_on++;
    }
    lock_release(&vm->lock);
    if (answer == PSCI_SUCCESS)
        guest_cpu_kick(v);
    return answer;
}

bool vm_cpu_arrive(struct guest_cpu *v)
{
    struct guest_system *vm = v->vm;
    bool arrived = false;
    lock_acquire(&vm->lock);
    if (vcpu_power(v) == VCPU_ON_PENDING && vm_state(vm) == VM_RUNNING) {
        if (v->pristine)
            vcpu_arch_start(&v->arch, v->start_pc, v->start_x0);
        else
            vcpu_arch_reset(&v->arch, v->start_pc, v->start_x0);
        if (v->start_big_endian)
            vcpu_arch_start_big_endian(&v->arch);
        v->waiting = v->powered_down = v->pristine = false;
        v->life = __atomic_add_fetch(&lives, 1, __ATOMIC_RELAXED);
        vcpu_power_set(v, VCPU_ON);
        arrived = true;
    }
    lock_release(&vm->lock);
    return arrived;
}

/* Under the VM's lock. Is it the last one of an ending VM? */
static bool cpu_off_locked(struct guest_system *vm, struct guest_cpu *v) REQUIRES(vm->lock)
{
    if (vcpu_power(v) == VCPU_OFF)
        return false;
    vcpu_power_set(v, VCPU_OFF);
    if (--vm->cpus_on || vm_state(vm) != VM_ENDING)
        return false;
    vm_state_set(vm, VM_ENDED);
    return true;
}

static bool vm_restarts(const struct guest_system *vm)
{
    const struct boot_options *o = &platform()->options;
    switch ((enum guest_cause)vm->cause) {
    case GTC_RESET:
        return o->on_reset == ON_RESET_AS_VM ? vm->config->on_reset == END_RESTART : o->on_reset == ON_RESET_RESTART;
    case GTC_CRASH:
    case GTC_WATCHDOG:
    case GTC_UNSUPPORTED: return vm->config->on_crash == END_RESTART;
    case GTC_OFF:
    case GTC_REFUSED:
    case GTC_CUSTOM_MIN:
    case GTC_MAX: return false;
    }
    return false;
}

void vdevs_told(struct guest_system *vm, unsigned code)
{
    if (!vdev_control_all(vm, code))
        return;
    lock_acquire(&vm->lock);
    if (vm_state(vm) == VM_CONFIGURED) {
        vm->ended_early = true; /* whatever else was to end it would let it restart, and fail again */
        vm->cause = GTC_REFUSED;
    }
    lock_release(&vm->lock);
}

bool vm_tell_begin(struct guest_system *vm)
{
    lock_acquire(&vm->lock);
    bool up = is_up(vm);
    if (up)
        __atomic_fetch_add(&vm->told, 1, __ATOMIC_ACQUIRE);
    lock_release(&vm->lock);
    return up;
}

void vm_tell_end(struct guest_system *vm)
{
    __atomic_fetch_sub(&vm->told, 1, __ATOMIC_RELEASE);
}

/* A guest that is started again can make it be said without end; the last time is said in any case. */
static void end_log(struct guest_system *vm, bool again)
{
    if (!again || log_allowed(&vm->end_limit))
        log_info("vm %s: ended (%s)", vm->name, cause_name(vm->cause));
}

/* All its vCPUs are off: it has ended. Is it loaded again? */
static __running bool vm_ended(struct guest_system *vm) REQUIRES(MAY_BLOCK)
{
    while (__atomic_load_n(&vm->told, __ATOMIC_ACQUIRE)) /* it is up no more: nobody else begins */
        (void)vdev_thread_sleep_until(vdev_clock_ns() + TOLD_NS);
    clock_end(vm);
    vdev_control_all(vm, VDEV_CTRL_TERMINATE);
    threads_end(vm);
    clock_end(vm); /* what those set on their way out */
    bool again = vm_restarts(vm);
    end_log(vm, again);
    if (again) {
        results_line("R vm %s state=restarting cause=%s code=%u", vm->name, cause_name(vm->cause), vm->cause);
        vm->restarts++;
        vm_state_set(vm, VM_CONFIGURED);
        vm->intc->reset(vm);
        steal_reset(vm);
        threads_start(vm);
        vdevs_told(vm, VDEV_CTRL_RESET);
        vm_load(vm);
        return true;
    }
    results_line("R vm %s state=ended cause=%s code=%u", vm->name, cause_name(vm->cause), vm->cause);
    __atomic_store_n(&vm->over, true, __ATOMIC_SEQ_CST);
    machine_vm_ended();
    return false;
}

/* Its first start, then each of its ends. */
static void *vm_keep(void *arg)
{
    struct guest_system *vm = arg;
    phase_assume_running();
    thread_assume();
    vm_load(vm);
    do
        thread_wait_signal(vm->keeper);
    while (vm_ended(vm));
    return NULL;
}

void vm_start(struct guest_system *vm)
{
    thread_begin(vm->keeper, vm->name, &vm->sched, vm_keep, vm);
}

void vm_cpu_gone(struct guest_cpu *v)
{
    struct guest_system *vm = v->vm;
    lock_acquire(&vm->lock);
    bool last = cpu_off_locked(vm, v);
    lock_release(&vm->lock);
    if (last)
        thread_signal(vm->keeper);
}

void vm_cpu_off(struct guest_cpu *v)
{
    vm_cpu_gone(v);
}

/* They come to their cores, whatever runs there, and see what has become of the VM. */
static __running void vm_attend(const struct guest_system *vm)
{
    for (unsigned i = 0; i < vm->cpu_count; i++)
        vcpu_attend(vm->cpus[i]);
}

static __running void stop_locked(struct guest_system *vm) REQUIRES(vm->lock)
{
    if (vm->stops++)
        return;
    vm_state_set(vm, VM_PAUSED);
    vm_attend(vm); /* before the clock stops: none enters with a zero that may move */
    clock_stop(vm);
}

static void start_locked(struct guest_system *vm) REQUIRES(vm->lock)
{
    if (--vm->stops)
        return;
    clock_start(vm);
    vm_state_set(vm, VM_RUNNING);
}

bool vm_pause(struct guest_system *vm)
{
    lock_acquire(&vm->lock);
    bool paused = is_up(vm) && !vm->held;
    if (paused) {
        vm->held = true;
        stop_locked(vm);
    }
    lock_release(&vm->lock);
    return paused;
}

bool vm_resume(struct guest_system *vm)
{
    lock_acquire(&vm->lock);
    bool resumed = is_up(vm) && vm->held;
    if (resumed) {
        vm->held = false;
        start_locked(vm);
    }
    lock_release(&vm->lock);
    if (resumed)
        vm_attend(vm);
    return resumed;
}

int guest_clock_stop(guest_system *vm)
{
    if (!phase_is(PHASE_RUNNING, vm->name))
        return EPERM;
    lock_acquire(&vm->lock);
    bool up = is_up(vm);
    if (up)
        stop_locked(vm);
    lock_release(&vm->lock);
    return up ? EOK : ESRCH;
}

int guest_clock_start(guest_system *vm)
{
    if (!phase_is(PHASE_RUNNING, vm->name))
        return EPERM;
    lock_acquire(&vm->lock);
    bool up = is_up(vm), stopped = vm->stops > (vm->held ? 1 : 0);
    if (up && stopped)
        start_locked(vm);
    lock_release(&vm->lock);
    if (!up || !stopped)
        return up ? EINVAL : ESRCH;
    vm_attend(vm);
    return EOK;
}

void vm_cpu_clock(struct guest_cpu *v)
{
    uint64_t zero = __atomic_load_n(&v->vm->clock_zero, __ATOMIC_RELAXED);
    if (v->arch.timer.own_clock && v->arch.timer.cntvoff != zero)
        timer_vcpu_set_zero(&v->arch.timer, zero);
}

void guest_terminate(guest_system *vm, unsigned cause)
{
    if (!phase_is(PHASE_RUNNING, vm->name))
        return;
    lock_acquire(&vm->lock);
    bool first = is_up(vm), none_on = !vm->cpus_on;
    if (vm_state(vm) == VM_CONFIGURED && !vm->ended_early) {
        vm->ended_early = true; /* vm_load() sees it, and the VM ends where it would have run */
        vm->cause = cause;
    }
    if (first) {
        vm_state_set(vm, none_on ? VM_ENDED : VM_ENDING);
        vm->cause = cause;
    }
    lock_release(&vm->lock);
    if (!first)
        return;
    vm_attend(vm);
    if (none_on)
        thread_signal(vm->keeper);
}
