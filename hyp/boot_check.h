/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a start needs, in the order in which it is looked at. Whoever looks at one says so; a start that ends there, or faults, then names it. The exception
 * level came before: start-up assembly refuses a wrong one itself.
 */
#include "hyp/base/phase.h"

enum boot_check { CHECK_TREE, CHECK_MEMORY, CHECK_CORES, CHECK_GIC, CHECK_TIMER, CHECK_CONSOLE, CHECK_DONE };

void boot_check_begin(enum boot_check what) __startup;
/* The one that was begun last, for people; NULL: all are done. Any phase. */
const char *boot_check_name(void);
