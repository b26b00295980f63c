/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stolen time for guests, as Arm's "Paravirtualized Time for Arm-based Systems" (DEN 0057A) has it: a structure for each vCPU in memory that the guest reads and
 * cannot write, found by a call. The framework writes the time.
 */
#include "hyp/api/gasp.h"
#include "hyp/api/guest.h"
#include "hyp/api/instr.h"
#include "hyp/api/vintc.h"

#include <errno.h>

#define PV_TIME_FEATURES UINT32_C(0xc5000020)
#define PV_TIME_ST UINT32_C(0xc5000021)
#define NOT_SUPPORTED (~UINT64_C(0)) /* -1 */

/* Table 3-1: revision 0, no attributes; little endian, 64-byte aligned. */
struct stolen_time {
    uint32_t revision;
    uint32_t attributes;
    uint64_t stolen_time; /* ns */
    uint8_t reserved[48];
};
_Static_assert(sizeof(struct stolen_time) == 64 && offsetof(struct stolen_time, stolen_time) == 8,
               "DEN 0057A table 3-1");

static uint64_t pvtime_answer(const vdev_t *v, const guest_cpu *gcp, uint32_t fn, uint32_t asked)
{
    if (fn == PV_TIME_ST)
        return v->v_block.location + guest_cpu_index(gcp) * sizeof(struct stolen_time);
    return asked == PV_TIME_FEATURES || asked == PV_TIME_ST ? 0 : NOT_SUPPORTED;
}

/* A vCPU's call: X0 is the function, X1 what PV_TIME_FEATURES asks for; the answer goes to X0. */
static __running enum vdev_ref_status pvtime_call(vdev_t *v, guest_cpu *gcp, uint64_t qualifier)
{
    qvm_state_block x0 = git_call_operand(0), x1 = git_call_operand(1);
    uint64_t asked;
    if (guest_cpu_read(gcp, GXF_NONE, &x1, 1, &asked, sizeof(asked)))
        return VRS_ERRNO + EFAULT;
    uint64_t answer = pvtime_answer(v, gcp, (uint32_t)qualifier, (uint32_t)asked);
    return guest_cpu_write(gcp, GXF_NONE, &x0, 1, &answer, sizeof(answer)) ? VRS_ERRNO + EFAULT : VRS_NORMAL;
}

static enum vdev_ref_status pvtime_serve(vdev_t *v, guest_cpu *gcp, unsigned git, uint64_t qualifier)
{
    (void)git;
    phase_assume_running();
    return pvtime_call(v, gcp, qualifier);
}

static __startup int pvtime_create(struct vdev_builder *b)
{
    uint64_t bytes = guest_cpu_count(b->gsp) * sizeof(struct stolen_time);
    b->vdev->v_block.length = align_up(bytes, PAGE_SIZE);
    int err = guest_instr_register(b, GIT_ARM_HVC, GIT_CALLS(PV_TIME_FEATURES, PV_TIME_ST), pvtime_serve);
    return err ? err : guest_instr_register(b, GIT_ARM_SMC, GIT_CALLS(PV_TIME_FEATURES, PV_TIME_ST), pvtime_serve);
}

/* Its place is known: memory behind it, all of what `reg` gives. */
static __startup int pvtime_place(struct vdev_builder *b)
{
    const qvm_state_block *at = &b->vdev->v_block;
    struct gasp_region region = { .flags = GRF_PASS_RD | GRF_MEMORY | GRF_ACTIVE, .guest = *at };
    if (!is_aligned(at->location | at->length, PAGE_SIZE))
        return error_at(EINVAL, "%s: reg: 0x%llx bytes at 0x%llx are no whole pages", b->path,
                        (unsigned long long)at->length, (unsigned long long)at->location);
    struct stolen_time *page = vdev_alloc_pages(b, (unsigned)(at->length / PAGE_SIZE), &region.host_location);
    if (!page)
        return ENOMEM;
    for (unsigned i = 0; i < guest_cpu_count(b->gsp); i++) {
        int err = guest_cpu_stolen_to(guest_cpu_get(b->gsp, i), &page[i].stolen_time);
        if (err)
            return err;
    }
    return gasp_region_set(b, 1, &region);
}

static __startup int pvtime_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    (void)arg;
    if (ctrl == VDEV_CTRL_OPTIONS_START)
        return pvtime_create(b);
    return ctrl == VDEV_CTRL_ASSIGN ? pvtime_place(b) : EOK;
}

static const char *const pvtime_compatible[] = { "armature,pvtime", NULL };

VDEV_FACTORY(pvtime_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_VDEV_MEM | VFF_INTR_NO | VFF_MANUAL_REGION,
    .safety = VDEV_SAFETY_SELECTED,
    .name = "pvtime",
    .compatible = pvtime_compatible,
    .startup = pvtime_startup,
};
