/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The architectural state of a vCPU and the world switch. */
#include "arch/arm64/exit.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/pmu.h"
#include "arch/arm64/timer.h"
#include "hyp/base/phase.h"

struct vcpu_regs {
    uint64_t x[31];
    uint64_t pc; /* ELR_EL2 while out */
    uint64_t pstate;
};

/* EL1 and EL0 registers that stay in the hardware while the vCPU is the core's, and move when another comes: field, name. */
/* clang-format off */
#define VCPU_SYSREGS(X) \
    X(sp_el0) X(sp_el1) X(elr_el1) X(spsr_el1) X(vbar_el1) X(sctlr_el1) \
    X(actlr_el1) X(cpacr_el1) X(ttbr0_el1) X(ttbr1_el1) X(tcr_el1) X(mair_el1) \
    X(amair_el1) X(esr_el1) X(far_el1) X(afsr0_el1) X(afsr1_el1) X(contextidr_el1) \
    X(tpidr_el0) X(tpidrro_el0) X(tpidr_el1) X(par_el1) X(csselr_el1)
/* clang-format on */
#define VCPU_SYSREG_FIELD(name) uint64_t name;
struct vcpu_sysregs {
    VCPU_SYSREGS(VCPU_SYSREG_FIELD)
    uint64_t disr_el1, vsesr_el2; /* FEAT_RAS cores only */
};

struct vcpu_fp {
    uint64_t v[64] __attribute__((aligned(16))); /* Q0-Q31 */
    uint64_t fpsr, fpcr;
};

struct vcpu_debug {
    uint64_t bvr[16], bcr[16], wvr[16], wcr[16];
    uint64_t mdscr, mdccint, osdtrrx, osdtrtx, claim, osdlr;
    bool os_locked;
};

struct vcpu_arch;
/* How the guest was left; also what a fast function answers instead of resuming. */
enum guest_left { GUEST_RESUME = 0, GUEST_LEFT_SYNC = 1, GUEST_LEFT_IRQ = 2, GUEST_LEFT_SERROR = 3 };
/* Hot exits: GUEST_RESUME, or a full exit of that kind (LEFT_IRQ when the exception itself is done with). General registers x0-x18 are in v->regs, pc and pstate in ELR_EL2 and SPSR_EL2. Set by hyp. */
typedef int vcpu_fast_fn(struct vcpu_arch *v, unsigned left);

struct vcpu_arch {
    struct vcpu_regs regs;
    vcpu_fast_fn *fast;
    struct vcpu_sysregs sys;
    struct gic_vcpu gic;
    struct timer_vcpu timer;
    struct vcpu_pmu *pmu; /* NULL: it is hidden */
    uint64_t hcr;         /* HCR_EL2 while it runs; HCR_EL2.VSE is pending SError */
    uint64_t cptr, mdcr;
    uint64_t vmpidr;
    uint64_t vttbr, vtcr;
    bool fp_live, debug_live; /* this core only: its registers are in the hardware */
    bool fp_used, debug_used; /* since its reset */
    struct vcpu_fp fp;
    struct vcpu_debug debug;
};

/* Registers as PSCI and the boot protocol say at a vCPU's start: EL1h, DAIF masked, MMU and caches off, all else zero or its architected reset value. */
void vcpu_arch_reset(struct vcpu_arch *v, uint64_t pc, uint64_t x0);
/* Of an instruction of AArch32 that was trapped: does its condition hold? Else it is a NOP. Always, of one of AArch64. */
bool vcpu_condition_holds(const struct vcpu_arch *v, uint64_t esr);
/* Does EL1 of the vCPU that is on this core access data big-endian? */
bool vcpu_el1_big_endian(void);
/* It starts so. */
void vcpu_arch_start_big_endian(struct vcpu_arch *v);
/* The same for one that was reset since it ran last. */
void vcpu_arch_start(struct vcpu_arch *v, uint64_t pc, uint64_t x0);
/* Fixed traps and identity. */
void vcpu_arch_init(struct vcpu_arch *v, uint64_t vmpidr, uint64_t vttbr, uint64_t vtcr) __startup;
/* It sees its core's Performance Monitors, and their registers are kept there. After vcpu_arch_init(). */
void vcpu_arch_pmu(struct vcpu_arch *v, struct vcpu_pmu *pmu) __startup;
/* It runs on several cores in turn: what it does to TLBs, instruction caches and barriers of its own core concerns the others as well. */
void vcpu_arch_floats(struct vcpu_arch *v) __startup;
/* The vCPU becomes / stops being the one whose registers this core holds; flush_tlb: this core's entries of its VMID are another vCPU's. */
void vcpu_arch_load(struct vcpu_arch *v, bool flush_tlb);
void vcpu_arch_put(struct vcpu_arch *v);
/* Enters the guest; comes back when a full exit happened. General registers are in v->regs. */
struct exit guest_run(struct vcpu_arch *v);
/* EXIT_FP: give this vCPU the FP registers; a trapped debug register: its debug registers. v is loaded on this core. */
void vcpu_fp_enable(struct vcpu_arch *v);
void vcpu_debug_enable(struct vcpu_arch *v);
/* A vCPU alone on its core sleeps in the guest's own WFI; one that shares it leaves. v is loaded on this core. */
void vcpu_trap_wfi(struct vcpu_arch *v, bool trap);
/* From now on nothing of ours may use FP/SIMD registers on this core: they are, or will be, a guest's. */
void core_fp_seal(void);
/* Takes an SError that is pending, masked, on this core, with no guest's access behind it. true: there was one (DDI 0487 ISR_EL1). */
bool core_serror_take(void);
/* Idle: the core sleeps until an interrupt is pending (still masked). */
void core_wait(void);

/* Injection, exactly as the core would take it to EL1 (DDI 0487 AArch64.TakeException). v is loaded on this core. */
void vcpu_inject_undef(struct vcpu_arch *v);
/* The exception that brought the vCPU to EL2, as if EL1 had trapped it. */
void vcpu_inject_trap(struct vcpu_arch *v, uint64_t esr);
/* A synchronous external abort for the access that `e` describes; s1_level: the level of the stage 1 walk if e->s1ptw. */
void vcpu_inject_abort(struct vcpu_arch *v, const struct exit *e, unsigned s1_level);
void vcpu_inject_serror(struct vcpu_arch *v);
/* Is one pending that the vCPU on this core has not taken? It ends a WFI, whatever PSTATE.A says (DDI 0487, WFI wake-up events). */
bool vcpu_serror_pending(void);
/* Past the instruction that trapped, with what that does to PSTATE (single step, BTYPE, AArch32 IT). */
void vcpu_advance_pc(struct vcpu_arch *v, uint64_t esr);
/* Does the guest access memory big-endian now (SCTLR_EL1.EE, E0E; PSTATE.E in AArch32)? v is loaded on this core. */
bool vcpu_big_endian(const struct vcpu_arch *v);
/* The stack pointer that the guest's current PSTATE selects. v is loaded on this core. */
uint64_t vcpu_sp_read(const struct vcpu_arch *v);
void vcpu_sp_write(struct vcpu_arch *v, uint64_t value);
/* The IPA of a guest virtual address as the hardware would translate it now, for aborts that HPFAR_EL2 does not describe. false: it does not. */
bool vcpu_translate(uint64_t va, bool from_el0, bool write, ipa_t *out);
