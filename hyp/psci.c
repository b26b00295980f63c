/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI 1.1 for guests (DEN 0022, section 5). */
#include "arch/arm64/firmware.h"
#include "hyp/base/log.h"
#include "hyp/smccc.h"
#include "hyp/vm_life.h"

#define PSCI_1_1 0x10001
#define MIGRATE_NOT_REQUIRED 2
#define SUSPEND_RESERVED (FIELD(31, 26) | FIELD(23, 17))
#define SUSPEND_POWERDOWN BIT(16)
#define RESET2_VENDOR BIT(31)
enum { AFFINITY_ON = 0, AFFINITY_OFF = 1 };

bool psci_has(uint32_t fn)
{
    switch (fn & ~SMCCC_64) {
    case PSCI_CPU_SUSPEND:
    case PSCI_CPU_ON:
    case PSCI_AFFINITY_INFO:
    case PSCI_SYSTEM_RESET2: return true; /* in both widths */
    case PSCI_VERSION:
    case PSCI_CPU_OFF:
    case PSCI_MIGRATE_INFO_TYPE:
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case PSCI_FEATURES: return !(fn & SMCCC_64);
    }
    return false;
}

static struct guest_cpu *cpu_by_mpidr(struct guest_system *vm, uint64_t mpidr)
{
    for (unsigned i = 0; i < vm->cpu_count; i++)
        if (vm->cpus[i]->mpidr == mpidr)
            return vm->cpus[i];
    return NULL;
}

static bool entry_ok(struct guest_system *vm, uint64_t pc)
{
    return !(pc & 3) && aspace_ram_at(&vm->as, IPA(pc), 4, 0).size >= 4;
}

static __running int64_t psci_cpu_on(const struct guest_cpu *v, uint64_t target, uint64_t pc, uint64_t context)
{
    struct guest_system *vm = v->vm;
    struct guest_cpu *t = cpu_by_mpidr(vm, target);
    if (!t)
        return PSCI_INVALID_PARAMETERS;
    if (!entry_ok(vm, pc))
        return PSCI_INVALID_ADDRESS;
    return vm_cpu_on(t, pc, context, vcpu_el1_big_endian());
}

static int64_t psci_affinity_info(struct guest_system *vm, uint64_t target, uint64_t level)
{
    if (level > 3)
        return PSCI_INVALID_PARAMETERS;
    uint64_t ignored = BIT(8 * level) - 1; /* the affinity fields below the level */
    int64_t answer = PSCI_INVALID_PARAMETERS;
    target &= ~ignored;
    lock_acquire(&vm->lock);
    for (unsigned i = 0; i < vm->cpu_count; i++) {
        if ((vm->cpus[i]->mpidr & ~ignored) != target)
            continue;
        int64_t one = AFFINITY_OFF;
        switch (vcpu_power(vm->cpus[i])) {
        case VCPU_ON_PENDING: /* as CPU_ON says */
        case VCPU_ON: one = AFFINITY_ON; break;
        case VCPU_OFF: break;
        }
        if (answer < 0 || one == AFFINITY_ON)
            answer = one; /* a group is on if one of it is */
    }
    lock_release(&vm->lock);
    return answer;
}

static enum call_result psci_cpu_suspend(struct guest_cpu *v, uint64_t state, uint64_t pc, uint64_t context,
                                         int64_t *x0)
{
    if (state & SUSPEND_RESERVED) {
        *x0 = PSCI_INVALID_PARAMETERS;
        return CALL_DONE;
    }
    if (state & SUSPEND_POWERDOWN) {
        if (!entry_ok(v->vm, pc)) {
            *x0 = PSCI_INVALID_ADDRESS;
            return CALL_DONE;
        }
        v->start_pc = pc;
        v->start_x0 = context;
        v->start_big_endian = vcpu_el1_big_endian();
        v->powered_down = true;
    }
    *x0 = PSCI_SUCCESS;
    v->waiting = v->powered_down || !vcpu_serror_pending();
    return CALL_BLOCKED;
}

static int64_t psci_features(uint32_t fn)
{
    return psci_has(fn) || fn == SMCCC_VERSION ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
}

enum call_result psci_call(struct guest_cpu *v, uint32_t fn, bool wide, int64_t *x0)
{
    const uint64_t *x = v->arch.regs.x, mask = wide ? ~UINT64_C(0) : FIELD(31, 0);
    uint64_t a = x[1] & mask, b = x[2] & mask, c = x[3] & mask;
    /* power_state, lowest_affinity_level and reset_type are that of the 64-bit functions too. */
    uint32_t a32 = (uint32_t)a, b32 = (uint32_t)b;
    *x0 = PSCI_NOT_SUPPORTED;
    if (!psci_has(wide ? fn | SMCCC_64 : fn))
        return CALL_DONE;
    switch (fn) {
    case PSCI_VERSION: *x0 = PSCI_1_1; break;
    case PSCI_CPU_SUSPEND: return psci_cpu_suspend(v, a32, b, c, x0);
    case PSCI_CPU_OFF: vm_cpu_off(v); return CALL_BLOCKED;
    case PSCI_CPU_ON: *x0 = psci_cpu_on(v, a, b, c); break;
    case PSCI_AFFINITY_INFO: *x0 = psci_affinity_info(v->vm, a, b32); break;
    case PSCI_MIGRATE_INFO_TYPE: *x0 = MIGRATE_NOT_REQUIRED; break;
    case PSCI_SYSTEM_OFF: guest_terminate(v->vm, GTC_OFF); return CALL_BLOCKED;
    case PSCI_SYSTEM_RESET: guest_terminate(v->vm, GTC_RESET); return CALL_BLOCKED;
    case PSCI_SYSTEM_RESET2:
        if (a32) {
            *x0 = a32 & RESET2_VENDOR ? PSCI_NOT_SUPPORTED : PSCI_INVALID_PARAMETERS;
            break;
        }
        guest_terminate(v->vm, GTC_RESET);
        return CALL_BLOCKED;
    case PSCI_FEATURES: *x0 = psci_features(a32); break;
    }
    return CALL_DONE;
}
