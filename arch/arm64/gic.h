/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The machine's interrupt controller, GICv3 or GICv2 by the tree (IHI 0069, IHI 0048). EOImode=1: gic_ack() then
 * gic_drop() lowers the running priority; gic_deactivate() ends it, or the guest does for an interrupt that a list register links.
 */
#include "hyp/base/bits.h"
#include "hyp/base/phase.h"
#include "hyp/base/addr.h"

#define GIC_SPURIOUS 1020 /* and above: nothing was acknowledged */
#define GIC_SGI_KICK 0    /* leave the guest and look at your requests */
#define GIC_SGI_CALL 1    /* run a call on this core (panic stop, dumps) */
#define GIC_PPI_MAINT 25
#define GIC_PPI_HYP_TIMER 26
#define GIC_PPI_VTIMER 27
#define GIC_PPI_PTIMER 30
#define GIC_MAX_LRS 16

/* A list register, in the field's terms and for both architectures; encoding is the back end's pure function. */
enum lr_state { LR_INVALID = 0, LR_PENDING = 1, LR_ACTIVE = 2, LR_PENDING_ACTIVE = 3 };
struct lr {
    uint16_t vintid;
    uint16_t pintid; /* valid if hw: deactivating the virtual one deactivates this */
    uint8_t priority;
    uint8_t state;  /* enum lr_state */
    uint8_t source; /* GICv2: the SGI's sending vCPU */
    bool group1;
    bool hw;
    bool eoi_maint; /* maintenance interrupt at EOI; only without hw */
};

/* What of the virtual CPU interface belongs to a vCPU and is switched with it. List registers are not: they are a cache of the virqs, which the
 * controller vdev empties when the vCPU leaves the core and fills when it comes back. */
struct gic_vcpu {
    uint64_t vmcr;
    uint64_t apr0[4], apr1[4];
};

/* Does a list register deactivate the machine's interrupt that it links? Auto: unless the controller is known to forget an interrupt that way. */
enum gic_links { GIC_LINKS_AUTO, GIC_LINKS_ON, GIC_LINKS_OFF };

struct gic_info {
    uint8_t version; /* 2 or 3 */
    uint8_t lr_count;
    uint8_t vpri_bits; /* virtual priority bits implemented */
    uint8_t vpre_bits;
    uint16_t intid_limit; /* first SPI INTID that does not exist */
    bool links;           /* list registers may have HW=1 */
    uint32_t maint_intid; /* the maintenance interrupt, a PPI */
    /* What of ICH_HCR_EL2 traps ICC_DIR_EL1: TDIR, or TC with more. 0: GICv2, whose page of GICC_DIR is not mapped. */
    uint64_t vhcr_trap_dir;
    bool vgrp0_die; /* ICH_HCR_EL2.VGrp0DIE tells of group 0, as it should */
    pa_t gicv;      /* GICv2: the page of GICV that a guest may have; not GICV_DIR's */
};

/* What the host's tree says of the controller. */
struct gic_desc {
    uint8_t version;        /* 2 or 3; 0: none found */
    struct range dist;      /* GICD */
    struct range redist[8]; /* GICv3: redistributor regions */
    unsigned redist_count;
    uint64_t redist_stride;        /* 0: from GICR_TYPER.VLPIS */
    struct range cpu, vctrl, vcpu; /* GICv2: GICC, GICH, GICV */
    uint32_t maint_intid;
    enum gic_links links; /* host option */
};

/* The distributor, by the boot core: every interrupt that firmware left is disabled, not pending, not active. */
int gic_init(const struct gic_desc *desc) __startup __must_check;
/* This core's redistributor (or banked registers) and CPU interfaces, on this core. */
int gic_core_init(unsigned core) __must_check;
/*
 * Private interrupts of this core that EL2 cannot do without. -ENODEV, and the log says which: one that firmware left in group 0 of two
 * security states is RAZ/WI here, and never comes (IHI 0048 4.3.4, IHI 0069 12.9).
 */
int gic_core_irqs_enable(const uint32_t *intids, unsigned count, unsigned core) __must_check;
const struct gic_info *gic_info(void);
/* Which core this is, for comparing only. */
const void *gic_core_key(void);

/* On this core: the interrupt acknowledged, or >= GIC_SPURIOUS. */
uint32_t gic_ack(void);
void gic_drop(uint32_t intid);
void gic_deactivate(uint32_t intid);
void gic_send_sgi(unsigned core, unsigned sgi);

/* Any core for SPIs; PPIs and SGIs of this core only. */
void gic_irq_enable(uint32_t intid);
void gic_irq_disable(uint32_t intid);
void gic_irq_route(uint32_t intid, unsigned core);
void gic_irq_set_edge(uint32_t intid, bool edge);
void gic_irq_set_pending(uint32_t intid, bool pending);
void gic_irq_set_active(uint32_t intid, bool active);
bool gic_irq_is_pending(uint32_t intid);
bool gic_irq_is_active(uint32_t intid);

/* The virtual CPU interface of the vCPU that runs on this core. */
uint64_t gic_lr_encode(struct lr lr);
struct lr gic_lr_decode(uint64_t raw);
uint64_t gic_lr_read(unsigned n);
void gic_lr_write(unsigned n, uint64_t raw);
uint64_t gic_elrsr_read(void);
/* What was written to list registers since the guest was left shows in gic_elrsr_read() (DDI 0487: an indirect write, before a direct read). */
void gic_lr_settle(void);
uint64_t gic_eisr_read(void);
uint64_t gic_vhcr_read(void);
void gic_vhcr_write(uint64_t v);
uint64_t gic_vmcr_read(void);
void gic_vmcr_write(uint64_t v);
/* GICv3 only: the running priority (0xff: idle) and ICV_CTLR_EL1 as the guest would read them, for accesses that ICH_HCR_EL2.TC traps. */
uint8_t gic_vrpr_read(void);
uint64_t gic_vctlr_read(void);
/* Loads/saves all of it when another vCPU comes to this core; gic_vcpu_reset() gives the state after a warm reset. */
void gic_vcpu_load(const struct gic_vcpu *s);
void gic_vcpu_save(struct gic_vcpu *s);
void gic_vcpu_reset(struct gic_vcpu *s);
/* ICH_HCR bits: the same positions in GICH_HCR where both have them. */
#define VGIC_HCR_EN BIT(0)
#define VGIC_HCR_UIE BIT(1)
#define VGIC_HCR_LRENPIE BIT(2)
#define VGIC_HCR_NPIE BIT(3)
#define VGIC_HCR_GRP0_EIE BIT(4) /* maintenance interrupt while the guest has group 0 enabled ... */
#define VGIC_HCR_GRP0_DIE BIT(5) /* ... disabled, */
#define VGIC_HCR_GRP1_EIE BIT(6) /* and group 1 likewise */
#define VGIC_HCR_GRP1_DIE BIT(7)
#define VGIC_HCR_TC BIT(10)
#define VGIC_HCR_TDIR BIT(14)
#define VGIC_HCR_EOICOUNT FIELD(31, 27)
/* Fields of ICH_VMCR that lie at the same place in GICH_VMCR. */
#define VGIC_VMCR_ENG0 BIT(0)
#define VGIC_VMCR_ENG1 BIT(1)
#define VGIC_VMCR_CBPR BIT(4)
#define VGIC_VMCR_EOIM BIT(9)
#define VGIC_VMCR_PMR FIELD(31, 24)
