/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions to EL1 as the core itself would take them: DDI 0487 J1, AArch64.TakeException() and AArch64.AbortSyndrome(). */
#include "arch/arm64/exit.h"
#include "arch/arm64/inject.h"
#include "arch/arm64/stage1.h"
#include "arch/arm64/sysreg.h"
#include "arch/arm64/vcpu_arch.h"

#define PSTATE_M FIELD(4, 0)
#define PSTATE_M_EL1H 5
#define PSTATE_A32 BIT(4)
#define PSTATE_DAIF FIELD(9, 6)
#define PSTATE_SSBS BIT(12)
#define PSTATE_PAN BIT(22)
#define PSTATE_DIT BIT(24)
#define PSTATE_NZCV FIELD(31, 28)
#define A32_E BIT(9)
#define SCTLR_E0E BIT(24)
#define SCTLR_EE BIT(25)
#define SCTLR_SPAN BIT(23)
#define SCTLR_DSSBS BIT(44)
#define HCR_VSE BIT(8)

uint64_t inject_vector(uint64_t vbar, uint64_t pstate)
{
    uint64_t base = vbar & ~FIELD(10, 0);
    if (pstate & PSTATE_A32)
        return base + 0x600;
    if ((pstate & FIELD(3, 2)) == 0)
        return base + 0x400;
    return base + (pstate & 1 ? 0x200 : 0x000);
}

uint64_t inject_pstate(uint64_t old, uint64_t sctlr, bool has_pan, bool has_ssbs)
{
    uint64_t new = (old & (PSTATE_NZCV | PSTATE_DIT)) | PSTATE_DAIF | PSTATE_M_EL1H;
    if (has_pan)
        new |= sctlr &SCTLR_SPAN ? old &PSTATE_PAN : PSTATE_PAN;
    if (has_ssbs && sctlr & SCTLR_DSSBS)
        new |= PSTATE_SSBS;
    return new;
}

static void take(struct vcpu_arch *v, uint64_t esr)
{
    uint64_t old = v->regs.pstate;
    bool has_pan = field_get(FIELD(23, 20), read_sysreg(id_aa64mmfr1_el1));
    bool has_ssbs = field_get(FIELD(7, 4), read_sysreg(id_aa64pfr1_el1));
    write_sysreg(esr_el1, esr);
    write_sysreg(elr_el1, v->regs.pc);
    write_sysreg(spsr_el1, old);
    v->regs.pc = inject_vector(read_sysreg(vbar_el1), old);
    v->regs.pstate = inject_pstate(old, read_sysreg(sctlr_el1), has_pan, has_ssbs);
}

static bool from_el0(const struct vcpu_arch *v)
{
    return (v->regs.pstate & FIELD(3, 0)) == 0;
}

void vcpu_inject_undef(struct vcpu_arch *v)
{
    take(v, ESR_IL | (uint64_t)EC_UNKNOWN << 26);
}

void vcpu_inject_trap(struct vcpu_arch *v, uint64_t esr)
{
    take(v, esr);
}

#define FSC_EXTERNAL 0x10
#define FSC_EXTERNAL_WALK 0x14

uint64_t inject_abort_esr(uint64_t esr, bool el0, bool walk, unsigned s1_level)
{
    bool instruction = ESR_EC(esr) == EC_IABT_LOW;
    uint64_t ec = (instruction ? EC_IABT_LOW : EC_DABT_LOW) + (el0 ? 0 : 1);
    uint64_t iss = walk ? FSC_EXTERNAL_WALK + s1_level : FSC_EXTERNAL;
    if (!instruction)
        iss |= esr & (ISS_WNR | ISS_CM);
    return ec << 26 | ESR_IL | iss; /* ISV is 0 in a stage 1 abort, so IL is 1 */
}

void vcpu_inject_abort(struct vcpu_arch *v, const struct exit *e, unsigned s1_level)
{
    write_sysreg(far_el1, e->far);
    take(v, inject_abort_esr(e->esr, from_el0(v), e->s1ptw, s1_level));
}

void vcpu_inject_serror(struct vcpu_arch *v)
{
    v->hcr = read_sysreg(hcr_el2) | HCR_VSE; /* pending until PSTATE.A lets it be taken */
    write_sysreg(hcr_el2, v->hcr);
    if (field_get(FIELD(31, 28), read_sysreg(id_aa64pfr0_el1)))
        write_sysreg(S3_4_C5_C2_3, 0); /* VSESR_EL2: IMPLEMENTATION DEFINED syndrome 0 */
}

bool vcpu_serror_pending(void)
{
    return read_sysreg(hcr_el2) & HCR_VSE;
}

#define PSTATE_SS BIT(21)
#define PSTATE_BTYPE FIELD(11, 10)
#define A32_IT_LOW FIELD(26, 25)
#define A32_IT_HIGH FIELD(15, 10)
#define A32_T BIT(5)

/* IT<7:0> is CPSR<15:10>:<26:25>. */
static uint64_t it_state(uint64_t pstate)
{
    return field_get(A32_IT_HIGH, pstate) << 2 | field_get(A32_IT_LOW, pstate);
}

/* DDI 0487 AArch32.ITAdvance(). */
static uint64_t it_advance(uint64_t pstate)
{
    uint64_t it = it_state(pstate);
    it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
    return field_set(A32_IT_LOW, field_set(A32_IT_HIGH, pstate, it >> 2), it);
}

#define ISS_CV BIT(24)
#define ISS_COND FIELD(23, 20)
#define COND_ALWAYS 14

/* DDI 0487 ConditionHolds(); where the syndrome has no condition the IT block that the instruction is in has. */
bool vcpu_condition_holds(const struct vcpu_arch *v, uint64_t esr)
{
    uint64_t p = v->regs.pstate, cond = COND_ALWAYS;
    bool n = p & BIT(31), z = p & BIT(30), c = p & BIT(29), o = p & BIT(28), holds = true;
    if (!(p & PSTATE_A32))
        return true;
    if (esr & ISS_CV)
        cond = field_get(ISS_COND, esr);
    else if (p & A32_T && it_state(p) & 0xf)
        cond = it_state(p) >> 4;
    switch (cond >> 1) {
    case 0: holds = z; break;
    case 1: holds = c; break;
    case 2: holds = n; break;
    case 3: holds = o; break;
    case 4: holds = c && !z; break;
    case 5: holds = n == o; break;
    case 6: holds = n == o && !z; break;
    default: return true;
    }
    return holds != (cond & 1);
}

void vcpu_advance_pc(struct vcpu_arch *v, uint64_t esr)
{
    if (v->regs.pstate & PSTATE_A32) {
        if (v->regs.pstate & A32_T)
            v->regs.pstate = it_advance(v->regs.pstate);
    } else {
        v->regs.pstate &= ~PSTATE_BTYPE;
    }
    v->regs.pc += esr & ESR_IL ? 4 : 2;
    v->regs.pstate &= ~PSTATE_SS;
}

bool vcpu_translate(uint64_t va, bool el0, bool write, ipa_t *out)
{
    uint64_t saved = read_sysreg(par_el1);
    if (el0 && write)
        __asm__ volatile("at s1e0w, %0" ::"r"(va) : "memory");
    else if (el0)
        __asm__ volatile("at s1e0r, %0" ::"r"(va) : "memory");
    else if (write)
        __asm__ volatile("at s1e1w, %0" ::"r"(va) : "memory");
    else
        __asm__ volatile("at s1e1r, %0" ::"r"(va) : "memory");
    isb();
    uint64_t par = read_sysreg(par_el1);
    write_sysreg(par_el1, saved);
    *out = IPA((par & FIELD(47, 12)) | (va & (PAGE_SIZE - 1)));
    return !(par & 1);
}

bool vcpu_big_endian(const struct vcpu_arch *v)
{
    if (v->regs.pstate & PSTATE_A32)
        return v->regs.pstate & A32_E;
    return read_sysreg(sctlr_el1) & (from_el0(v) ? SCTLR_E0E : SCTLR_EE);
}

bool vcpu_el1_big_endian(void)
{
    return read_sysreg(sctlr_el1) & SCTLR_EE;
}

void vcpu_arch_start_big_endian(struct vcpu_arch *v)
{
    v->sys.sctlr_el1 |= SCTLR_EE;
}

/* SP_EL1 only at EL1 with PSTATE.SP = 1. */
static bool uses_sp_el1(const struct vcpu_arch *v)
{
    return (v->regs.pstate & PSTATE_M) == PSTATE_M_EL1H;
}

uint64_t vcpu_sp_read(const struct vcpu_arch *v)
{
    return uses_sp_el1(v) ? read_sysreg(sp_el1) : read_sysreg(sp_el0);
}

void vcpu_sp_write(struct vcpu_arch *v, uint64_t value)
{
    if (uses_sp_el1(v))
        write_sysreg(sp_el1, value);
    else
        write_sysreg(sp_el0, value);
}

struct stage1_walk stage1_begin_current(uint64_t va)
{
    return stage1_begin(read_sysreg(tcr_el1), read_sysreg(ttbr0_el1), read_sysreg(ttbr1_el1), va);
}
