/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What is done about an exit. */
#include "hyp/vm.h"

/* A full exit of this core's vCPU, list registers folded: emulates, injects, or ends the VM. */
void exit_dispatch(struct guest_cpu *v, const struct exit *e) __running;
/* The hot exits that need no full exit: vcpu_fast_fn. */
int exit_fast(struct vcpu_arch *arch, unsigned left) __running;
/* What the guest may not do goes by the VM's policy: inject UNDEF, skip (reads give zero), or end the VM. Counted and logged, limited. */
void exit_unsupported(struct guest_cpu *v, const struct exit *e, enum unsupported_policy policy,
                      const char *what) __running;

/* Lets the VM's vdevs serve an instruction, and does what they answer. False: it is nobody's. */
bool instr_exit(struct guest_cpu *v, const struct exit *e, unsigned git, uint64_t qualifier, bool any) __running;
/* A trapped system register. */
void sysreg_exit(struct guest_cpu *v, const struct exit *e) __running;
/* HVC and SMC: SMCCC, PSCI. */
void smccc_exit(struct guest_cpu *v, const struct exit *e) __running;
/* Another core is in a panic: stop here. */
_Noreturn void panic_stop_here(void);
