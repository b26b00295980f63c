/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The few things a guest wants from its device tree (Devicetree Specification 0.4, chapter 5). */
#include "hyp/base/bits.h"

struct machine {
    bool valid;
    char bootargs[512];
    uint64_t ram_base, ram_size;
    unsigned int cpus;
    unsigned int gic; /* the version that the interrupt controller's node names; 0: none known */
    uint64_t mpidr[16];
    uint64_t initrd_start, initrd_end;
};

extern struct machine machine;

void fdt_read(uint64_t tree);
/* The value of the word `name=` in bootargs, copied up to a blank; false when absent. */
bool bootarg_text(const char *name, char *to, size_t size);
/* The same as a number (decimal or 0x...), or `otherwise`. */
uint64_t bootarg_number(const char *name, uint64_t otherwise);
