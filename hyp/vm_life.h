/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A VM's life once it is built: loaded, started, ended, and again. */
#include "hyp/vm.h"

/* Its keeper begins: loads it, starts it, and sees to its end and what comes then. Its vCPUs are off. */
void vm_start(struct guest_system *vm) __running;
/* Its memory as the description says, the same for the first start and every restart, then its first vCPU is on. Its keeper. */
void vm_load(struct guest_system *vm) __running;
/* Tells its vdevs of a step on the way to its first vCPU. If one cannot go it the VM ends there (GTC_REFUSED), and is not started again. */
void vdevs_told(struct guest_system *vm, unsigned code) __running;
/* Who speaks to the vdevs of a VM that may end meanwhile (STATUS, BUTTON): between these two it is not torn down. False: it does not run and is not
 * paused. Any core. */
bool vm_tell_begin(struct guest_system *vm) __running;
void vm_tell_end(struct guest_system *vm) __running;
/* A vCPU of an ending VM is out of its guest for good; with the last one the VM has ended. */
void vm_cpu_gone(struct guest_cpu *v) __running;
/* A vCPU is started at pc with x0, its data big-endian or not. PSCI's answer. */
int vm_cpu_on(struct guest_cpu *v, uint64_t pc, uint64_t x0, bool big_endian) __running;
/* On its own core: a vCPU whose start is pending takes its reset state. false: none was. */
bool vm_cpu_arrive(struct guest_cpu *v) __running;
/* All vCPUs out of their guest until it is resumed; with its own clock that stands still. false: it is not running, or not paused. Any core. */
bool vm_pause(struct guest_system *vm) __running;
bool vm_resume(struct guest_system *vm) __running;
/* Before a vCPU is loaded, on its core: its clock is the VM's. */
void vm_cpu_clock(struct guest_cpu *v);
/* The calling vCPU goes off. */
void vm_cpu_off(struct guest_cpu *v) __running;
