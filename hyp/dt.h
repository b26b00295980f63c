/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reading flattened device trees that may be hostile. After dt_check() a tree's structure is sound, so libfdt's walks
 * stay inside it; values are not: every property goes through a reader here that checks its length. Not used:
 * fdt_path_offset() with aliases, which recurses for an alias of itself and runs over an unterminated one.
 */
#include <libfdt.h>
#include "hyp/base/addr.h"
#include "hyp/base/bits.h"
#include "hyp/base/phase.h"

#define DT_PATH 96
#define DT_DEPTH 32 /* the deepest nesting of nodes that is accepted */

/* A node's path for messages: printable, shortened at the front if it is too long. */
struct dt_path {
    char text[DT_PATH];
};
const char *dt_path(const void *fdt, int node, struct dt_path *out) __startup;

/* Is this a sound tree within `size` bytes? `what` names it in the message. -EINVAL. */
int dt_check(const void *fdt, size_t size, const char *what) __startup __must_check;

/* The property's first string, or NULL if there is none that ends inside it. */
const char *dt_string(const void *fdt, int node, const char *name) __startup;
/* A number of one cell; of one or two. False: absent, or another length. */
bool dt_u32(const void *fdt, int node, const char *name, uint32_t *out) __startup;
bool dt_u64(const void *fdt, int node, const char *name, uint64_t *out) __startup;
bool dt_has(const void *fdt, int node, const char *name) __startup;
/* Is the node not switched off by its `status`? */
bool dt_enabled(const void *fdt, int node) __startup;
bool dt_compatible(const void *fdt, int node, const char *name) __startup;
/* The first enabled node after `after` (-1: from the start) that is compatible; negative if there is none. */
int dt_find(const void *fdt, int after, const char *name) __startup;
/* The node of an absolute path of `length` bytes, or of an alias. Negative if there is none. */
int dt_lookup(const void *fdt, const char *path, size_t length) __startup;
/* A number of n cells, n at most 2. */
uint64_t dt_number(const fdt32_t *cells, unsigned n) __startup;

/* A node and all above it, the root first. */
struct dt_way {
    unsigned count;
    int node[DT_DEPTH + 1];
};
/* The way to a node, by one walk over the tree; fdt_parent_offset() takes two for each step of it. -EINVAL: no node of a tree that dt_check() passed. */
int dt_way(const void *fdt, int node, struct dt_way *out) __startup __must_check;

/*
 * Entry `index` of the node's `reg`, as the CPU sees it through the buses' `ranges`. -ENOENT: there is no such entry;
 * -EINVAL, traced: malformed, or the bus has no way to it.
 */
int dt_reg(const void *fdt, int node, unsigned index, struct range *out) __startup __must_check;
/* An address on the bus of the node that `way` leads to, as the CPU sees it; `size` bytes from there go the same way. -EINVAL, not traced. */
int dt_translate(const void *fdt, const struct dt_way *way, uint64_t *address, uint64_t size) __startup __must_check;

/* The INTID of a GIC's <type number>; 0: there is no such interrupt. Pure. */
uint32_t dt_gic_intid(uint32_t type, uint32_t number);
/* The INTID of the node's interrupt `index` if it goes to `gic`, else 0. */
uint32_t dt_interrupt(const void *fdt, int node, unsigned index, int gic) __startup;
