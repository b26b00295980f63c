/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reading one VM's nodes of a description that dt_check() passed. What is wrong is traced with path, property and
 * reason and marks the VM refused; reading goes on, so that all that is wrong is told at once.
 */
#include "hyp/base/log.h"
#include "hyp/config.h"
#include "hyp/dt.h"

#define CONFIG_IPA_BITS 48
#define CONFIG_MAX_FAULTS 16 /* lines about one VM */
#define CONFIG_MAX_NODES 256 /* direct children of a VM */
#define CONFIG_MAX_PLACES 8  /* windows of one vdev, and interrupts */

struct config_reader {
    const void *fdt;
    struct config_vm *vm;
    unsigned faults;
    unsigned vdevs_over;        /* of this VM, more than there is room for */
    struct dt_path path, other; /* for messages */
};

/* Marks the VM refused; false: enough was said about it. */
bool config_fault(struct config_reader *r) __startup;
#define config_refuse(r, node, fmt, ...) \
    do { \
        if (config_fault(r)) \
            log_error("%s: " fmt, dt_path((r)->fdt, node, &(r)->path), ##__VA_ARGS__); \
    } while (0)

/* Typed properties. Absent: the value stays as it is; wrong: refused, and the value stays too. */
void config_number(struct config_reader *r, int node, const char *name, uint32_t low, uint32_t high,
                   uint32_t *out) __startup;
void config_address(struct config_reader *r, int node, const char *name, bool *present, uint64_t *out) __startup;
void config_string(struct config_reader *r, int node, const char *name, const char **out) __startup;
void config_flag(struct config_reader *r, int node, const char *name, bool *out) __startup;
/* The index of the word among `words`, which ends with NULL. */
void config_word(struct config_reader *r, int node, const char *name, const char *const *words,
                 unsigned *out) __startup;

/* Refuses unknown properties, naming the nearest known one: all of them, or (`ours`) only those named armature,*. */
enum config_strictness { CONFIG_NAMES_OURS, CONFIG_NAMES_ALL };
void config_names(struct config_reader *r, int node, const char *const *known,
                  enum config_strictness strictness) __startup;
/* Is the name before the unit address this one? */
bool config_named(const void *fdt, int node, const char *name) __startup;

/*
 * Entry `index` of a `reg` with two cells each, or of `interrupts` with three. 1: there it is; 0: there is no such
 * entry; negative: wrong. config_reg_get() tells nobody: for looking at nodes that were refused already if they are
 * wrong.
 */
int config_reg_get(const void *fdt, int node, unsigned index, uint64_t *base, uint64_t *size) __startup;
int config_reg(struct config_reader *r, int node, unsigned index, uint64_t *base, uint64_t *size) __startup;
int config_interrupt(struct config_reader *r, int node, unsigned index, uint32_t *intid) __startup;

/* The parts. */
void config_vm_read(struct config_reader *r, int node) __startup;
void config_memory_read(struct config_reader *r, int node) __startup;
void config_chosen_read(struct config_reader *r, int node) __startup;
void config_reserve_read(struct config_reader *r, int node) __startup;
void config_device_read(struct config_reader *r, int node) __startup;
/* A node that only describes, for the guest; and what is below any node. */
void config_plain_read(struct config_reader *r, int node) __startup;
/* The interrupt controller first, the timer there: adds those that the description leaves out. */
void config_devices_complete(struct config_reader *r) __startup;
/* What only shows when all nodes were read: two owners of an address, nothing to start, no console. */
void config_check(struct config_reader *r) __startup;
