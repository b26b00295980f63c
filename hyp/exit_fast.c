/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exits that happen all the time, done between the vectors' half save and half restore: x19-x28 and all of EL1 are still the guest's. in_guest stays set
 * meanwhile, so nothing here may wait for another vCPU; what might answers with a full exit.
 */
#include "arch/arm64/exit_regs.h"
#include "hyp/core.h"
#include "hyp/exit.h"
#include "hyp/smccc.h"
#include "hyp/dispatch.h"

#define ISS_IMM16 FIELD(15, 0)
#define ISS_FSC_KIND FIELD(5, 2)
#define FSC_TRANSLATION (UINT64_C(1) << 2)
/* What of a Data Abort's syndrome an access is known by: all but the register and the level of the fault. */
#define ISS_ACCESS (ISS_ISV | ISS_SAS | ISS_SSE | ISS_WNR | ISS_CM | ISS_S1PTW | ISS_FSC_KIND)
/* op0=3, op1=0, CRn=0: the identification registers, but for the direction, Rt, CRm and op2. */
#define ISS_IDREG_MASK (SYSREG_ISS(3, 7, 15, 8, 0) | ISS_READ)
#define ISS_IDREG (SYSREG_ISS(3, 0, 0, 0, 0) | ISS_READ)
#define ICC_SGI1R_EL1 SYSREG_ISS(3, 0, 12, 11, 5)

/* Of x19 to x28 the vCPU's copy is stale. */
static bool reg_at_hand(unsigned n)
{
    return n - 19u > 9u;
}

static uint64_t reg_read(const struct vcpu_arch *a, unsigned n)
{
    return n == 31 ? 0 : a->regs.x[n];
}

static void reg_write(struct vcpu_arch *a, unsigned n, uint64_t value)
{
    if (n != 31)
        a->regs.x[n] = value;
}

static bool row_is_quick(const struct reg *row, bool write, unsigned size)
{
    if (write ? row->write != NULL : row->read != NULL)
        return row->quick;
    return write || size == row->stride; /* constants are read whole */
}

/* Which of its slots an address has: registers that are used together have others. */
static struct access_slot *access_slot(struct guest_cpu *v, uint64_t ipa)
{
    return &v->accesses[(ipa >> 2 ^ ipa >> 7 ^ ipa >> 12) % ARRAY_LEN(v->accesses)];
}

/* Finds what serves the access, and notes it. false: it takes a full exit. */
static __attribute__((noinline)) bool access_resolve(struct guest_cpu *v, struct access_slot *s, uint64_t ipa,
                                                     uint32_t syndrome)
{
    unsigned size = 1u << field_get(ISS_SAS, syndrome);
    bool write = syndrome & ISS_WNR;
    if ((syndrome & ~(ISS_SAS | ISS_WNR)) != (ISS_ISV | FSC_TRANSLATION))
        return false;
    const struct region *r = aspace_find_cached(&v->vm->as, &v->hot, IPA(ipa));
    if (!r || !r->regs || !(r->flags & (write ? GRF_VIRT_WR : GRF_VIRT_RD)))
        return false;
    uint32_t offset = (uint32_t)(ipa - r->base.raw + r->skip);
    const struct reg *row = reg_find_indexed(r->regs, &r->index, offset);
    if (!row || !reg_takes(row, offset, size) || !row_is_quick(row, write, size))
        return false;
    *s = (struct access_slot){
        .ipa = ipa,
        .syndrome = syndrome,
        .generation = v->hot.generation,
        .row = row,
        .mask = ~UINT64_C(0) >> (64 - 8 * size),
        .access = { .vdev = r->vdev,
                    .gcp = v,
                    .cookie = r->cookie,
                    .offset = offset,
                    .index = (offset - row->offset) / row->stride,
                    .size = (uint8_t)size },
    };
    return true;
}

static __attribute__((noinline)) int mmio_fast(struct core *c, struct guest_cpu *v, uint64_t esr)
{
    unsigned rt = (unsigned)field_get(ISS_SRT, esr);
    if (!reg_at_hand(rt) || !exit_is_plain())
        return GUEST_LEFT_SYNC;
    uint64_t ipa = exit_ipa();
    uint32_t syndrome = (uint32_t)(esr & ISS_ACCESS);
    struct access_slot *s = access_slot(v, ipa);
    bool known = s->ipa == ipa && s->syndrome == syndrome && s->generation == aspace_generation(&v->vm->as);
    if (!known && !access_resolve(v, s, ipa, syndrome))
        return GUEST_LEFT_SYNC;
    const struct reg *row = s->row;
    v->exits[EXIT_DATA_ABORT]++;
    exit_skip();
    if (!(syndrome & ISS_WNR))
        reg_write(&v->arch, rt, (row->read ? row->read(&s->access) : row->value) & s->mask);
    else if (row->write)
        row->write(&s->access, reg_read(&v->arch, rt) & s->mask);
    return core_settle(c, v);
}

static __attribute__((noinline)) int sysreg_fast(struct core *c, struct guest_cpu *v, uint64_t esr)
{
    unsigned rt = (unsigned)field_get(ISS_RT, esr);
    if (!reg_at_hand(rt) || !exit_is_plain())
        return GUEST_LEFT_SYNC;
    if ((esr & ISS_IDREG_MASK) == ISS_IDREG && field_get(ISS_CRM, esr)) {
        v->exits[EXIT_SYSREG]++;
        reg_write(&v->arch, rt, v->vm->idregs[field_get(ISS_CRM, esr) - 1][field_get(ISS_OP2, esr)]);
        exit_skip();
        return GUEST_RESUME;
    }
    if ((esr & (SYSREG_ISS_MASK | ISS_READ)) != ICC_SGI1R_EL1 || !v->vm->intc->sgi(v, reg_read(&v->arch, rt)))
        return GUEST_LEFT_SYNC;
    v->exits[EXIT_SYSREG]++;
    exit_skip();
    return core_settle(c, v);
}

/* HVC returns behind itself by nature, a trapped SMC does not. */
static void call_answered(struct guest_cpu *v, enum exit_kind kind)
{
    v->exits[kind]++;
    if (kind == EXIT_SMC)
        exit_skip();
}

static __running __attribute__((noinline)) int call_about_others(struct guest_cpu *v, enum exit_kind kind)
{
    if (!smccc_about_others(v))
        return GUEST_LEFT_SYNC;
    call_answered(v, kind);
    return core_settle(v->ctx.core, v);
}

static __running __attribute__((noinline)) int call_fast(struct guest_cpu *v, enum exit_kind kind, uint64_t esr)
{
    if (esr & ISS_IMM16 || (kind == EXIT_SMC && !exit_is_plain()))
        return GUEST_LEFT_SYNC;
    if (!smccc_quick(v))
        return call_about_others(v, kind);
    call_answered(v, kind);
    return GUEST_RESUME;
}

static __attribute__((noinline)) int fp_fast(struct guest_cpu *v)
{
    v->exits[EXIT_FP]++;
    vcpu_fp_enable(&v->arch);
    return GUEST_RESUME;
}

int exit_fast(struct vcpu_arch *arch, unsigned left)
{
    struct guest_cpu *v = container_of(arch, struct guest_cpu, arch);
    struct core *c = v->ctx.core;
    if (left == GUEST_LEFT_IRQ)
        return core_irq_fast(c, v);
    uint64_t esr = exit_esr();
    if (ESR_EC(esr) == EC_DABT_LOW)
        return mmio_fast(c, v, esr);
    switch (ESR_EC(esr)) {
    case EC_SYSREG: return sysreg_fast(c, v, esr);
    case EC_HVC64: return call_fast(v, EXIT_HVC, esr);
    case EC_SMC64: return call_fast(v, EXIT_SMC, esr);
    case EC_FP: return fp_fast(v);
    }
    return GUEST_LEFT_SYNC;
}
