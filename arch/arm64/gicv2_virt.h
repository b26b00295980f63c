/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * GICv2's virtual CPU interface: GICH, the registers of the core that accesses them (IHI 0048 5.3). The functions of struct gic_ops. Each is
 * one access to a device, which costs as much as a hundred instructions: who calls keeps copies.
 */
#include "arch/arm64/gic_ops.h"

/* Where GICH is; once, at startup. */
void gicv2_virt_map(volatile void *gich) __startup;
/* Off and empty, on this core; fills in what GICH_VTR says. */
void gicv2_virt_init(struct gic_info *info);
uint64_t gicv2_lr_read(unsigned n);
void gicv2_lr_write(unsigned n, uint64_t raw);
uint64_t gicv2_elrsr_read(void);
uint64_t gicv2_eisr_read(void);
uint64_t gicv2_vhcr_read(void);
void gicv2_vhcr_write(uint64_t v);
uint64_t gicv2_vmcr_read(void);
void gicv2_vmcr_write(uint64_t v);
void gicv2_vcpu_load(const struct gic_vcpu *s);
void gicv2_vcpu_save(struct gic_vcpu *s);
void gicv2_vcpu_reset(struct gic_vcpu *s);
