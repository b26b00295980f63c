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

static uint64_t row_read(const struct reg *row, const struct reg_access *a, uint64_t esr)
{
    uint64_t value = row->read ? row->read(a) : row->value;
    unsigned unused = 64 - 8 * a->size;
    value <<= unused;
    value = esr & ISS_SSE ? (uint64_t)((int64_t)value >> unused) : value >> unused;
    return esr & ISS_SF ? value : (uint32_t)value;
}

static bool row_is_quick(const struct reg *row, bool write, unsigned size)
{
    if (write ? row->write != NULL : row->read != NULL)
        return row->quick;
    return write || size == row->stride; /* constants are read whole */
}

static __attribute__((noinline)) int mmio_fast(struct core *c, struct guest_cpu *v, uint64_t esr)
{
    unsigned rt = (unsigned)field_get(ISS_SRT, esr), size = 1u << field_get(ISS_SAS, esr);
    if ((esr & (ISS_ISV | ISS_CM | ISS_S1PTW | ISS_FSC_KIND)) != (ISS_ISV | FSC_TRANSLATION) || !reg_at_hand(rt) ||
        !exit_is_plain())
        return GUEST_LEFT_SYNC;
    uint64_t ipa = exit_ipa();
    const struct region *r = aspace_cached(&v->vm->as, &v->hot, IPA(ipa));
    if (!r)
        r = aspace_find_cached(&v->vm->as, &v->hot, IPA(ipa));
    if (!r || !r->regs || !(r->flags & (esr & ISS_WNR ? GRF_VIRT_WR : GRF_VIRT_RD)))
        return GUEST_LEFT_SYNC;
    uint32_t offset = (uint32_t)(ipa - r->base.raw + r->skip);
    const struct reg *row = reg_find_indexed(r->regs, &r->index, offset);
    if (!row || !reg_takes(row, offset, size) || !row_is_quick(row, esr & ISS_WNR, size))
        return GUEST_LEFT_SYNC;
    struct reg_access a = {
        .vdev = r->vdev,
        .gcp = v,
        .cookie = r->cookie,
        .offset = offset,
        .index = (offset - row->offset) / row->stride,
        .size = (uint8_t)size,
    };
    v->exits[EXIT_DATA_ABORT]++;
    exit_skip();
    if (esr & ISS_WNR && row->write)
        row->write(&a, reg_read(&v->arch, rt) & ~UINT64_C(0) >> (64 - 8 * size));
    else if (!(esr & ISS_WNR))
        reg_write(&v->arch, rt, row_read(row, &a, esr));
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
    struct sysreg_access a = { .reg = ICC_SGI1R_EL1, .write = true, .value = reg_read(&v->arch, rt) };
    if ((esr & (SYSREG_ISS_MASK | ISS_READ)) != ICC_SGI1R_EL1 || v->vm->intc->sysreg(v, &a) != SYSREG_DONE)
        return GUEST_LEFT_SYNC;
    v->exits[EXIT_SYSREG]++;
    exit_skip();
    return core_settle(c, v);
}

/* HVC returns behind itself by nature, a trapped SMC does not. */
static int call_fast(struct guest_cpu *v, enum exit_kind kind, uint64_t esr)
{
    if (esr & ISS_IMM16 || (kind == EXIT_SMC && !exit_is_plain()) || !smccc_quick(v))
        return GUEST_LEFT_SYNC;
    v->exits[kind]++;
    if (kind == EXIT_SMC)
        exit_skip();
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
    switch (ESR_EC(esr)) {
    case EC_DABT_LOW: return mmio_fast(c, v, esr);
    case EC_SYSREG: return sysreg_fast(c, v, esr);
    case EC_HVC64: return call_fast(v, EXIT_HVC, esr);
    case EC_SMC64: return call_fast(v, EXIT_SMC, esr);
    case EC_FP: return fp_fast(v);
    }
    return GUEST_LEFT_SYNC;
}
