/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What is told of a VM that is built only to be looked at. */
#include "hyp/vm.h"

/*
 * On the results channel: where the VM would start, and its tree, 64 bytes a line: "T NAME OFFSET BYTES", both in hexadecimal.
 * `tools/armature run --trees` makes a file of it.
 */
void dry_run_show(const struct guest_system *vm) __startup;
