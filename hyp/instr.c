/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/instr.h"
#include "arch/arm64/exit.h"
#include "hyp/vm.h"

#include <errno.h>

#define CALL_FAST BIT(31)
#define CALL_OWNER FIELD(29, 24)
#define OWNER_ARCH 0
#define OWNER_STANDARD 4

/* Registers that EL2 emulates or hands to the guest by itself. */
static __startup bool sysreg_is_ours(uint64_t reg)
{
    uint64_t op0 = field_get(ISS_OP0, reg), op1 = field_get(ISS_OP1, reg);
    uint64_t crn = field_get(ISS_CRN, reg), crm = field_get(ISS_CRM, reg);
    if (op0 == 2)
        return true;
    return op0 == 3 &&
           ((crn == 0 && op1 == 0) || (op1 == 0 && crn == 12 && crm >= 8) || (op1 == 0 && crn == 4) || crn == 14);
}

/* Does [first, last] have a call of that owner? Fast calls only: of yielding ones the hypervisor serves none. */
static __startup bool calls_have(uint64_t first, uint64_t last, unsigned owner)
{
    for (unsigned wide = 0; wide < 2; wide++) {
        uint64_t from = CALL_FAST | (uint64_t)wide << 30 | (uint64_t)owner << 24;
        if (ranges_overlap(first, last - first + 1, from, BIT(24)))
            return true;
    }
    return false;
}

static __startup bool trap_is_sound(const struct instr_trap *t)
{
    switch (t->git) {
    case GIT_ARM_SYSREG: return !sysreg_is_ours(t->first);
    case GIT_ARM_HVC:
    case GIT_ARM_SMC:
        return t->first <= t->last && !calls_have(t->first, t->last, OWNER_ARCH) &&
               !calls_have(t->first, t->last, OWNER_STANDARD);
    }
    return false;
}

static __startup struct instr_trap trap_of(unsigned git, uint64_t qualifier)
{
    struct instr_trap t = { .git = git & ~(unsigned)GIT_FLAG_NO_QUALIFIER, .last = ~UINT64_C(0) };
    t.any = git & GIT_FLAG_NO_QUALIFIER;
    if (t.any)
        return t;
    t.first = t.last = qualifier;
    if (t.git != GIT_ARM_SYSREG) {
        t.first = qualifier & FIELD(31, 0);
        t.last = qualifier >> 32;
    }
    return t;
}

int guest_instr_register(struct vdev_builder *b, unsigned git, uint64_t qualifier, guest_instr_callback callback)
{
    struct instr_traps *traps = &b->gsp->traps;
    struct instr_trap t = trap_of(git, qualifier);
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    bool any = git & GIT_FLAG_NO_QUALIFIER && t.git >= GIT_ARM_SYSREG && t.git <= GIT_ARM_SMC;
    if (!callback || (!any && !trap_is_sound(&t)))
        return error_at(EINVAL, "%s: guest_instr_register: type 0x%x, 0x%llx is not for a vdev", b->path, git,
                        (unsigned long long)qualifier);
    if (traps->count == GUEST_INSTR_MAX)
        return error_at(ENOSPC, "%s: more than %d instruction traps in one VM", b->path, GUEST_INSTR_MAX);
    t.vdev = b->vdev;
    t.callback = callback;
    traps->at[traps->count++] = t;
    return EOK;
}

static uint64_t qualifier_key(unsigned git, uint64_t qualifier)
{
    return git == GIT_ARM_SYSREG ? qualifier & SYSREG_ISS_MASK : qualifier;
}

enum vdev_ref_status instr_ask(guest_cpu *v, unsigned git, uint64_t qualifier, bool any)
{
    const struct instr_traps *traps = &v->vm->traps;
    uint64_t key = qualifier_key(git, qualifier);
    for (unsigned i = 0; i < traps->count; i++) {
        const struct instr_trap *t = &traps->at[i];
        if (t->git != git || t->any != any || key < t->first || key > t->last)
            continue;
        enum vdev_ref_status s = t->callback(t->vdev, v, git, qualifier);
        if (s != VRS_CONTINUE)
            return s;
    }
    return VRS_CONTINUE;
}

bool instr_serves(const struct guest_system *vm, unsigned git, uint32_t fn)
{
    const struct instr_traps *traps = &vm->traps;
    for (unsigned i = 0; i < traps->count; i++)
        if (traps->at[i].git == git && !traps->at[i].any && fn >= traps->at[i].first && fn <= traps->at[i].last)
            return true;
    return false;
}
