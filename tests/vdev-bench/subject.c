/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `make bench` measures of a vdev. Its first place goes by vread and vwrite, its second by a register table: PLAIN and QUICK, a word
 * each; PAGE, where a page of the guest's RAM is; TRAP, which makes writes to that page exit (1) or gives it back (0); PULSE, which pulses the
 * vdev, whose thread is above the guest; COMPUTE, which lets a thread below everything compute (1) or not (0);
 * HANDOVER, on which two threads above the guest hand over to each other and back so many times before the guest goes on.
 */
#include "hyp/api/gasp.h"
#include "hyp/api/guest.h"
#include "hyp/api/thread.h"
#include <errno.h>

#define PLACE_BYTES 0x1000
#define PAGE_BYTES 0x1000

enum {
    PLAIN = 0x00,
    PAGE = 0x08,
    TRAP = 0x10,
    FAILED = 0x18,
    PULSE = 0x20,
    COMPUTE = 0x28,
    HANDOVER = 0x30,
    QUICK = 0x80
};

struct subject {
    /* under v_mtx: */
    uint32_t word;
    uint64_t page, failed;
    uint32_t handovers, turn; /* of the two threads, 1 and 2; 0: nobody's */
    bool go, threads;
    struct vdev_cond begun, turned[2];
    struct vdev_event event; /* set at startup, then const */
    /* any core, atomic: */
    uint32_t pulses, compute;
};

static struct subject *subject_of(const vdev_t *v)
{
    return v->v_device;
}

static enum vdev_ref_status subject_vread(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd,
                                          const qvm_state_block *oopnd, guest_cpu *gcp)
{
    (void)cookie, (void)vopnd;
    phase_assume_running();
    lock_acquire(&v->v_mtx);
    uint32_t word = subject_of(v)->word;
    lock_release(&v->v_mtx);
    return guest_cpu_to_vrs(guest_cpu_write(gcp, GXF_NONE, oopnd, 1, &word, sizeof(word)));
}

static enum vdev_ref_status subject_vwrite(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd,
                                           const qvm_state_block *oopnd, guest_cpu *gcp)
{
    uint32_t word;
    (void)cookie, (void)vopnd;
    phase_assume_running();
    int err = guest_cpu_read(gcp, GXF_NONE, oopnd, 1, &word, sizeof(word));
    lock_acquire(&v->v_mtx);
    subject_of(v)->word = err == EOK ? word : 0;
    lock_release(&v->v_mtx);
    return guest_cpu_to_vrs(err);
}

static uint64_t word_read(const struct reg_access *a)
{
    lock_acquire(&a->vdev->v_mtx);
    uint64_t value = subject_of(a->vdev)->word;
    lock_release(&a->vdev->v_mtx);
    return value;
}

static void word_write(const struct reg_access *a, uint64_t value)
{
    lock_acquire(&a->vdev->v_mtx);
    subject_of(a->vdev)->word = (uint32_t)value;
    lock_release(&a->vdev->v_mtx);
}

static void page_write(const struct reg_access *a, uint64_t value)
{
    lock_acquire(&a->vdev->v_mtx);
    subject_of(a->vdev)->page = value;
    lock_release(&a->vdev->v_mtx);
}

static uint64_t failed_read(const struct reg_access *a)
{
    return __atomic_load_n(&subject_of(a->vdev)->failed, __ATOMIC_RELAXED);
}

/* Writes to the page while it is trapped have no effect; the guest makes none. */
static const struct reg page_rows[] = {
    { .offset = 0, .span = PAGE_BYTES, .stride = 8, .sizes = REG_SIZE_8 },
};
static const struct reg_table page_regs = { page_rows, ARRAY_LEN(page_rows), REG_RAZ_WI };

static __running void trap_write(const struct reg_access *a, uint64_t value)
{
    struct subject *s = subject_of(a->vdev);
    guest_system *gsp = a->vdev->v_gsp;
    int err = EINVAL;
    struct gasp_region r = {
        .flags = value ? GRF_PASS_RD | GRF_VIRT_WR : GRF_NONE,
        .vdev = a->vdev,
        .regs = &page_regs,
        .guest = { .type = QST_MEMORY, .location = s->page, .length = PAGE_BYTES },
    };
    if (gasp_lock(gsp, QST_MEMORY) != EOK)
        return;
    bool done = gasp_region_set_soft(gsp, 1, &r, &err) == 1;
    gasp_unlock(gsp, QST_MEMORY);
    if (!done)
        __atomic_fetch_add(&s->failed, 1, __ATOMIC_RELAXED);
}

static __running void pulse_write(const struct reg_access *a, uint64_t value)
{
    (void)value;
    if (vdev_event_deliver(&subject_of(a->vdev)->event) != EOK)
        __atomic_fetch_add(&subject_of(a->vdev)->failed, 1, __ATOMIC_RELAXED);
}

static int subject_pulse(vdev_t *v, int8_t code)
{
    (void)code;
    __atomic_fetch_add(&subject_of(v)->pulses, 1, __ATOMIC_RELAXED);
    return EOK;
}

static void *compute_thread(void *arg)
{
    struct subject *s = arg;
    while (__atomic_load_n(&s->compute, __ATOMIC_RELAXED))
        ;
    return NULL;
}

static __running void compute_write(const struct reg_access *a, uint64_t value)
{
    static const struct vdev_thread_attr lowest = { .priority = 0 };
    struct subject *s = subject_of(a->vdev);
    vdev_thread_t *t;
    __atomic_store_n(&s->compute, (uint32_t)value, __ATOMIC_RELAXED);
    if (value && vdev_thread_create(a->vdev, "compute", &t, &lowest, compute_thread, s) != EOK)
        __atomic_fetch_add(&s->failed, 1, __ATOMIC_RELAXED);
}

/* Until it is the turn of thread `mine`; false: the VM ends. */
static bool turn_wait(vdev_t *v, uint32_t mine) REQUIRES(MAY_BLOCK, v->v_mtx)
{
    struct subject *s = subject_of(v);
    while (s->turn != mine)
        if (vdev_cond_wait_mtx(&s->turned[mine - 1], &v->v_mtx, VDEV_FOREVER) != EOK)
            return false;
    return true;
}

static void turn_give(vdev_t *v, uint32_t to) REQUIRES(v->v_mtx) __running
{
    subject_of(v)->turn = to;
    vdev_cond_signal(&subject_of(v)->turned[to - 1]);
}

static void *first_thread(void *arg)
{
    vdev_t *v = arg;
    struct subject *s = subject_of(v);
    thread_assume();
    phase_assume_running();
    lock_acquire(&v->v_mtx);
    for (bool alive = true; alive;) {
        while (alive && !s->go)
            alive = vdev_cond_wait_mtx(&s->begun, &v->v_mtx, VDEV_FOREVER) == EOK;
        s->go = false;
        for (; alive && s->handovers; s->handovers--) {
            turn_give(v, 2);
            alive = turn_wait(v, 1);
        }
    }
    lock_release(&v->v_mtx);
    return NULL;
}

static void *second_thread(void *arg)
{
    vdev_t *v = arg;
    thread_assume();
    phase_assume_running();
    lock_acquire(&v->v_mtx);
    while (turn_wait(v, 2))
        turn_give(v, 1);
    lock_release(&v->v_mtx);
    return NULL;
}

static __running void handover_write(const struct reg_access *a, uint64_t value)
{
    static const struct vdev_thread_attr above = { .priority = 200 };
    vdev_t *v = a->vdev;
    struct subject *s = subject_of(v);
    vdev_thread_t *t;
    if (!s->threads && (vdev_thread_create(v, "first", &t, &above, first_thread, v) != EOK ||
                        vdev_thread_create(v, "second", &t, &above, second_thread, v) != EOK))
        __atomic_fetch_add(&s->failed, 1, __ATOMIC_RELAXED);
    lock_acquire(&v->v_mtx);
    s->threads = true;
    s->handovers = (uint32_t)value;
    s->go = true;
    vdev_cond_signal(&s->begun);
    lock_release(&v->v_mtx);
}

#define ROW(at, bytes) \
    .offset = (at), .span = (bytes), .stride = (bytes) > 4 ? 8 : 4, .sizes = (bytes) > 4 ? REG_SIZE_8 : REG_SIZE_4
static const struct reg subject_rows[] = {
    { ROW(PLAIN, 4), .read = word_read, .write = word_write },
    { ROW(PAGE, 8), .write = page_write },
    { ROW(TRAP, 4), .write = trap_write },
    { ROW(FAILED, 8), .read = failed_read },
    { ROW(PULSE, 4), .write = pulse_write },
    { ROW(COMPUTE, 4), .write = compute_write },
    { ROW(HANDOVER, 4), .write = handover_write },
    { ROW(QUICK, 4), .read = word_read, .write = word_write, .quick = true },
};
static const struct reg_table subject_regs = { subject_rows, ARRAY_LEN(subject_rows), REG_BUS_ERROR };

static __startup int second_place(struct vdev_builder *b)
{
    struct gasp_region r = { .flags = GRF_VIRT_RD | GRF_VIRT_WR,
                             .regs = &subject_regs,
                             .guest = { .type = QST_MEMORY } };
    if (!vdev_reg(b, 1, &r.guest.location, &r.guest.length))
        return error_at(EINVAL, "%s: reg has no second place", b->path);
    int err = gasp_region_set(b, 1, &r);
    return err ? err : gasp_regs_prepare(b, &page_regs);
}

static __startup int subject_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    (void)arg;
    if (ctrl == VDEV_CTRL_OPTIONS_START)
        b->vdev->v_block.length = PLACE_BYTES;
    if (ctrl == VDEV_CTRL_OPTIONS_END)
        return vdev_pulse(b->vdev, 1, 200, &subject_of(b->vdev)->event);
    return ctrl == VDEV_CTRL_ASSIGN ? second_place(b) : EOK;
}

static const char *const subject_compatible[] = { "test,subject", NULL };

VDEV_FACTORY(subject_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_VDEV_MEM | VFF_MUTEX | VFF_INTR_NO,
    .name = "subject",
    .compatible = subject_compatible,
    .extra_space = sizeof(struct subject),
    .acc_sizes = BIT(4),
    .threads = 3,
    .pulse = subject_pulse,
    .startup = subject_startup,
    .vread = subject_vread,
    .vwrite = subject_vwrite,
};
