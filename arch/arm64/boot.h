/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The tables that the boot core made with its MMU off, and the rest of their pool. */
#include <stdint.h>
#include "arch/arm64/core_arch.h"

/* A window is a table at most: one a core and one a VM. */
#define BOOT_TABLES (22 + CONFIG_MAX_CORES + CONFIG_MAX_VMS)

struct boot_table {
    uint64_t entry[512];
};

extern struct boot_table boot_root;
extern struct core_arch boot_core;

void boot_parse_go(uint64_t argc, const char *const *argv, uint64_t out[2]);
uint64_t boot_tables(uint64_t load);
uint64_t boot_tcr(void);
/* A zeroed table page of the image's pool, or NULL. Any time; the caller holds the lock of EL2's tables once it exists. */
uint64_t *boot_table_take(void);
