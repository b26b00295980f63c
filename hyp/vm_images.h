/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "hyp/vm.h"

/*
 * Decides where the VM's images and its device tree go, writes the tree, and lists in vm->images what each start copies; entry and fdt_ipa too. RAM and
 * vdevs are there. A negative errno, traced.
 */
int vm_images_create(struct guest_system *vm, const struct config *c) __startup __must_check;
