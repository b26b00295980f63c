/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/exit.h"
#include "hyp/base/log.h"
#include "hyp/core.h"
#include "hyp/dispatch.h"
#include "hyp/emulate.h"
#include "hyp/guest_walk.h"
#include "hyp/smccc.h"

#define ISS_IMM16 FIELD(15, 0)
#define WFX_TI FIELD(1, 0)
enum { WFX_WFI = 0, WFX_WFE = 1, WFX_WFIT = 2, WFX_WFET = 3 };

static bool from_el0(const struct guest_cpu *v)
{
    return (v->arch.regs.pstate & FIELD(3, 0)) == 0;
}

/* As if nothing were there: a read gets all ones, a base register moves on. */
static __running void access_ignored(struct guest_cpu *v, const struct exit *e)
{
    struct mmio m;
    if (mmio_decode(e->esr, e->ipa, &m) != MMIO_OK)
        emulate_nothing(v);
    else if (!m.write && m.reg != 31)
        v->arch.regs.x[m.reg] = mmio_extend(&m, ~UINT64_C(0));
}

void exit_unsupported(struct guest_cpu *v, const struct exit *e, enum unsupported_policy policy, const char *what)
{
    struct guest_system *vm = v->vm;
    __atomic_fetch_add(&vm->unsupported, 1, __ATOMIC_RELAXED);
    log_limited(&vm->log_limit, LOG_WARN, "vm %s: vcpu %u: %s: pc 0x%llx esr 0x%llx ipa 0x%llx", vm->name, v->index,
                what, (unsigned long long)v->arch.regs.pc, (unsigned long long)e->esr, (unsigned long long)e->ipa.raw);
    switch (policy) {
    case UNSUPPORTED_FAIL:
        if (e->kind == EXIT_DATA_ABORT || e->kind == EXIT_INST_ABORT)
            vcpu_inject_abort(&v->arch, e, e->s1ptw ? guest_walk_level(v, e->far, e->ipa) : 0);
        else
            vcpu_inject_undef(&v->arch);
        return;
    case UNSUPPORTED_IGNORE:
        if (e->kind == EXIT_DATA_ABORT)
            access_ignored(v, e);
        if (e->kind == EXIT_SYSREG && e->esr & 1 && field_get(FIELD(9, 5), e->esr) != 31)
            v->arch.regs.x[field_get(FIELD(9, 5), e->esr)] = ~UINT64_C(0);
        vcpu_advance_pc(&v->arch, e->esr);
        return;
    case UNSUPPORTED_ABORT: guest_terminate(vm, GTC_UNSUPPORTED); return;
    }
}

static void mmio_done(struct guest_cpu *v, const struct exit *e, const struct mmio *m, uint64_t value)
{
    if (!m->write && m->reg != 31)
        v->arch.regs.x[m->reg] = value;
    vcpu_advance_pc(&v->arch, e->esr);
}

/* What a vdev answers that is no result: the VM ends. */
static __running void vdev_failed(struct guest_cpu *v, const char *who, enum vdev_ref_status s)
{
    if (s >= VRS_ERRNO)
        log_error("vm %s: %s failed to serve vcpu %u at pc 0x%llx (error %d)", v->vm->name, who, v->index,
                  (unsigned long long)v->arch.regs.pc, (int)s - VRS_ERRNO);
    guest_terminate(v->vm, s == VRS_ABORT ? GTC_RESET : GTC_CRASH);
}

static __running void mmio_exit(struct guest_cpu *v, const struct exit *e, const struct region *r)
{
    struct mmio m = { .write = true };
    enum vdev_ref_status s;
    uint64_t value = 0;
    if (mmio_decode(e->esr, e->ipa, &m) == MMIO_OK) {
        m.reverse = vcpu_big_endian(&v->arch);
        value = m.write && m.reg != 31 ? v->arch.regs.x[m.reg] : 0;
        s = dispatch_mmio(r, v, &m, &value);
    } else if (!emulate_access(v, e, r, &s)) {
        exit_unsupported(v, e, v->vm->config->on_reference, "device access by an instruction that is not emulated");
        return;
    }
    switch (s) {
    case VRS_NORMAL: mmio_done(v, e, &m, value); return;
    case VRS_NO_ADVANCE: return;
    case VRS_BUS_ERROR: vcpu_inject_abort(&v->arch, e, 0); return;
    case VRS_CONTINUE:
        exit_unsupported(v, e, v->vm->config->on_reference, "access that the device does not serve");
        return;
    case VRS_ABORT:
    case VRS_TERMINATE:
    case VRS_ERRNO: break;
    }
    vdev_failed(v, r->owner, s);
}

/* What the access would have needed of the guest's own rights: GRF_PASS_*. Cache maintenance by VA reports a write and needs one. */
static uint32_t abort_needs(const struct exit *e)
{
    if (e->kind == EXIT_INST_ABORT && !e->s1ptw)
        return GRF_PASS_EX;
    return e->kind == EXIT_DATA_ABORT && e->esr & ISS_WNR ? GRF_PASS_WR : GRF_PASS_RD;
}

static __running void abort_exit(struct guest_cpu *v, struct exit e)
{
    bool write = e.kind == EXIT_DATA_ABORT && e.esr & ISS_WNR && !(e.esr & ISS_CM);
    /* A fetch by EL0 is looked up as EL1's read: what may be executed only, EL0 may not read. */
    bool el0 = from_el0(v) && e.kind == EXIT_DATA_ABORT;
    if (!e.ipa_valid && !vcpu_translate(e.far, el0, write, &e.ipa))
        return; /* the guest changed its tables meanwhile: it meets its own fault when it tries again */
    const struct region *r = aspace_find_cached(&v->vm->as, &v->hot, e.ipa);
    if (r && region_permits(r, abort_needs(&e)) && (r->flags & GRF_MEMORY || !e.s1ptw))
        return; /* it was in the way of a change of the tables: the next try finds them whole */
    /* ROM, a device, nothing: there are no cache lines to maintain, and on no machine that is an error. */
    if (e.kind == EXIT_DATA_ABORT && e.esr & ISS_CM && !e.s1ptw) {
        vcpu_advance_pc(&v->arch, e.esr);
        return;
    }
    if (r && r->vdev && e.kind == EXIT_DATA_ABORT && !e.s1ptw) {
        mmio_exit(v, &e, r);
        return;
    }
    const char *what = e.kind == EXIT_INST_ABORT ? "instruction fetch from where no memory is"
                       : e.s1ptw                 ? "translation table where no memory is"
                       : r                       ? "access that the region does not permit"
                                                 : "access to where nothing is";
    exit_unsupported(v, &e, v->vm->config->on_reference, what);
}

static void wfx_exit(struct guest_cpu *v, const struct exit *e)
{
    bool holds = vcpu_condition_holds(&v->arch, e->esr); /* before the IT state moves on */
    vcpu_advance_pc(&v->arch, e->esr);
    if (!holds)
        return;
    if (field_get(WFX_TI, e->esr) == WFX_WFI)
        v->waiting = !vcpu_serror_pending();
    else
        sched_turn_over(v->ctx.core); /* somebody else's turn */
}

bool instr_exit(struct guest_cpu *v, const struct exit *e, unsigned git, uint64_t qualifier, bool any)
{
    bool call = git != GIT_ARM_SYSREG; /* the guest is behind it already */
    enum vdev_ref_status s = v->vm->traps.count ? instr_ask(v, git, qualifier, any) : VRS_CONTINUE;
    switch (s) {
    case VRS_CONTINUE: return false;
    case VRS_NORMAL:
        if (!call)
            vcpu_advance_pc(&v->arch, e->esr);
        return true;
    case VRS_NO_ADVANCE:
    case VRS_BUS_ERROR:
        v->arch.regs.pc -= call ? 4 : 0;
        if (s == VRS_BUS_ERROR)
            vcpu_inject_undef(&v->arch);
        return true;
    case VRS_ABORT:
    case VRS_TERMINATE:
    case VRS_ERRNO: break;
    }
    vdev_failed(v, "a vdev that serves an instruction", s);
    return true;
}

void smccc_exit(struct guest_cpu *v, const struct exit *e)
{
    if (e->kind == EXIT_SMC)
        vcpu_advance_pc(&v->arch, e->esr); /* HVC returns behind itself already */
    if (e->esr & ISS_IMM16) {
        v->arch.regs.x[0] = ~UINT64_C(0); /* no service has another immediate: NOT_SUPPORTED */
        return;
    }
    uint32_t fn = (uint32_t)v->arch.regs.x[0];
    unsigned git = e->kind == EXIT_SMC ? GIT_ARM_SMC : GIT_ARM_HVC;
    if (smccc_serves(fn) || (!instr_exit(v, e, git, fn, false) && !instr_exit(v, e, git, fn, true)))
        smccc_call(v);
}

#define CP14_OPC1 FIELD(16, 14)
#define CP14_TRACE 1

/* By EL0 in AArch32. Its debug registers are there once this vCPU's are in the core. */
static __running void coprocessor_exit(struct guest_cpu *v, const struct exit *e)
{
    unsigned ec = ESR_EC(e->esr);
    bool trace = ec == EC_CP14_32 && field_get(CP14_OPC1, e->esr) == CP14_TRACE;
    bool debug = (ec == EC_CP14_32 || ec == EC_CP14_LS || ec == EC_CP14_64) && !trace;
    if (!vcpu_condition_holds(&v->arch, e->esr))
        vcpu_advance_pc(&v->arch, e->esr);
    else if (debug && !v->arch.debug_live)
        vcpu_debug_enable(&v->arch); /* and the instruction runs again */
    else
        exit_unsupported(v, e, v->vm->config->on_instruction, "instruction that this machine does not offer");
}

void exit_dispatch(struct guest_cpu *v, const struct exit *e)
{
    switch (e->kind) {
    case EXIT_IRQ: return;
    case EXIT_DATA_ABORT:
    case EXIT_INST_ABORT: abort_exit(v, *e); return;
    case EXIT_SERROR:
    case EXIT_GUEST_ERROR:
        log_limited(&v->vm->log_limit, LOG_WARN,
                    "vm %s: vcpu %u: the machine reported an error for its access: esr 0x%llx", v->vm->name, v->index,
                    (unsigned long long)e->esr);
        if (e->kind == EXIT_SERROR)
            vcpu_inject_serror(&v->arch);
        else
            vcpu_inject_abort(&v->arch, e, 0);
        return;
    case EXIT_SYSREG: sysreg_exit(v, e); return;
    case EXIT_HVC:
    case EXIT_SMC: smccc_exit(v, e); return;
    case EXIT_WFX: wfx_exit(v, e); return;
    case EXIT_FP: vcpu_fp_enable(&v->arch); return;
    case EXIT_CP15: coprocessor_exit(v, e); return;
    case EXIT_SVE:
    case EXIT_PAUTH:
    case EXIT_DEBUG:
    case EXIT_UNKNOWN:
        exit_unsupported(v, e, v->vm->config->on_instruction, "instruction that this machine does not offer");
        return;
    }
    hyp_panic("exit kind %d", (int)e->kind);
}
