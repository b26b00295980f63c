/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A guest's calls: SMCCC (DEN 0028) and PSCI 1.1 (DEN 0022). What nobody serves answers NOT_SUPPORTED and preserves every other register. */
#include "hyp/vm.h"

/* What a call did, for who made it. */
enum call_result {
    CALL_DONE,    /* x0 is the answer */
    CALL_BLOCKED, /* the vCPU sleeps or is off; x0 is what it finds if it goes on */
};

/* Reads the firmware's answers about the workarounds once. */
void smccc_init(void) __startup;
/* The same for what each core has of its own; smccc_init() did it for the boot core. */
void smccc_core_init(void);
/* Another VM comes to this core: what it left in the branch predictors shall not steer ours or the next one's, as the firmware offers. */
void smccc_vm_switch(void);
/* Performs the call in x0-x17 of the vCPU. */
enum call_result smccc_call(struct guest_cpu *v) __running;
/* The calls that need nothing but their registers; those of nobody too, unless the VM has vdevs that serve calls. true: answered. */
bool smccc_quick(struct guest_cpu *v);
/* The calls about other vCPUs, which leave the caller as it is (PSCI's CPU_ON, AFFINITY_INFO, PSCI_FEATURES). Waits for no vCPU. true: answered. */
bool smccc_about_others(struct guest_cpu *v) __running;

/* Is the call of an owner that the hypervisor stands for (Arm Architecture, Standard Secure)? Pure. */
bool smccc_serves(uint32_t fn);

/* PSCI: fn without SMCCC_64; wide: it was given. Answers in *x0. */
enum call_result psci_call(struct guest_cpu *v, uint32_t fn, bool wide, int64_t *x0) __running;
/* Would psci_call() know it? (PSCI_FEATURES) Pure. */
bool psci_has(uint32_t fn);
