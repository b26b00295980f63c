/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Faults of EL2 itself, provoked on purpose. Linked with CONFIG_TEST_FAULTS only: ask IS_ENABLED() before the call. */
#include "hyp/vm.h"

/* An exit has happened: after the twentieth full one of the machine, does what the boot argument test-fault= says. Any core. */
void test_fault_point(const struct guest_cpu *v);
