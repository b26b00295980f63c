/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * GICv3 as IHI 0069 has it, or GICv2 as IHI 0048 does, whichever the machine has: registers, and the few sequences every guest needs. One security
 * state. Group 1 is signalled as IRQ and group 0 as FIQ by both (GICv2: GICC_CTLR.FIQEn=1).
 */
#include "hyp/base/bits.h"
#include "tests/guest/lib/regs.h"

#define GICD UINT64_C(0x08000000)
#define GICC UINT64_C(0x08010000)
#define GICR UINT64_C(0x080a0000)
#define GICR_STRIDE UINT64_C(0x20000)
#define GICR_SGI UINT64_C(0x10000)

enum gicd_register {
    GICD_CTLR = 0x0000,
    GICD_TYPER = 0x0004,
    GICD_IIDR = 0x0008,
    GICD_TYPER2 = 0x000c,
    GICD_STATUSR = 0x0010,
    GICD_SETSPI_NSR = 0x0040,
    GICD_CLRSPI_NSR = 0x0048,
    GICD_SETSPI_SR = 0x0050,
    GICD_CLRSPI_SR = 0x0058,
    GICD_IGROUPR = 0x0080,
    GICD_ISENABLER = 0x0100,
    GICD_ICENABLER = 0x0180,
    GICD_ISPENDR = 0x0200,
    GICD_ICPENDR = 0x0280,
    GICD_ISACTIVER = 0x0300,
    GICD_ICACTIVER = 0x0380,
    GICD_IPRIORITYR = 0x0400,
    GICD_ITARGETSR = 0x0800,
    GICD_ICFGR = 0x0c00,
    GICD_IGRPMODR = 0x0d00,
    GICD_NSACR = 0x0e00,
    GICD_SGIR = 0x0f00,
    GICD_CPENDSGIR = 0x0f10,
    GICD_SPENDSGIR = 0x0f20,
    GICD_IROUTER = 0x6000,
    GICD_PIDR2 = 0xffe8,
    GICD_V2_PIDR2 = 0x0fe8,
};

enum gicc_register {
    GICC_CTLR = 0x0000,
    GICC_PMR = 0x0004,
    GICC_BPR = 0x0008,
    GICC_IAR = 0x000c,
    GICC_EOIR = 0x0010,
    GICC_RPR = 0x0014,
    GICC_HPPIR = 0x0018,
    GICC_ABPR = 0x001c,
    GICC_APR0 = 0x00d0,
    GICC_NSAPR0 = 0x00e0,
    GICC_IIDR = 0x00fc,
    GICC_DIR = 0x1000,
};

enum gicr_register {
    GICR_CTLR = 0x0000,
    GICR_IIDR = 0x0004,
    GICR_TYPER = 0x0008,
    GICR_STATUSR = 0x0010,
    GICR_WAKER = 0x0014,
    GICR_PROPBASER = 0x0070,
    GICR_PENDBASER = 0x0078,
    GICR_PIDR2 = 0xffe8,
    GICR_IGROUPR0 = 0x10080,
    GICR_ISENABLER0 = 0x10100,
    GICR_ICENABLER0 = 0x10180,
    GICR_ISPENDR0 = 0x10200,
    GICR_ICPENDR0 = 0x10280,
    GICR_ISACTIVER0 = 0x10300,
    GICR_ICACTIVER0 = 0x10380,
    GICR_IPRIORITYR = 0x10400,
    GICR_ICFGR0 = 0x10c00,
    GICR_ICFGR1 = 0x10c04,
    GICR_IGRPMODR0 = 0x10d00,
    GICR_NSACR = 0x10e00,
};

#define GICD_CTLR_GRP0 BIT(0)
#define GICD_CTLR_GRP1 BIT(1)
#define GICD_CTLR_ARE BIT(4)
#define GICD_CTLR_DS BIT(6)
#define GICD_CTLR_RWP BIT(31)
#define GICR_CTLR_RWP BIT(3)
#define GICC_CTLR_GRP0 BIT(0)
#define GICC_CTLR_GRP1 BIT(1)
#define GICC_CTLR_ACK BIT(2)
#define GICC_CTLR_FIQ BIT(3)
#define GICC_CTLR_CBPR BIT(4)
#define GICC_CTLR_EOIMODE BIT(9)
#define WAKER_SLEEP BIT(1)
#define WAKER_ASLEEP BIT(2)
#define IROUTER_IRM BIT(31)
#define SGIR_IRM BIT(40)

#define INTID_SPECIAL 1020
#define INTID_NONE 1023
#define INTID_OTHER_GROUP 1022 /* GICv2: one is pending, of the group that this register does not take */

struct cpu;

/* 2 or 3. */
unsigned int gic_version(void);

/* Does ID_AA64PFR0_EL1.GIC say that the system registers are there? */
bool gic_has_sysregs(void);
/* Notes the redistributor whose GICR_TYPER has this core's affinity, 0 when there is none; or its bit in GICD_ITARGETSR. */
void gic_cpu_find(struct cpu *cpu);
/* Distributor: affinity routing, both groups on; every SPI disabled, inactive, not pending, group 1, priority 0xa0, to the boot core. */
void gic_init(void);
/* This core: redistributor awake, SGIs (a GICv2's are always enabled) and PPIs disabled, inactive and group 1, priority 0xa0, PMR 0xf0, groups on, EOImode 0. */
void gic_cpu_init(void);
/* The interface alone, as gic_cpu_init() leaves it. */
void gic_interface_init(void);
/* No interrupt is signalled to this core any more; its redistributor stays as it is. */
void gic_cpu_disable(void);
unsigned int gic_intids(void);
void gicd_wait(void);
void gicr_wait(void);

/* These act on this core's redistributor for INTIDs below 32, else on the distributor. */
uint64_t gic_bit_register(uint32_t base, uint32_t intid);
void gic_enable(uint32_t intid);
void gic_disable(uint32_t intid);
void gic_set_pending(uint32_t intid);
void gic_clear_pending(uint32_t intid);
bool gic_is_pending(uint32_t intid);
bool gic_is_active(uint32_t intid);
bool gic_is_enabled(uint32_t intid);
void gic_set_active(uint32_t intid);
void gic_clear_active(uint32_t intid);
void gic_set_priority(uint32_t intid, uint32_t priority);
uint32_t gic_priority(uint32_t intid);
void gic_set_group(uint32_t intid, unsigned int group);
void gic_set_edge(uint32_t intid, bool edge);
void gic_route(uint32_t spi, uint64_t mpidr);
/* To any one core; false: the machine has no such routing. */
bool gic_route_any(uint32_t spi);

/* This core's interface, by group; an acknowledge answers the INTID alone, who sent an SGI goes back into its EOI and DIR. */
uint32_t gic_ack1(void);
uint32_t gic_ack0(void);
void gic_eoi1(uint32_t intid);
void gic_eoi0(uint32_t intid);
void gic_deactivate(uint32_t intid);
uint32_t gic_running_priority(void);
uint32_t gic_highest_pending1(void);
uint32_t gic_highest_pending0(void);
uint32_t gic_mask(void);
void gic_set_mask(uint32_t pmr);
uint32_t gic_binary_point1(void);
void gic_set_binary_point1(uint32_t bpr);
void gic_set_eoimode(bool split);
void gic_set_group_enable(unsigned int group, bool on);
/* The active priorities of both groups, as far as the first register of each has them. */
uint32_t gic_active_priorities(void);

/* With interrupts masked: acknowledges the next group 1 interrupt, waiting at most `us`; INTID_NONE when none came. */
uint32_t gic_poll(uint64_t us);
/* The value that sends `intid` to one core, to a list of cores of the lowest affinities, or to all others, for gic_send_sgi1(). */
uint64_t gic_sgi_to(uint64_t mpidr, uint32_t intid);
uint64_t gic_sgi_to_list(uint64_t list, uint32_t intid);
uint64_t gic_sgi_to_others(uint32_t intid);
/* ICC_SGI1R_EL1, or GICD_SGIR. */
void gic_send_sgi1(uint64_t value);
