/* SPDX-License-Identifier: Apache-2.0 */
/* Assembling a VM: startup, one core. */
#include "hyp/vm.h"
#include "arch/arm64/idregs.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/pmu.h"
#include "arch/arm64/timer.h"
#include "hyp/base/log.h"
#include "hyp/console.h"
#include "hyp/core.h"
#include "hyp/dry_run.h"
#include "hyp/exit.h"
#include "hyp/host.h"
#include "hyp/pirq.h"
#include "hyp/pool.h"
#include "hyp/thread.h"
#include "hyp/vdev_core.h"
#include "hyp/vm_images.h"

#include <errno.h>

#define IPA_BITS_LEAST 36

struct guest_system *vms[CONFIG_MAX_VMS];
unsigned vm_count;

/* A vCPU's MPIDR: Aff0 0 to 15, then Aff1; bit 31 is RES1. */
static __startup uint64_t vcpu_mpidr(unsigned index)
{
    return (index & 15) | (uint64_t)(index >> 4) << 8;
}

/* The core with the fewest vCPUs; the first of equals. */
static __startup struct core *core_least_used(void)
{
    struct core *best = NULL;
    for (unsigned i = 0; i < CONFIG_MAX_CORES; i++)
        if (cores[i] && (!best || cores[i]->cpu_count < best->cpu_count))
            best = cores[i];
    return best;
}

static __startup int vcpu_create(struct guest_system *vm, unsigned index)
{
    const struct config_vm *vc = vm->config;
    uint64_t on = vc->runmask[index];
    struct guest_cpu *v = hyp_alloc(sizeof(*v), 16);
    if (!v)
        return -ENOMEM;
    v->vm = vm;
    v->index = index;
    v->mpidr = vcpu_mpidr(index);
    vcpu_power_set(v, VCPU_OFF);
    vm->cpus[index] = v;
    struct core *home = on ? cores[__builtin_ctzll(on)] : core_least_used();
    if (!on)
        on = BIT(home->arch.index);
    if (!(on & (on - 1)))
        home->cpu_count++;
    if (!index)
        vm->home = home;
    int err = context_init(&v->ctx, CONTEXT_VCPU, home);
    if (err)
        return err;
    context_set(&v->ctx, vc->priority, on);
    context_budget(&v->ctx, timer_us(vc->budget_us), timer_us(vc->period_us), vc->background);
    v->ctx.core = home;
    return vcpu_wake_init(v, home);
}

static __startup int vcpus_create(struct guest_system *vm)
{
    vm->cpus = hyp_alloc(vm->config->cpus * sizeof(vm->cpus[0]), 8);
    if (!vm->cpus)
        return -ENOMEM;
    for (unsigned i = 0; i < vm->config->cpus; i++) {
        int err = vcpu_create(vm, i);
        if (err)
            return err;
        vm->cpu_count = i + 1;
    }
    return 0;
}

static __startup int keeper_create(struct guest_system *vm)
{
    vm->sched = (struct vdev_sched){ .priority = vm->config->priority, .background = -1 };
    for (unsigned i = 0; i < vm->cpu_count; i++)
        vm->sched.cores |= vm->cpus[i]->ctx.cores;
    vm->keeper = hyp_alloc(sizeof(*vm->keeper), 16);
    return vm->keeper ? thread_alloc(vm->keeper, vm, vm->home) : -ENOMEM;
}

static __startup unsigned ipa_bits_needed(const struct config_vm *vc)
{
    unsigned bits = IPA_BITS_LEAST;
    for (unsigned i = 0; i < vc->ram_count; i++)
        while (bits < 48 && vc->ram[i].base.raw + vc->ram[i].size > BIT(bits))
            bits++;
    return bits;
}

/* Who has some of this host memory, for messages. */
static __startup const char *memory_owner(pa_t base, uint64_t size)
{
    for (unsigned i = 0; i < vm_count; i++)
        for (unsigned n = 0; vm_state(vms[i]) != VM_REFUSED && n < vms[i]->config->ram_count; n++)
            if (ranges_overlap(base.raw, size, vms[i]->ram[n].base.raw, vms[i]->ram[n].size))
                return vms[i]->config->path;
    if (ranges_overlap(base.raw, size, mmu_image_pa().raw, mmu_image_size()))
        return "the hypervisor";
    return "the firmware, the bundle or nobody";
}

static __startup int ram_create(struct guest_system *vm, unsigned i)
{
    const struct config_ram *r = &vm->config->ram[i];
    struct range *host = &vm->ram[i];
    if (vm->config->identity) {
        *host = (struct range){ PA(r->base.raw), r->size };
        if (pool_take(pool_machine(), *host)) {
            host->size = 0;
            return error_at(-EBUSY, "%s: identity: host memory 0x%llx to 0x%llx is not free: %s has part of it",
                            vm->config->path, (unsigned long long)r->base.raw,
                            (unsigned long long)(r->base.raw + r->size), memory_owner(PA(r->base.raw), r->size));
        }
    } else {
        /* The same offset in 2 MiB as the guest sees, so that blocks can be used. */
        uint64_t align = r->size >= BLOCK_SIZE && is_aligned(r->base.raw, BLOCK_SIZE) ? BLOCK_SIZE : PAGE_SIZE;
        *host = pool_alloc(pool_machine(), r->size, align, PA(0), PA(BIT(48)));
        if (!host->size)
            return error_at(-ENOMEM, "%s: memory@%llx: %llu MiB wanted, the largest free piece is %llu MiB",
                            vm->config->path, (unsigned long long)r->base.raw, (unsigned long long)(r->size >> 20),
                            (unsigned long long)(pool_largest(pool_machine()) >> 20));
    }
    struct region region = {
        .base = r->base,
        .size = r->size,
        .flags = GRF_ACTIVE | GRF_MEMORY | GRF_PASS_RD | GRF_PASS_EX | (r->read_only ? 0 : GRF_PASS_WR),
        .host = host->base,
        .owner = r->read_only ? "ROM" : "RAM",
    };
    return aspace_add(&vm->as, &region);
}

static __startup int memory_create(struct guest_system *vm)
{
    int err = aspace_init(&vm->as, (uint16_t)(vm->id + 1), ipa_bits_needed(vm->config));
    for (unsigned i = 0; !err && i < vm->config->ram_count; i++)
        err = ram_create(vm, i);
    return err;
}

static __startup int pmu_create(struct guest_system *vm)
{
    if (!pmu_version())
        return error_at(-ENODEV, "%s: armature,pmu: the cores have no Performance Monitors", vm->config->path);
    for (unsigned i = 0; i < vm->cpu_count; i++) {
        struct vcpu_pmu *pmu = hyp_alloc(sizeof(*pmu), 8);
        if (!pmu)
            return -ENOMEM;
        vcpu_arch_pmu(&vm->cpus[i]->arch, pmu);
    }
    return 0;
}

static __startup void idregs_create(struct guest_system *vm)
{
    uint64_t pmu = vm->config->pmu ? pmu_version() : 0;
    for (unsigned crm = 1; crm <= 7; crm++)
        for (unsigned op2 = 0; op2 < 8; op2++)
            vm->idregs[crm - 1][op2] =
                idreg_with_pmu(crm, op2, idreg_guest(crm, op2, idreg_host(crm, op2), vm->as.ipa_bits), pmu);
}

static __startup int vm_assemble(struct guest_system *vm, const struct config *c)
{
    int err = memory_create(vm);
    if (!err)
        err = vcpus_create(vm);
    if (!err)
        err = keeper_create(vm);
    if (!err)
        err = vdev_create_all(vm, c->vms_fdt);
    if (!err)
        err = threads_create(vm);
    if (!err)
        err = vm_images_create(vm, c);
    if (err)
        return err;
    for (unsigned i = 0; i < vm->cpu_count; i++) {
        struct guest_cpu *v = vm->cpus[i];
        vcpu_arch_init(&v->arch, v->mpidr | BIT(31), vm->as.vttbr, vm->as.vtcr);
        v->arch.fast = exit_fast;
        if (vcpu_floats(v))
            vcpu_arch_floats(&v->arch);
        v->arch.timer.own_clock = vm->config->counter == COUNTER_OWN;
    }
    idregs_create(vm);
    return vm->config->pmu ? pmu_create(vm) : 0;
}

/* How much of what the machine shares out was taken before a VM. */
struct machine_shares {
    unsigned consoles, pirqs, claims;
};

/* It will never run: neither its consoles, interrupts and devices nor its vCPUs are anybody's concern. */
static __startup void vm_retire(struct guest_system *vm, enum vm_state state, const struct machine_shares *before)
{
    console_ports_forget(before->consoles);
    pirq_forget(before->pirqs);
    host_claims_forget(before->claims);
    vm_state_set(vm, state);
    vm->over = true;
    for (unsigned i = 0; i < vm->cpu_count; i++)
        if (!vcpu_floats(vm->cpus[i]))
            vm->cpus[i]->ctx.core->cpu_count--;
}

/* Freed whole: nothing of a refused VM ever ran, and EL2's own small pieces of it are not worth a second allocator. */
static __startup void vm_refuse(struct guest_system *vm, const struct machine_shares *before)
{
    vm_retire(vm, VM_REFUSED, before);
    for (unsigned i = 0; i < vm->config->ram_count; i++)
        if (vm->ram[i].size)
            pool_free(pool_machine(), vm->ram[i]);
    aspace_destroy(&vm->as);
    log_error("vm %s: refused, see above; the others go on", vm->name);
}

static __startup void vm_report(struct guest_system *vm)
{
    uint64_t ram = 0;
    for (unsigned i = 0; i < vm->config->ram_count; i++)
        ram += vm->ram[i].size;
    log_info("vm %s: %u vcpus, %llu MiB, priority %u, entry 0x%llx", vm->name, vm->cpu_count,
             (unsigned long long)(ram >> 20), vm->config->priority, (unsigned long long)vm->entry);
    for (unsigned i = 0; i < vm->cpu_count; i++)
        log_debug("vm %s: vcpu %u on cores 0x%llx", vm->name, i, (unsigned long long)vm->cpus[i]->ctx.cores);
    for (unsigned i = 0; i < vm->vdev_count; i++) {
        char name[80];
        vdev_string(name, sizeof(name), &vm->vdevs[i]);
        log_info("vm %s: vdev %s (%s)", vm->name, name, vm->vdevs[i].v_factory->name);
    }
    aspace_report(&vm->as, vm->name);
}

struct guest_system *vm_build(const struct config *c, const struct config_vm *vc, unsigned id)
{
    struct guest_system *vm = hyp_alloc(sizeof(*vm), 16);
    if (!vm)
        return NULL;
    lock_rank(&vm->lock, LOCK_VM, 0);
    lock_rank(&vm->clock_lock, LOCK_CLOCK, 0);
    vm->id = id;
    vm->config = vc;
    vm->name = vc->name;
    vm->fdt_source = c->vms_fdt;
    vm_state_set(vm, VM_CONFIGURED);
    struct machine_shares before = { console_ports(), pirq_registered(), host_claims() };
    if (vc->refused || vm_assemble(vm, c)) {
        vm_refuse(vm, &before);
        return vm;
    }
    vm_report(vm);
    if (vc->dry_run) {
        dry_run_show(vm);
        vm_retire(vm, VM_ENDED, &before);
    }
    return vm;
}
