/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The guest's own device tree, made once at startup from the VM's description. */
#include "hyp/vm.h"

/*
 * Writes the tree into buf: root (compatible, model, cells, interrupt-parent), chosen (bootargs, stdout-path, initrd when initrd_size, rng-seed and kaslr-seed
 * derived from the host's), cpus with PSCI, psci (HVC, 0.2 and 1.0), memory nodes, then every vdev's node (copied without armature,*; `reg`/`interrupts` as assigned;
 * the vdev's GEN_FDT adds to it), other nodes of the VM description without compatible-matched vdev (fixed clocks, aliases) as they are. Packed, no NOPs. 0 or -ENOSPC (traced).
 */
int gtree_build(struct guest_system *vm, void *buf, size_t size, ipa_t initrd, uint64_t initrd_size,
                size_t *used) __startup __must_check;
/* Calls one vdev's GEN_FDT (the vdev core's). */
int vdev_gen_fdt(struct guest_system *vm, unsigned index, struct vdev_fdt *f) __startup __must_check;

/*
 * A guest that brings its own tree (armature,dtb) gets a copy of it, with bootargs and the ramdisk's place in /chosen where the description
 * gives them, and nothing else changed. 0; -EINVAL: no sound tree; -ENOSPC (all traced).
 */
int gtree_own(const struct config_vm *c, const struct image *tree, void *buf, size_t size, ipa_t initrd,
              uint64_t initrd_size, size_t *used) __startup __must_check;
