/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The seeds in a guest's generated tree: room for them is made with it, and they are written for each life of the VM. */
#include "hyp/vm.h"

struct vm_seed {
    char name[12]; /* of the property of /chosen */
    uint8_t size;
};
extern const struct vm_seed vm_seeds[VM_SEEDS];

/* Where in the tree, as it is kept, those are that were made for it (vm->seeds_made). */
void vm_seeds_find(struct guest_system *vm, void *tree) __startup;
/* Those of its next life, into the kept tree, which is about to be copied. Running; the VM's keeper. */
void vm_seeds_write(struct guest_system *vm);
