/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The machine as a whole: how it ends and how it is. */
#include "hyp/base/phase.h"

/* Powers off: PSCI, or the board's way. Drains the console first. Any core. */
_Noreturn void machine_off(void);
_Noreturn void machine_reset(void);
/* Every VM, vCPU and core to the log: state, exits by kind. Any core. */
void machine_status(void);
/* The VM of that name, its vCPUs and what its vdevs say of themselves, to the log. NULL, or why not, for people. Any core. */
const char *machine_vm_status(const char *name) __running;
/* Presses the power button of the VM of that name. What came of it, for people. Any core. */
const char *machine_vm_button(const char *name) __running;
/* Pauses or resumes the VM of that name. What came of it, for people. */
const char *machine_vm_pause(const char *name, bool pause) __running;
/* A VM ended for good: when it was the last, the machine ends as options say. */
void machine_vm_ended(void) __running;
