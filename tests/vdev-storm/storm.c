/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test storms: HIT counts writes; FLIP makes the page of RAM at PAGE the guest's alone (0) or read direct and
 * write trapped (1), then each write comes here, is counted in TRAPPED and put into the page through a map. Two calls, HVC
 * 0x86000000 and 0x86000001, answer the number of flips, and x1 + x2; the register S3_0_C15_C7_5 holds what was written to it.
 */
#include "hyp/api/gasp.h"
#include "hyp/api/guest.h"
#include "hyp/api/instr.h"
#include <errno.h>

#define REGION_SIZE 0x1000
#define PAGE_BYTES 0x1000
#define CALL_FLIPS 0x86000000u
#define CALL_ADD 0x86000001u

struct storm {
    /* under v_mtx: */
    uint64_t hits, trapped, flips, lost;
    uint64_t page;
    uint64_t held;
};

enum { HIT, TRAPPED, FLIPS, LOST, PAGE, FLIP };

static struct storm *storm_of(const vdev_t *v)
{
    return v->v_device;
}

static __running uint64_t count_read(const struct reg_access *a)
{
    struct storm *s = storm_of(a->vdev);
    const uint64_t *const values[] = { &s->hits, &s->trapped, &s->flips, &s->lost, &s->page };
    lock_acquire(&a->vdev->v_mtx);
    uint64_t value = *values[a->offset / 8];
    lock_release(&a->vdev->v_mtx);
    return value;
}

static __running void hit_write(const struct reg_access *a, uint64_t value)
{
    lock_acquire(&a->vdev->v_mtx);
    storm_of(a->vdev)->hits += value;
    lock_release(&a->vdev->v_mtx);
}

static __running void page_place(const struct reg_access *a, uint64_t value)
{
    lock_acquire(&a->vdev->v_mtx);
    storm_of(a->vdev)->page = value;
    lock_release(&a->vdev->v_mtx);
}

/* A write of the guest's to its page, while it is trapped. */
static __running void page_write(const struct reg_access *a, uint64_t value)
{
    struct storm *s = storm_of(a->vdev);
    gasp_map_handle_t h;
    int err = gasp_map_firmware(a->vdev->v_gsp, GMF_WRITE, s->page + a->offset, 8, &h);
    if (!err)
        __atomic_store_n((uint64_t *)gasp_get_vaddr(&h), value, __ATOMIC_RELAXED);
    gasp_unmap_handle(a->vdev->v_gsp, &h, false);
    lock_acquire(&a->vdev->v_mtx);
    s->trapped++;
    s->lost += err != EOK;
    lock_release(&a->vdev->v_mtx);
}

static const struct reg page_rows[] = {
    { .offset = 0, .span = PAGE_BYTES, .stride = 8, .sizes = REG_SIZE_8, .write = page_write },
};
static const struct reg_table page_regs = { page_rows, ARRAY_LEN(page_rows), REG_BUS_ERROR };

static __running int page_flip(vdev_t *v, uint64_t page, bool trap)
{
    int err = EOK;
    struct gasp_region r = {
        .flags = trap ? GRF_PASS_RD | GRF_VIRT_WR : GRF_NONE,
        .vdev = v,
        .regs = &page_regs,
        .guest = { .type = QST_MEMORY, .location = page, .length = PAGE_BYTES },
    };
    if (gasp_lock(v->v_gsp, QST_MEMORY) != EOK)
        return EINVAL;
    if (gasp_region_set_soft(v->v_gsp, 1, &r, &err) == 1)
        err = EOK;
    gasp_unlock(v->v_gsp, QST_MEMORY);
    return err;
}

static __running void flip_write(const struct reg_access *a, uint64_t value)
{
    struct storm *s = storm_of(a->vdev);
    int err = page_flip(a->vdev, s->page, value);
    lock_acquire(&a->vdev->v_mtx);
    s->flips++;
    s->lost += err != EOK;
    lock_release(&a->vdev->v_mtx);
}

#define COUNT(n) .offset = (n)*8, .span = 8, .stride = 8, .sizes = REG_SIZE_8, .read = count_read
static const struct reg storm_rows[] = {
    { COUNT(HIT), .write = hit_write },
    { COUNT(TRAPPED) },
    { COUNT(FLIPS) },
    { COUNT(LOST) },
    { COUNT(PAGE), .write = page_place },
    { .offset = FLIP * 8, .span = 8, .stride = 8, .sizes = REG_SIZE_8, .write = flip_write },
};
static const struct reg_table storm_regs = { storm_rows, ARRAY_LEN(storm_rows), REG_BUS_ERROR };

static enum vdev_ref_status call_serve(vdev_t *v, guest_cpu *gcp, unsigned git, uint64_t function)
{
    qvm_state_block args[] = { git_call_operand(1), git_call_operand(2) }, result = git_call_operand(0);
    uint64_t value[2] = { 0, 0 };
    (void)git;
    phase_assume_running();
    if (function == CALL_ADD && guest_cpu_read(gcp, GXF_NONE, args, 2, value, sizeof(value)) != EOK)
        return VRS_TERMINATE;
    if (function == CALL_FLIPS)
        value[0] = storm_of(v)->flips;
    value[0] += value[1];
    return guest_cpu_write(gcp, GXF_NONE, &result, 1, value, sizeof(value[0])) == EOK ? VRS_NORMAL : VRS_TERMINATE;
}

static enum vdev_ref_status register_serve(vdev_t *v, guest_cpu *gcp, unsigned git, uint64_t qualifier)
{
    struct storm *s = storm_of(v);
    qvm_state_block rt = git_sysreg_operand(qualifier);
    int err;
    (void)git;
    phase_assume_running();
    if (git_sysreg_is_read(qualifier))
        err = guest_cpu_write(gcp, GXF_NONE, &rt, 1, &s->held, sizeof(s->held));
    else
        err = guest_cpu_read(gcp, GXF_NONE, &rt, 1, &s->held, sizeof(s->held));
    return err == EOK ? VRS_NORMAL : VRS_TERMINATE;
}

static __startup int storm_register(struct vdev_builder *b)
{
    int err = gasp_regs_prepare(b, &page_regs);
    if (err == EOK)
        err = guest_instr_register(b, GIT_ARM_HVC, GIT_CALLS(CALL_FLIPS, CALL_ADD), call_serve);
    if (err == EOK)
        err = guest_instr_register(b, GIT_ARM_SYSREG, GIT_SYSREG(3, 0, 15, 7, 5), register_serve);
    return err;
}

static __startup int storm_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    (void)arg;
    if (ctrl == VDEV_CTRL_OPTIONS_START)
        b->vdev->v_block.length = REGION_SIZE;
    return ctrl == VDEV_CTRL_OPTIONS_END ? storm_register(b) : EOK;
}

static const char *const storm_compatible[] = { "test,storm", NULL };

VDEV_FACTORY(storm_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_VDEV_MEM | VFF_MUTEX | VFF_INTR_NO,
    .name = "storm",
    .compatible = storm_compatible,
    .extra_space = sizeof(struct storm),
    .startup = storm_startup,
    .regs = &storm_regs,
};
