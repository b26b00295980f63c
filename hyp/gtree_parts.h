/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A guest's tree while it is written: libfdt's sequential writer with one sticky error, and the open node's property
 * names.
 */
#include "hyp/dt.h"
#include "hyp/gtree.h"

#define GTREE_NAMES 2048 /* bytes of the names of one node's properties */
#define GTREE_CLOCKS 8

struct gtree {
    struct vdev_fdt f; /* what a vdev sees of this */
    struct guest_system *vm;
    const void *vms;         /* the description */
    int err;                 /* libfdt's first error; nothing is written any more */
    const char *why;         /* a limit of ours that is behind it; NULL: none */
    char names[GTREE_NAMES]; /* one behind the other */
    size_t names_used;
    /* The fixed clocks made for vdevs: rates, and the first one's phandle; the others' follow. */
    uint32_t clock_hz[GTREE_CLOCKS], clock_phandle;
    unsigned clock_count;
    char console[48]; /* the path of the console's node; empty: none */
};

void gtree_begin(struct gtree *g, const char *name) __startup;
void gtree_end(struct gtree *g) __startup;
/* What cannot be written because of a limit of ours. The first error stays. */
void gtree_refuse(struct gtree *g, const char *why) __startup;
/* A property that the open node has already is left as it is: what is written first counts. */
void gtree_prop(struct gtree *g, const char *name, const void *data, size_t size) __startup;
void gtree_u32s(struct gtree *g, const char *name, const uint32_t *cells, unsigned n) __startup;
void gtree_u32(struct gtree *g, const char *name, uint32_t value) __startup;
void gtree_u64(struct gtree *g, const char *name, uint64_t value) __startup;
void gtree_string(struct gtree *g, const char *name, const char *value) __startup;
/* A string that is a path in the description becomes one in the guest's tree. */
void gtree_path(struct gtree *g, const char *name, const char *path) __startup;
/* A `reg` of one range. */
void gtree_reg(struct gtree *g, uint64_t base, uint64_t size) __startup;
bool gtree_has(const struct gtree *g, const char *name) __startup;

/* The description's node without armature,*: its properties; the nodes below it; all of it. */
void gtree_copy_props(struct gtree *g, int node) __startup;
void gtree_copy_children(struct gtree *g, int node) __startup;
void gtree_copy(struct gtree *g, int node) __startup;

/* The phandle of a fixed clock of that rate, which is made if the description has none. 0: too many; g->err says so. */
uint32_t gtree_clock(struct gtree *g, uint32_t hz) __startup;
/* The nodes of these clocks. */
void gtree_clocks(struct gtree *g) __startup;

/* One vdev's node. 0, or the vdev's refusal. */
int gtree_vdev(struct gtree *g, unsigned index) __startup __must_check;
