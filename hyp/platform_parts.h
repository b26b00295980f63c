/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What platform_parse() is made of, each part reading its own nodes of a tree that dt_check() passed. Errors are
 * traced; a part that answers nothing only warns, and leaves its fields as they are.
 */
#include "boards/early.h"
#include "hyp/platform.h"

/* -ENODEV: no usable RAM. */
int platform_ram(const void *fdt, struct platform *p) __startup __must_check;
/* /reserved-memory, and the pages that cores of a spin table wait in. -E2BIG: more than the table holds. */
int platform_reserved(const void *fdt, struct platform *p) __startup __must_check;
/* After the bundle was checked against the others: /memreserve/, which may name it, the tree and the bundle. -E2BIG. */
int platform_reserved_rest(const void *fdt, struct platform *p) __startup __must_check;
/* PSCI and cores. -ENODEV: no core. */
int platform_cores(const void *fdt, struct platform *p) __startup __must_check;
/* The controller's node, taken into `p`. -ENODEV: none that can be used. */
int platform_gic(const void *fdt, struct platform *p) __startup __must_check;
/* -ENODEV: an interrupt that is none of those that the generic timer has in every machine (Arm's BSA), which is what EL2 and guests are made for. */
int platform_timer(const void *fdt, int gic, struct platform *p) __startup __must_check;
/* Where the registers are of the UART that the console's pins lead to. 0: that cannot be told, or it is the same for all (boards/board.h). */
uint64_t platform_pins_uart(const void *fdt) __startup;
/* The UART to write to where no tree says one. */
struct early_uart platform_early_uart(void) __startup;
/* `chosen`: the node of that name, negative if the tree has none; so below. */
void platform_uarts(const void *fdt, int chosen, int gic, struct platform *p) __startup;
void platform_rtc(const void *fdt, struct platform *p) __startup;
/* The bundle's place; one that cannot be is refused and then absent. */
void platform_initrd(const void *fdt, int chosen, struct platform *p) __startup;
/* Takes the seed and wipes it in the tree. */
void platform_seed(void *fdt, int chosen, struct platform *p) __startup;
/* Decodes boot arguments; unknown words are named in the log. */
void platform_options(const char *bootargs, struct boot_options *o) __startup;
