/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The generic timer (DDI 0487 D11, "The Generic Timer in AArch64 state"). Counts are ticks of the system counter. */
#include "hyp/base/bits.h"
#include "hyp/base/phase.h"

uint64_t timer_now(void);
uint64_t timer_freq(void);
/* The rate that a guest's tree must tell, as CNTFRQ_EL0, which it reads, says another; 0: it need not. */
uint64_t timer_freq_untold(void);
uint64_t timer_ms(uint64_t ms); /* in ticks */
uint64_t timer_us(uint64_t us);
/* EL2's own timer on this core (CNTHP, GIC_PPI_HYP_TIMER): one deadline; ~0 disarms. */
void timer_deadline(uint64_t when);
/* 0 or a traced error (frequency absent or 0 and none in the tree). */
int timer_init(uint64_t tree_freq) __startup;
/* This core's timers, off; their interrupts enabled, or -ENODEV as gic_core_irqs_enable() says. */
int timer_core_init(unsigned core) __must_check;
/* A vCPU's timer registers, switched with the vCPU. */
struct timer_vcpu {
    uint64_t cntv_ctl, cntv_cval, cntp_ctl, cntp_cval, cntkctl, cntvoff;
    /* Its physical counter has the offset too, and EL1 reaches it through timer_phys_read() only. CNTP_CVAL_EL0 as the guest wrote it is
     * own_cval; the register holds the machine's count for that, or all ones where there is none. */
    bool own_clock;
    uint64_t own_cval;
};
/* The machine's count at own_cval. Pure. */
uint64_t timer_vcpu_machine_cval(const struct timer_vcpu *t);
/* Moves the vCPU's clock so that the machine's count `zero` is its 0. Its registers are not in the hardware. */
void timer_vcpu_set_zero(struct timer_vcpu *t, uint64_t zero);
/* The physical counter and timer as a vCPU with its own clock has them, while it is loaded on this core. */
enum timer_phys_reg { TIMER_CNTPCT, TIMER_CNTP_TVAL, TIMER_CNTP_CTL, TIMER_CNTP_CVAL };
uint64_t timer_phys_read(const struct timer_vcpu *t, enum timer_phys_reg reg);
void timer_phys_write(struct timer_vcpu *t, enum timer_phys_reg reg, uint64_t value);
void timer_vcpu_load(const struct timer_vcpu *t);
void timer_vcpu_save(struct timer_vcpu *t);
/* The running vCPU's two timers as they are now, for decisions on this core. */
bool timer_virt_asserted(void);
bool timer_phys_asserted(void);
/* Pure, over saved registers and the physical count `now`; for a vCPU whose registers are not in the hardware. When the earlier of its timers
 * that may interrupt asserts its line, as a physical count for timer_deadline(): now if one does already, ~0 if none will. */
uint64_t timer_vcpu_deadline(const struct timer_vcpu *t, uint64_t now);
/* The first of its timers that will assert its line after `now`; ~0: none. */
uint64_t timer_vcpu_next(const struct timer_vcpu *t, uint64_t now);
bool timer_vcpu_virt_asserted(const struct timer_vcpu *t, uint64_t now);
bool timer_vcpu_phys_asserted(const struct timer_vcpu *t, uint64_t now);
