/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A machine for the interrupt controller's tests: per core a virtual CPU interface as IHI 0069 describes it (list registers, active priorities, EOI
 * modes, maintenance conditions) and two physical timer interrupts; vCPU n is pinned to core n. The guest's side is functions.
 */
#include "vdevs/vgic/vgic.h"

#define TEST_CPUS 4
#define TEST_SPURIOUS 1023

struct guest_cpu {
    void *intc; /* first, as in hyp */
    unsigned index;
    uint64_t mpidr;
    bool in_guest;
    unsigned kicks, pauses;
};

struct test_core {
    uint64_t lr[GIC_MAX_LRS], hcr, vmcr;
    uint8_t running[64]; /* active priorities, a stack */
    unsigned depth;
    bool line[VGIC_LINKS], phys_active[VGIC_LINKS]; /* of GIC_PPI_VTIMER, GIC_PPI_PTIMER */
    unsigned lr_writes;
};

extern struct test_core cores[TEST_CPUS];
extern struct guest_cpu test_cpus[TEST_CPUS];
extern unsigned here;        /* the core on which code runs */
extern const char *test_log; /* the last line logged */
extern vdev_t test_gic;
/* How often somebody was told that a line was unmasked [0] and ended [1], and of which last. */
extern unsigned test_told[2];
extern uint32_t test_told_param;
extern struct gic_info test_gic_info;
#define TEST_GICV 0xff846000
extern unsigned test_version; /* of the next machine's GIC: 2 or 3 */
extern bool test_links;       /* for the next machine: list registers may be linked to physical interrupts */

/* A VM with so many vCPUs and list registers, its vCPUs loaded and awake, all groups enabled everywhere, all interrupts in group 1. */
void machine_make(unsigned cpus, unsigned lr_count);
/* The same as the reset leaves it, nothing loaded. */
void machine_make_reset(unsigned cpus, unsigned lr_count);
void machine_free(void);
struct vgic *machine_gic(void);
struct virq *machine_virq(unsigned cpu, uint32_t intid);

/* One access to a frame: the distributor, or the redistributor of vCPU `frame`. */
#define GICD (-1)
#define GICC_DIR_PAGE (-2) /* GICv2 */
uint64_t reg_read(unsigned cpu, int frame, uint32_t offset, unsigned size);
void reg_write(unsigned cpu, int frame, uint32_t offset, unsigned size, uint64_t value);
uint64_t icc(unsigned cpu, bool write, uint32_t reg, uint64_t value);

/* vCPU runs until nothing brings it out any more. */
void guest_enter(unsigned cpu);
void guest_leave(unsigned cpu);
/* vCPU has left its guest and folded, but not told so yet; then that happens, and it flushes. */
void guest_between(unsigned cpu, void (*happens)(void));
/* All of them, until nobody is kicked. */
void machine_settle(void);
/* What the guest does; each is followed by the exits that it causes. A GICv2's acknowledge answers the sender of an SGI in bits 12:10. */
uint32_t guest_ack(unsigned cpu);
void guest_eoi(unsigned cpu, uint32_t intid);
void guest_dir(unsigned cpu, uint32_t intid);
/* The INTID that would be acknowledged, or TEST_SPURIOUS. */
uint32_t guest_sees(unsigned cpu);
void timer_line(unsigned cpu, unsigned k, bool high);
void device_line(uint32_t intid, uint32_t source, bool high);
