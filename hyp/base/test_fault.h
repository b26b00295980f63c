/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Faults of EL2 itself, provoked on purpose. Linked with CONFIG_TEST_FAULTS only: ask IS_ENABLED() before the call. */
#include <stdbool.h>

struct guest_cpu;

/* An exit has happened: after the twentieth full one of the machine, or of the second core, does what the boot argument test-fault= says. Any core. */
void test_fault_point(struct guest_cpu *v);
/* A virtual interrupt comes: is it to be lost? One of many is, with test-fault=dropped-interrupt. Any core. */
bool test_fault_drops(void);
