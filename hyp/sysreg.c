/* SPDX-License-Identifier: Apache-2.0 */
/* Trapped system registers: identification, debug on first use, the interrupt controller's; the rest are not there. */
#include "arch/arm64/idregs.h"
#include "arch/arm64/timer.h"
#include "hyp/exit.h"

#define MMFR2_IDS FIELD(39, 36)
#define REVIDR_EL1 SYSREG_ISS(3, 0, 0, 0, 6)
#define AIDR_EL1 SYSREG_ISS(3, 1, 0, 0, 7)
#define ACTLR_EL1 SYSREG_ISS(3, 0, 1, 0, 1)

static void sysreg_reply(struct guest_cpu *v, const struct exit *e, uint64_t value)
{
    unsigned rt = (unsigned)field_get(ISS_RT, e->esr);
    if (e->esr & ISS_READ && rt != 31)
        v->arch.regs.x[rt] = value;
    vcpu_advance_pc(&v->arch, e->esr);
}

static bool is_idreg(uint64_t iss)
{
    return field_get(ISS_OP0, iss) == 3 && field_get(ISS_OP1, iss) == 0 && field_get(ISS_CRN, iss) == 0 &&
           field_get(ISS_CRM, iss) >= 1 && field_get(ISS_CRM, iss) <= 7 && iss & ISS_READ;
}

/* ICC_*: op0=3, op1=0, CRn=12 (CRm 8, 11, 12) or CRn=4 (ICC_PMR_EL1). */
static bool is_icc(uint64_t iss)
{
    return field_get(ISS_OP0, iss) == 3 && field_get(ISS_OP1, iss) == 0 &&
           ((field_get(ISS_CRN, iss) == 12 && field_get(ISS_CRM, iss) >= 8) || field_get(ISS_CRN, iss) == 4);
}

/* op0=2: external debug registers of op1=0 and 3; op1=1 is trace, which there is none of. */
static bool is_debug(uint64_t iss)
{
    return field_get(ISS_OP0, iss) == 2 && field_get(ISS_OP1, iss) != 1;
}

static bool icc_exit(struct guest_cpu *v, const struct exit *e)
{
    unsigned rt = (unsigned)field_get(ISS_RT, e->esr);
    struct sysreg_access a = {
        .reg = (uint32_t)(e->esr & SYSREG_ISS_MASK),
        .write = !(e->esr & ISS_READ),
        .value = rt == 31 ? 0 : v->arch.regs.x[rt],
    };
    if (v->vm->intc->sysreg(v, &a) != SYSREG_DONE)
        return false;
    sysreg_reply(v, e, a.value);
    return true;
}

/* FEAT_IDST: a read of an identification register that is not there reports EC 0x18, not 0 (ID_AA64MMFR2_EL1.IDS). */
static bool is_id_space(const struct guest_cpu *v, uint64_t iss)
{
    return iss & ISS_READ && field_get(ISS_OP0, iss) == 3 && field_get(ISS_OP1, iss) < 4 &&
           field_get(ISS_CRN, iss) == 0 && v->vm->idregs[7 - 1][2] & MMFR2_IDS;
}

/* CNTPCT_EL0 and the physical timer, which trap only for a VM with its own clock. false: another register. */
static bool counter_exit(struct guest_cpu *v, const struct exit *e)
{
    static const struct {
        uint32_t iss;
        enum timer_phys_reg reg;
    } regs[] = {
        { SYSREG_ISS(3, 3, 14, 0, 1), TIMER_CNTPCT },
        { SYSREG_ISS(3, 3, 14, 0, 5), TIMER_CNTPCT }, /* CNTPCTSS_EL0 */
        { SYSREG_ISS(3, 3, 14, 2, 0), TIMER_CNTP_TVAL },
        { SYSREG_ISS(3, 3, 14, 2, 1), TIMER_CNTP_CTL },
        { SYSREG_ISS(3, 3, 14, 2, 2), TIMER_CNTP_CVAL },
    };
    unsigned rt = (unsigned)field_get(ISS_RT, e->esr), n = 0;
    while (n < ARRAY_LEN(regs) && regs[n].iss != (e->esr & SYSREG_ISS_MASK))
        n++;
    if (n == ARRAY_LEN(regs) || !v->arch.timer.own_clock || (regs[n].reg == TIMER_CNTPCT && !(e->esr & ISS_READ)))
        return false;
    if (!(e->esr & ISS_READ))
        timer_phys_write(&v->arch.timer, regs[n].reg, rt == 31 ? 0 : v->arch.regs.x[rt]);
    sysreg_reply(v, e, e->esr & ISS_READ ? timer_phys_read(&v->arch.timer, regs[n].reg) : 0);
    return true;
}

void sysreg_exit(struct guest_cpu *v, const struct exit *e)
{
    uint64_t iss = ESR_ISS(e->esr);
    if (is_icc(iss) && icc_exit(v, e))
        return;
    if (counter_exit(v, e))
        return;
    if (is_idreg(iss)) {
        unsigned crm = (unsigned)field_get(ISS_CRM, iss), op2 = (unsigned)field_get(ISS_OP2, iss);
        sysreg_reply(v, e, v->vm->idregs[crm - 1][op2]);
        return;
    }
    if (is_debug(iss) && !v->arch.debug_live) {
        vcpu_debug_enable(&v->arch); /* and the instruction runs again */
        return;
    }
    if (instr_exit(v, e, GIT_ARM_SYSREG, iss, false))
        return;
    if (((iss & SYSREG_ISS_MASK) == REVIDR_EL1 || (iss & SYSREG_ISS_MASK) == AIDR_EL1) && iss & ISS_READ) {
        sysreg_reply(v, e, idreg_implementation((iss & SYSREG_ISS_MASK) == AIDR_EL1));
        return;
    }
    if ((iss & SYSREG_ISS_MASK) == ACTLR_EL1) {
        sysreg_reply(v, e, 0); /* RAZ/WI: IMPLEMENTATION DEFINED controls are the machine's */
        return;
    }
    if (instr_exit(v, e, GIT_ARM_SYSREG, iss, true))
        return;
    if (is_id_space(v, iss) && v->vm->config->on_register == UNSUPPORTED_FAIL) {
        vcpu_inject_trap(&v->arch, e->esr);
        return;
    }
    exit_unsupported(v, e, v->vm->config->on_register, "system register that this machine does not offer");
}
