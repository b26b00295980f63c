/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/smccc.h"
#include "arch/arm64/firmware.h"
#include "hyp/base/config.h"

#define SMCCC_1_2 0x10002
#define SMCCC_1_1 0x10001
#define SMCCC_FAST BIT(31)
#define SMCCC_OWNER FIELD(29, 24)
#define OWNER_ARCH 0
#define OWNER_STANDARD 4

#define WORKAROUND_NOT_NEEDED \
    1 /* DEN 0070: this core is not affected, or its mitigation is there for good; callable all the same */

/* The firmware's answer to SMCCC_ARCH_FEATURES of each workaround: set at startup, then const. */
static int64_t workaround_1 = PSCI_NOT_SUPPORTED, workaround_2 = PSCI_NOT_SUPPORTED, workaround_3 = PSCI_NOT_SUPPORTED;
static bool ssbd_dynamic;

static int64_t firmware_has(uint32_t fn)
{
    return (int32_t)firmware_call(SMCCC_ARCH_FEATURES, fn, 0, 0);
}

void smccc_init(void)
{
    if (firmware_call(PSCI_FEATURES, SMCCC_VERSION, 0, 0) != PSCI_SUCCESS ||
        (int32_t)firmware_call(SMCCC_VERSION, 0, 0, 0) < SMCCC_1_1)
        return;
    workaround_1 = firmware_has(SMCCC_ARCH_WORKAROUND_1);
    workaround_2 = firmware_has(SMCCC_ARCH_WORKAROUND_2);
    workaround_3 = firmware_has(SMCCC_ARCH_WORKAROUND_3);
    ssbd_dynamic = workaround_2 == PSCI_SUCCESS;
    if (ssbd_dynamic)
        workaround_2 = WORKAROUND_NOT_NEEDED;
    smccc_core_init();
}

/* Where Speculative Store Bypass can be allowed again by a call, it stays disabled for all: a guest's choice would be the next one's on this core, and EL2's. */
void smccc_core_init(void)
{
    if (ssbd_dynamic)
        firmware_call(SMCCC_ARCH_WORKAROUND_2, 1, 0, 0);
}

void smccc_vm_switch(void)
{
    if (!IS_ENABLED(CONFIG_SPECTRE_FIRMWARE))
        return;
    if (workaround_3 >= 0)
        firmware_call(SMCCC_ARCH_WORKAROUND_3, 0, 0, 0);
    else if (workaround_1 >= 0)
        firmware_call(SMCCC_ARCH_WORKAROUND_1, 0, 0, 0);
}

/* PV_TIME_FEATURES is discovered here although another service has it (DEN 0057A 3.1). */
static int64_t arch_features(const struct guest_system *vm, uint32_t fn)
{
    switch (fn) {
    case SMCCC_VERSION:
    case SMCCC_ARCH_FEATURES: return PSCI_SUCCESS;
    case SMCCC_ARCH_WORKAROUND_1: return workaround_1;
    case SMCCC_ARCH_WORKAROUND_2: return workaround_2;
    case SMCCC_ARCH_WORKAROUND_3: return workaround_3;
    case SMCCC_PV_TIME_FEATURES: return instr_serves(vm, GIT_ARM_HVC, fn) ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
    }
    return PSCI_NOT_SUPPORTED;
}

/* Arm Architecture calls. The workarounds have no result: x0 to x3 stay. */
static void arch_call(struct guest_cpu *v, uint32_t fn)
{
    struct vcpu_arch *a = &v->arch;
    switch (fn) {
    case SMCCC_VERSION: a->regs.x[0] = SMCCC_1_2; return;
    case SMCCC_ARCH_FEATURES: a->regs.x[0] = (uint64_t)arch_features(v->vm, (uint32_t)a->regs.x[1]); return;
    case SMCCC_ARCH_WORKAROUND_1:
    case SMCCC_ARCH_WORKAROUND_3:
        if (arch_features(v->vm, fn) >= 0) {
            firmware_call(fn, 0, 0, 0);
            return;
        }
        break;
    case SMCCC_ARCH_WORKAROUND_2:
        if (arch_features(v->vm, fn) >= 0)
            return; /* nothing to do on this core */
        break;
    }
    a->regs.x[0] = (uint64_t)PSCI_NOT_SUPPORTED;
}

bool smccc_serves(uint32_t fn)
{
    uint64_t owner = field_get(SMCCC_OWNER, fn);
    return fn & SMCCC_FAST && (owner == OWNER_ARCH || owner == OWNER_STANDARD);
}

bool smccc_quick(struct guest_cpu *v)
{
    struct vcpu_arch *a = &v->arch;
    uint32_t fn = (uint32_t)a->regs.x[0];
    if (fn == PSCI_VERSION) {
        a->regs.x[0] = 0x10001;
        return true;
    }
    if (field_get(SMCCC_OWNER, fn) == OWNER_STANDARD && fn & SMCCC_FAST)
        return false;
    if (field_get(SMCCC_OWNER, fn) == OWNER_ARCH && fn & SMCCC_FAST && !(fn & SMCCC_64))
        arch_call(v, fn);
    else if (v->vm->traps.count)
        return false;
    else
        a->regs.x[0] = (uint64_t)PSCI_NOT_SUPPORTED;
    return true;
}

static __running enum call_result standard_call(struct guest_cpu *v, uint32_t fn)
{
    int64_t x0;
    enum call_result result = psci_call(v, fn & ~SMCCC_64, fn & SMCCC_64, &x0);
    v->arch.regs.x[0] = (uint64_t)x0;
    return result;
}

bool smccc_about_others(struct guest_cpu *v)
{
    uint32_t fn = (uint32_t)v->arch.regs.x[0];
    switch (fn & ~SMCCC_64) {
    case PSCI_CPU_ON:
    case PSCI_AFFINITY_INFO:
    case PSCI_FEATURES: (void)standard_call(v, fn); return true;
    }
    return false;
}

enum call_result smccc_call(struct guest_cpu *v)
{
    return smccc_quick(v) ? CALL_DONE : standard_call(v, (uint32_t)v->arch.regs.x[0]);
}
