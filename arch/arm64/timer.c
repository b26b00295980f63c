/* SPDX-License-Identifier: Apache-2.0 */
/* The generic timer's registers on this core (DDI 0487 D11). A guest owns CNTV and CNTP and reads CNTPCT without exits; EL2 has CNTHP. */
#include "arch/arm64/timer.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/sysreg.h"
#include "hyp/base/log.h"
#include <errno.h>
#include <inttypes.h>

#define CNTHCTL_EL1PCTEN BIT(0) /* E2H=0: EL1 and EL0 may read CNTPCT ... */
#define CNTHCTL_EL1PCEN BIT(1)  /* ... and use CNTP, as far as CNTKCTL_EL1 lets EL0 */
#define CNT_CTL_ENABLE BIT(0)
#define CNT_CTL_IMASK BIT(1)
#define CNT_CTL_ISTATUS BIT(2)

static uint64_t frequency, register_freq; /* set at startup, then const; the second is the first core's CNTFRQ_EL0 */

uint64_t timer_now(void)
{
    isb(); /* a read must not be done early */
    return read_sysreg(cntpct_el0);
}

uint64_t timer_freq(void)
{
    return frequency;
}

uint64_t timer_ms(uint64_t ms)
{
    return ms * frequency / 1000;
}

uint64_t timer_us(uint64_t us)
{
    return us * frequency / 1000000;
}

void timer_deadline(uint64_t when)
{
    if (when == ~UINT64_C(0)) {
        write_sysreg(cnthp_ctl_el2, 0);
    } else {
        write_sysreg(cnthp_cval_el2, when);
        write_sysreg(cnthp_ctl_el2, CNT_CTL_ENABLE);
    }
    isb();
}

uint64_t timer_freq_untold(void)
{
    return register_freq == frequency ? 0 : frequency;
}

int timer_init(uint64_t tree_freq)
{
    uint64_t own = read_sysreg(cntfrq_el0);
    register_freq = own;
    frequency = tree_freq ? tree_freq : own;
    if (!frequency)
        return error_at(-EINVAL, "timer: CNTFRQ_EL0 is 0 and the tree's timer node has no clock-frequency");
    if (own != frequency)
        log_warn("timer: CNTFRQ_EL0 says %" PRIu64 " Hz, the tree %" PRIu64 " Hz: the tree is believed", own,
                 frequency);
    return 0;
}

int timer_core_init(unsigned core)
{
    const uint32_t own_irqs[] = { GIC_PPI_HYP_TIMER, GIC_PPI_VTIMER, GIC_PPI_PTIMER };
    uint64_t own = read_sysreg(cntfrq_el0);
    if (own != register_freq)
        log_warn("timer: core %u: CNTFRQ_EL0 says %" PRIu64 " Hz, that of the first core %" PRIu64
                 " Hz: guests go by it",
                 core, own, register_freq);
    write_sysreg(cnthctl_el2, CNTHCTL_EL1PCTEN | CNTHCTL_EL1PCEN);
    write_sysreg(cntvoff_el2, 0);
    write_sysreg(cntkctl_el1, 0);
    write_sysreg(cntv_ctl_el0, 0);
    write_sysreg(cntp_ctl_el0, 0);
    write_sysreg(cnthp_ctl_el2, 0);
    isb();
    return gic_core_irqs_enable(own_irqs, ARRAY_LEN(own_irqs), core);
}

void timer_vcpu_load(const struct timer_vcpu *t)
{
    write_sysreg(cnthctl_el2, t->own_clock ? 0 : CNTHCTL_EL1PCTEN | CNTHCTL_EL1PCEN);
    write_sysreg(cntvoff_el2, t->cntvoff);
    write_sysreg(cntkctl_el1, t->cntkctl);
    write_sysreg(cntv_cval_el0, t->cntv_cval);
    write_sysreg(cntp_cval_el0, t->cntp_cval);
    isb(); /* a timer is on only once its compare value and its offset are the vCPU's */
    write_sysreg(cntv_ctl_el0, t->cntv_ctl);
    write_sysreg(cntp_ctl_el0, t->cntp_ctl);
    isb();
}

void timer_vcpu_save(struct timer_vcpu *t)
{
    t->cntv_ctl = read_sysreg(cntv_ctl_el0);
    t->cntp_ctl = read_sysreg(cntp_ctl_el0);
    write_sysreg(cntv_ctl_el0, 0); /* no line stays up that belongs to nobody */
    write_sysreg(cntp_ctl_el0, 0);
    t->cntv_cval = read_sysreg(cntv_cval_el0);
    t->cntp_cval = read_sysreg(cntp_cval_el0);
    t->cntkctl = read_sysreg(cntkctl_el1);
    isb();
}

static bool timer_line(uint64_t ctl)
{
    return (ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK | CNT_CTL_ISTATUS)) == (CNT_CTL_ENABLE | CNT_CTL_ISTATUS);
}

bool timer_virt_asserted(void)
{
    return timer_line(read_sysreg(cntv_ctl_el0));
}

bool timer_phys_asserted(void)
{
    return timer_line(read_sysreg(cntp_ctl_el0));
}

uint64_t timer_phys_read(const struct timer_vcpu *t, enum timer_phys_reg reg)
{
    switch (reg) {
    case TIMER_CNTPCT: return timer_now() - t->cntvoff;
    case TIMER_CNTP_TVAL: return (uint32_t)(t->own_cval - (timer_now() - t->cntvoff));
    case TIMER_CNTP_CTL: return read_sysreg(cntp_ctl_el0);
    case TIMER_CNTP_CVAL: return t->own_cval;
    }
    return 0;
}

static void cval_write(struct timer_vcpu *t, uint64_t value)
{
    t->own_cval = value;
    write_sysreg(cntp_cval_el0, timer_vcpu_machine_cval(t));
}

void timer_phys_write(struct timer_vcpu *t, enum timer_phys_reg reg, uint64_t value)
{
    switch (reg) {
    case TIMER_CNTPCT: break; /* read-only: never gets here */
    case TIMER_CNTP_TVAL: cval_write(t, timer_now() - t->cntvoff + (uint64_t)(int64_t)(int32_t)value); break;
    case TIMER_CNTP_CTL: write_sysreg(cntp_ctl_el0, value); break;
    case TIMER_CNTP_CVAL: cval_write(t, value); break;
    }
    isb();
}
