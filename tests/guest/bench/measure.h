/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One measured event each, in ticks of CNTVCT_EL0. Under -icount shift=0 with a 1 GHz counter a tick is an instruction. */

/* Calls: from before to behind the instruction; a and b are its operands. */
#ifndef __ASSEMBLY__
#include "hyp/base/bits.h"

typedef uint64_t (*measure_fn)(uint64_t a, uint64_t b);
/* Rising. */
void sort(uint32_t *a, uint64_t n);
uint64_t measure_nothing(uint64_t a, uint64_t b);
uint64_t measure_hvc(uint64_t fid, uint64_t b);
uint64_t measure_smc(uint64_t fid, uint64_t b);
uint64_t measure_read32(uint64_t address, uint64_t b);
uint64_t measure_write32(uint64_t address, uint64_t value);
uint64_t measure_mmfr0(uint64_t a, uint64_t b);
/* From the write of ICC_SGI1R_EL1, or GICD_SGIR, to the first instruction of the handler. Interrupts masked at call and return. */
uint64_t measure_sgi_self(uint64_t sgi1r, uint64_t b);
uint64_t measure_sgi_self_v2(uint64_t sgir, uint64_t b);
/* From the virtual timer's deadline, `ticks` ahead, to the first instruction of the handler; spinning, or in WFI. */
uint64_t measure_timer_busy(uint64_t ticks, uint64_t b);
uint64_t measure_timer_wfi(uint64_t ticks, uint64_t b);

/* What two cores share. `time` is 0 while nothing arrived. */
struct ipi {
    volatile uint64_t time;
    volatile uint64_t stop;
    volatile uint64_t ready;
};

/* The target's loop until stop: writes the time of each arrival; reply != 0 is sent as SGI from the handler. */
void ipi_target(struct ipi *ipi, uint64_t reply, uint64_t in_wfi);
/* Sends, waits for ipi->time, gives the difference. */
uint64_t measure_ipi(uint64_t ipi, uint64_t sgi1r);
uint64_t measure_ipi_v2(uint64_t ipi, uint64_t sgir);
/* The loop of the other VM, with the control page of its shared memory; and: notifies it, waits for ipi->time, gives the difference. */
void notify_target(struct ipi *ipi, uint64_t control, uint64_t in_wfi);
uint64_t measure_notify(uint64_t ipi, uint64_t control);
/* Sends and waits for the reply's handler on this core. */
uint64_t measure_ping_pong(uint64_t ipi, uint64_t sgi1r);
uint64_t measure_ping_pong_v2(uint64_t ipi, uint64_t sgir);
/* Sends an SGI to a sleeping vCPU of this core and waits for an interrupt: from there to that vCPU's handler, whose time is in ipi->time. Its reply ends the wait. */
uint64_t measure_switch(uint64_t ipi, uint64_t sgi1r);
/* Reads the counter for ever, the latest time into *last; ends, and gives the time until then, when somebody else had written there. */
uint64_t measure_turn(uint64_t last, uint64_t b);
/* CPU_ON of mpidr with bench_secondary; waits for its first instruction's time in *slot. */
uint64_t measure_cpu_on(uint64_t mpidr, uint64_t slot);
/* Entered by CPU_ON with x0 = slot: writes its first instruction's time, turns itself off. */
void bench_secondary(void);

/* The _v2 functions are for a GICv2, with all interrupts in group 0 signalled as IRQ. */
extern char bench_vectors[], bench_vectors_v2[];
#endif
