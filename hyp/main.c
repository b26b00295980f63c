/* SPDX-License-Identifier: Apache-2.0 */
/* The whole boot is hyp_main(); what runs afterwards begins in hyp_run(). */
#include "arch/arm64/boot.h"
#include "arch/arm64/firmware.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/pmu.h"
#include "arch/arm64/timer.h"
#include "boards/board.h"
#include "generated/version.h"
#include "hyp/base/log.h"
#include "hyp/boot.h"
#include "hyp/boot_check.h"
#include "hyp/config.h"
#include "hyp/console.h"
#include "hyp/core.h"
#include "hyp/date.h"
#include "hyp/exit.h"
#include "hyp/machine.h"
#include "hyp/pirq.h"
#include "hyp/pool.h"
#include "hyp/power.h"
#include "hyp/smccc.h"
#include "hyp/startup.h"
#include "hyp/thread.h"
#include "hyp/vdev_core.h"
#include "hyp/vm_life.h"

#include <string.h>

extern uintptr_t __stack_chk_guard;

static struct platform machine; /* set at startup, then const */
static struct config config;    /* set at startup, then const */
static char boot_emergency_stack[EMERGENCY_STACK_SIZE] __attribute__((aligned(PAGE_SIZE)));
static bool go; /* any core, atomic: secondaries may enter their loops */

const struct platform *platform(void)
{
    return &machine;
}

static __startup void greet(const struct platform *p, const struct hyp_boot_info *info)
{
    uint64_t ram = 0;
    for (unsigned i = 0; i < p->ram_count; i++)
        ram += p->ram[i].size;
    log_info("Armature %s on %s (%s)", HYP_VERSION, board_get()->name, p->model);
    log_info("%u cores, %llu MiB of memory, GICv%u with %u list registers, timer at %llu Hz", p->core_count,
             (unsigned long long)(ram >> 20), p->gic.version, gic_info()->lr_count, (unsigned long long)timer_freq());
    log_info("loaded at 0x%llx (%llu KiB)%s, console %s", (unsigned long long)info->load_pa,
             (unsigned long long)(mmu_image_size() >> 10), info->by_go ? " by go" : "", p->uart.path);
}

/* The stack protector's guard is a secret of this boot; without a seed in the host's tree it is the linked constant. */
static __startup __attribute__((no_stack_protector)) void guard_seed(const struct platform *p)
{
    uint8_t digest[32];
    if (!p->rng_seed_len)
        return;
    sha256(p->rng_seed, p->rng_seed_len, digest);
    memcpy(&__stack_chk_guard, digest, sizeof(__stack_chk_guard));
    __stack_chk_guard &= ~UINT64_C(0xff); /* a string that overruns its buffer ends before it */
}

static __startup int irqs_init(const struct platform *p)
{
    boot_check_begin(CHECK_GIC);
    int err = gic_init(&p->gic);
    if (err)
        return err;
    err = gic_core_init(this_core_arch()->index);
    if (err)
        return err;
    boot_check_begin(CHECK_TIMER);
    err = timer_init(p->timer_freq);
    if (err)
        return err;
    return timer_core_init(this_core_arch()->index);
}

/* Without its interrupt the console still writes; it is then blind. */
static __startup void console_irq_init(const struct platform_uart *uart)
{
    if (!uart->intid || pirq_register(uart->intid, console_irq, NULL, uart->path))
        log_warn("%s: no usable interrupt: the console takes no input", uart->path);
}

static __startup int memory_init(const struct platform *p)
{
    boot_check_begin(CHECK_MEMORY);
    int err = pool_init(pool_machine(), p, (struct range){ mmu_image_pa(), mmu_image_size() });
    if (err)
        return err;
    boot_check_begin(CHECK_CORES);
    return cores_init(p);
}

static __startup void firmware_start(const struct platform *p)
{
    firmware_init(!p->psci_present ? FIRMWARE_NONE : p->psci_hvc ? FIRMWARE_HVC : FIRMWARE_SMC);
    smccc_init();
}

static __startup void vms_build(const struct platform *p, const struct hyp_boot_info *info)
{
    struct bundle bundle;
    if (boot_bundle(p, info, &bundle) || config_parse(&bundle, &config))
        return;
    for (unsigned i = 0; i < config.vm_count; i++) {
        vms[i] = vm_build(&config, &config.vms[i], i);
        if (!vms[i])
            return;
        vm_count = i + 1;
    }
}

/* Nothing can go on: the reason stands on the console already. */
static _Noreturn void hyp_stop(void)
{
    log_error("stopped: nothing can be started: the boot check failed at the %s, see above", boot_check_name());
    results_line("R machine stopped");
    console_drain();
    panic_stop_here();
}

static void vm_refuse_late(struct guest_system *vm)
{
    vm_state_set(vm, VM_REFUSED);
    vm->over = true;
}

/* Those that came up and where the context may run have the same Performance Monitors as this one. */
static bool pmu_alike(const struct context *x, uint64_t up)
{
    for (uint64_t rest = x->cores & up; rest; rest &= rest - 1) {
        const struct core *c = cores[__builtin_ctzll(rest)];
        if (c != this_core() && c->pmu != pmu_version())
            return false;
    }
    return true;
}

/* A VM whose core never came up cannot run, nor one with a vdev whose threads would never. A vCPU's timers are its first core's, wherever it runs. */
static void vm_check_cores(struct guest_system *vm)
{
    const uint64_t up = cores_up();
    for (unsigned n = 0; n < vm->cpu_count && vm_state(vm) == VM_CONFIGURED; n++) {
        const struct context *x = &vm->cpus[n]->ctx;
        if (!(x->cores & up))
            log_error("vm %s: refused: no core of its vCPU %u came up", vm->name, n);
        else if (!(BIT(x->core->arch.index) & up))
            log_error("vm %s: refused: core %u, the first that its vCPU %u may run on, did not come up", vm->name,
                      x->core->arch.index, n);
        else if (vm->config->pmu && !pmu_alike(x, up))
            log_error(
                "vm %s: refused: armature,pmu: the cores of its vCPU %u do not have the same Performance Monitors",
                vm->name, n);
        else
            continue;
        vm_refuse_late(vm);
    }
    for (unsigned n = 0; n < vm->vdev_count && vm_state(vm) == VM_CONFIGURED; n++) {
        const vdev_t *v = &vm->vdevs[n];
        if (!v->v_threads || v->v_sched.cores & up)
            continue;
        log_error("vm %s: refused: no core that the threads of its vdev %s may run on (mask 0x%llx) came up", vm->name,
                  v->v_name, (unsigned long long)v->v_sched.cores);
        vm_refuse_late(vm);
    }
}

static _Noreturn __attribute__((noinline)) void hyp_run(void) RELEASE(STARTUP) NO_THREAD_SAFETY
{
    unsigned started = 0;
    startup_end();
    for (unsigned i = 0; i < vm_count; i++) {
        vm_check_cores(vms[i]);
        if (vm_state(vms[i]) != VM_CONFIGURED)
            continue;
        threads_start(vms[i]);
        vdevs_told(vms[i], VDEV_CTRL_GUEST_CONFIGURED);
    }
    console_start();
    __atomic_store_n(&go, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < vm_count; i++) {
        if (vm_state(vms[i]) == VM_REFUSED)
            results_line("R vm %s state=ended cause=refused code=%u", vms[i]->name, GTC_REFUSED);
        if (vm_state(vms[i]) != VM_CONFIGURED)
            continue;
        vm_start(vms[i]);
        started++;
    }
    if (!started) {
        log_error("no VM to run");
        if (machine.options.on_end == ON_END_OFF)
            machine_off();
    }
    core_loop(this_core());
}

/* Before the first guest is there, which would be charged with it. */
static void serror_look(void)
{
    if (core_serror_take())
        log_warn("core %u: an SError came before any guest: the boot loader or EL2 accessed what does not answer",
                 this_core()->arch.index);
}

__init_section void hyp_main(const struct hyp_boot_info *info) NO_THREAD_SAFETY
{
    mmu_init(PA(info->load_pa));
    mmu_stack_create(0, NULL, image_pa(boot_emergency_stack), &boot_core);
    console_early();
    int err = boot_platform(info, &machine);
    if (!err)
        boot_check_begin(CHECK_CONSOLE);
    if (console_init(&machine) || err)
        hyp_stop();
    guard_seed(&machine);
    results_line("R hyp version=%s cores=%u", HYP_VERSION, machine.core_count);
    if (memory_init(&machine) || irqs_init(&machine))
        hyp_stop();
    boot_check_begin(CHECK_DONE);
    console_irq_init(&machine.uart);
    greet(&machine, info);
    firmware_start(&machine);
    date_init(&machine.rtc);
    power_init(&machine);
    vms_build(&machine, info);
    memset(machine.rng_seed, 0, sizeof(machine.rng_seed));
    cores_start(&machine);
    pirqs_route();
    hyp_alloc_seal();
    log_info("EL2 uses %llu KiB beside its image", (unsigned long long)(hyp_alloc_used() >> 10));
    serror_look();
    hyp_run();
}

void hyp_secondary(struct core_arch *arch) NO_THREAD_SAFETY
{
    struct core *c = (struct core *)arch;
    if (gic_core_init(arch->index) || timer_core_init(arch->index))
        panic_stop_here();
    core_fp_seal();
    smccc_core_init();
    c->pmu = pmu_version();
    serror_look();
    __atomic_store_n(&c->state, CORE_UP, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
        spin_pause();
    core_loop(c);
}
