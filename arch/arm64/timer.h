/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The generic timer (DDI 0487 D11, "The Generic Timer in AArch64 state"). Counts are ticks of the system counter. */
#include "hyp/base/bits.h"
#include "hyp/base/phase.h"

uint64_t timer_now(void);
uint64_t timer_freq(void);
uint64_t timer_ms(uint64_t ms); /* in ticks */
/* EL2's own timer on this core (CNTHP, GIC_PPI_HYP_TIMER): one deadline; ~0 disarms. */
void timer_deadline(uint64_t when);
/* 0 or a traced error (frequency absent or 0 and none in the tree). */
int timer_init(uint64_t tree_freq) __startup;
void timer_core_init(void);
/* A vCPU's timer registers, switched with the vCPU. */
struct timer_vcpu {
    uint64_t cntv_ctl, cntv_cval, cntp_ctl, cntp_cval, cntkctl, cntvoff;
};
void timer_vcpu_load(const struct timer_vcpu *t);
void timer_vcpu_save(struct timer_vcpu *t);
/* The running vCPU's two timers as they are now, for decisions on this core. */
bool timer_virt_asserted(void);
bool timer_phys_asserted(void);
/* Pure, over saved registers and the physical count `now`; for a vCPU whose registers are not in the hardware. When the earlier of its timers
 * that may interrupt asserts its line, as a physical count for timer_deadline(): now if one does already, ~0 if none will. */
uint64_t timer_vcpu_deadline(const struct timer_vcpu *t, uint64_t now);
bool timer_vcpu_virt_asserted(const struct timer_vcpu *t, uint64_t now);
bool timer_vcpu_phys_asserted(const struct timer_vcpu *t, uint64_t now);
