/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The life of a VM's vdevs, as the VM's builder and its life see it. */
#include "hyp/vm.h"

/*
 * Makes the VM's vdevs and takes them through startup: for each OPTIONS_START, its options, OPTIONS_END; then ASSIGN for all, then their
 * regions. vm->vdevs[i] is the vdev of vm->config->vdevs[i]; the first is the interrupt controller. The VM's name, config, vCPUs, RAM
 * regions and address space are there already. The first error refuses the VM: a negative errno, traced with the node's path.
 */
int vdev_create_all(struct guest_system *vm, const void *description) __startup __must_check;
/* Tells every vdev, the interrupt controller first, an enum vdev_ctrl of the running phase. All are told; the first error (negative, traced) is
 * the answer. Any core; no vCPU of the VM runs, or the code is one that a running VM may see (STATUS, BUTTON). */
int vdev_control_all(struct guest_system *vm, unsigned code) __running;
/* The power button is pressed: all vdevs are told. Did one pass it on to the guest? Any core; the VM runs. */
bool vdev_button_all(struct guest_system *vm) __running;
