/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A machine and vdev types for tests of descriptions, and VMs made of them without a hypervisor. */
#include "hyp/platform.h"
#include "hyp/vm.h"

/* What platform() answers. */
extern struct platform test_platform;

/*
 * The vdev core's part: vdevs as the description gives them; `place` and `line` are given to those that it leaves
 * open, upwards from there. Freed by test_vm_free().
 */
struct guest_system *test_vm_make(const struct config_vm *config, unsigned id, uint64_t place, uint32_t line);
void test_vm_free(struct guest_system *vm);

/* If not NULL: what every vdev adds to its node, before its own. */
extern int (*test_gen_fdt)(struct vdev_fdt *f);
