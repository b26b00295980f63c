/* SPDX-License-Identifier: Apache-2.0 */
/* What a timer's registers mean (DDI 0487 D11.2): pure, so that a vCPU's timers can be judged while it is not in the hardware. */
#include "arch/arm64/timer.h"

#define CNT_CTL_ENABLE BIT(0)
#define CNT_CTL_IMASK BIT(1)

static bool timer_may_interrupt(uint64_t ctl)
{
    return (ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) == CNT_CTL_ENABLE;
}

/* Counts and compare values are unsigned; ticks until the condition is met, 0: it is. */
static uint64_t timer_remaining(uint64_t cval, uint64_t count)
{
    return count >= cval ? 0 : cval - count;
}

static uint64_t timer_when(uint64_t ctl, uint64_t cval, uint64_t count, uint64_t now)
{
    if (!timer_may_interrupt(ctl))
        return ~UINT64_C(0);
    uint64_t ticks = timer_remaining(cval, count);
    return ticks > ~now ? ~UINT64_C(0) : now + ticks;
}

uint64_t timer_vcpu_deadline(const struct timer_vcpu *t, uint64_t now)
{
    uint64_t virt = timer_when(t->cntv_ctl, t->cntv_cval, now - t->cntvoff, now);
    uint64_t phys = timer_when(t->cntp_ctl, t->cntp_cval, now, now);
    return virt < phys ? virt : phys;
}

uint64_t timer_vcpu_next(const struct timer_vcpu *t, uint64_t now)
{
    uint64_t virt = timer_when(t->cntv_ctl, t->cntv_cval, now - t->cntvoff, now);
    uint64_t phys = timer_when(t->cntp_ctl, t->cntp_cval, now, now);
    virt = virt > now ? virt : ~UINT64_C(0);
    phys = phys > now ? phys : ~UINT64_C(0);
    return virt < phys ? virt : phys;
}

bool timer_vcpu_virt_asserted(const struct timer_vcpu *t, uint64_t now)
{
    return timer_may_interrupt(t->cntv_ctl) && now - t->cntvoff >= t->cntv_cval;
}

bool timer_vcpu_phys_asserted(const struct timer_vcpu *t, uint64_t now)
{
    return timer_may_interrupt(t->cntp_ctl) && now >= t->cntp_cval;
}

uint64_t timer_vcpu_machine_cval(const struct timer_vcpu *t)
{
    return t->own_cval > ~t->cntvoff ? ~UINT64_C(0) : t->own_cval + t->cntvoff;
}

void timer_vcpu_set_zero(struct timer_vcpu *t, uint64_t zero)
{
    t->cntvoff = zero;
    t->cntp_cval = timer_vcpu_machine_cval(t);
}
