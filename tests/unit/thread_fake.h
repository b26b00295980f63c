/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "hyp/vm.h"

/* The VM's keeper, as after its first start, sees to all that was signalled. */
void keeper_turn(struct guest_system *vm);
/* A test's own: the VM was loaded again. */
void vm_loaded(struct guest_system *vm);
/* What happens in each sleep of a thread; NULL: nothing. */
extern void (*fake_sleep)(void);
