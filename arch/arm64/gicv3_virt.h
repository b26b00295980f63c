/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* GICv3's virtual CPU interface: ICH_* on this core (IHI 0069 12.4). The functions of struct gic_ops. */
#include "arch/arm64/gic_ops.h"

/* Off and empty, on this core; fills in what ICH_VTR_EL2 says. */
void gicv3_virt_init(struct gic_info *info);
uint64_t gicv3_lr_read(unsigned n);
void gicv3_lr_write(unsigned n, uint64_t raw);
uint64_t gicv3_elrsr_read(void);
uint64_t gicv3_eisr_read(void);
uint64_t gicv3_vhcr_read(void);
void gicv3_vhcr_write(uint64_t v);
uint64_t gicv3_vmcr_read(void);
void gicv3_vmcr_write(uint64_t v);
uint8_t gicv3_vrpr_read(void);
uint64_t gicv3_vctlr_read(void);
void gicv3_vcpu_load(const struct gic_vcpu *s);
void gicv3_vcpu_save(struct gic_vcpu *s);
void gicv3_vcpu_reset(struct gic_vcpu *s);
