/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Startup steps that the factories of both versions share. All: startup; EOK or a positive errno, traced. */
#include "vdevs/vgic/vgic.h"

#define GICD_DEFAULT UINT64_C(0x08000000) /* where QEMU's virt machine has it */

/* After the options: `second` is where and how large what comes second in `reg` is, if the description does not say. ENOTSUP: the machine cannot give a
 * guest that version. */
int vgic_create(struct vdev_builder *b, unsigned version, uint64_t second_base,
                uint64_t second_size) __startup __must_check;
/* A region of `length` bytes at `location` with these registers. */
int vgic_region(struct vdev_builder *b, uint64_t location, uint64_t length, const struct reg_table *regs,
                uint32_t cookie) __startup __must_check;
/* Both places as `reg`. */
int vgic_fdt_reg(struct vdev_builder *b, struct vdev_fdt *f) __startup __must_check;
/* The factories' control(). */
int vgic_control(vdev_t *v, unsigned ctrl, const void *arg);
