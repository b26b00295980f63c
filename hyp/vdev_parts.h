/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Between the vdev core's files: where a vdev sits and which line it raises. */
#include "hyp/vdev_core.h"

/* The options that every vdev has: label, armature,log. 0 or a traced error. */
int options_common(const struct vdev_builder *b) __startup __must_check;
/* armature,sched and armature,runmask into v_sched; where they do not say, as the VM's vCPUs run. 0 or a traced error. */
int options_sched(const struct vdev_builder *b) __startup __must_check;
/* The occurrence behind `o` (the first, if o->name is NULL) of the factory's option i. 1; 0: there is none; negative: wrong, traced. */
int option_next(const struct vdev_builder *b, unsigned i, struct vdev_option *o) __startup __must_check;
/* What startup callbacks of the VM's vdev `index` are given. */
struct vdev_builder builder_of(struct guest_system *vm, unsigned index) __startup;
/* Before the VM's vdevs are made: forgets the interrupt lines of the VM built before, and what has a place counts as taken though it is no region yet. */
void assign_begin(struct guest_system *vm) __startup;
/* All places are regions. */
void assign_end(struct guest_system *vm) __startup;
/* The node's `reg` into v_block, by the factory's rules. 0 or a traced error. */
int assign_given_place(struct vdev_builder *b) __startup __must_check;
/* The node's `interrupts` claimed, the first of them into v_intr, by the factory's rules. 0 or a traced error. */
int assign_given_lines(struct vdev_builder *b) __startup __must_check;
/* Makes the line the vdev's, as a source of its own if it is shared. 0; -EEXIST, -E2BIG: traced. */
int assign_line_claim(const struct vdev_builder *b, struct guest_intr *line) __startup __must_check;
/* What was not given and the vdev needs. 0 or a traced error. */
int assign_free(struct vdev_builder *b) __startup __must_check;
