/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/emulate.h"
#include "arch/arm64/insn.h"
#include "arch/arm64/mmu.h"
#include "hyp/dispatch.h"

#define PSTATE_A32 BIT(4)

static bool insn_read(struct guest_cpu *v, uint32_t *insn)
{
    ipa_t at;
    /* As EL1's read: it was fetched, and what EL0 may execute only it may not read. */
    if (v->arch.regs.pstate & PSTATE_A32 || !vcpu_translate(v->arch.regs.pc, false, false, &at))
        return false;
    struct range host = aspace_ram_at(&v->vm->as, at, sizeof(*insn), 0);
    if (host.size < sizeof(*insn))
        return false;
    *insn = *(const volatile uint32_t *)window_map(host.base, sizeof(*insn), false);
    window_unmap();
    return true;
}

static uint64_t reg_read(const struct guest_cpu *v, unsigned n)
{
    return n == 31 ? 0 : v->arch.regs.x[n];
}

static void base_writeback(struct guest_cpu *v, const struct insn_access *a)
{
    uint64_t offset = (uint64_t)(int64_t)a->writeback_offset;
    if (a->rn == 31)
        vcpu_sp_write(&v->arch, vcpu_sp_read(&v->arch) + offset);
    else
        v->arch.regs.x[a->rn] += offset;
}

/* The base first: a load into it, which is CONSTRAINED UNPREDICTABLE with writeback, keeps what was loaded. */
static void access_done(struct guest_cpu *v, const struct insn_access *a, const uint64_t values[2])
{
    if (a->writeback)
        base_writeback(v, a);
    for (unsigned i = 0; a->load && i < a->count; i++)
        if (a->rt[i] != 31)
            v->arch.regs.x[a->rt[i]] = values[i];
}

void emulate_nothing(struct guest_cpu *v)
{
    uint32_t insn;
    struct insn_access a;
    if (!insn_read(v, &insn) || !insn_decode(insn, &a))
        return;
    const struct mmio m = { .size = a.size, .sign_extend = a.sign_extend, .wide = a.wide };
    const uint64_t ones = mmio_extend(&m, ~UINT64_C(0)), values[2] = { ones, ones };
    access_done(v, &a, values);
}

bool emulate_access(struct guest_cpu *v, const struct exit *e, const struct region *r, enum vdev_ref_status *status)
{
    uint32_t insn;
    struct insn_access a;
    uint64_t values[2] = { 0, 0 };
    if (!insn_read(v, &insn) || !insn_decode(insn, &a))
        return false;
    for (unsigned i = 0; i < a.count; i++) {
        struct mmio m = { .ipa = ipa_add(e->ipa, i * a.size),
                          .size = a.size,
                          .write = !a.load,
                          .sign_extend = a.sign_extend,
                          .wide = a.wide,
                          .reg = a.rt[i],
                          .reverse = vcpu_big_endian(&v->arch) };
        if (m.ipa.raw - r->base.raw + a.size > r->size) {
            *status = VRS_BUS_ERROR; /* the second of a pair lies behind the device */
            return true;
        }
        values[i] = reg_read(v, a.rt[i]);
        *status = dispatch_mmio(r, v, &m, &values[i]);
        if (*status != VRS_NORMAL)
            return true;
    }
    access_done(v, &a, values);
    return true;
}
