/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes each of its callbacks into the log, with the phase, the core and the locks that the core holds: all, its own v_mtx, its VM's
 * address space. Its first place goes by vread and vwrite, its second by a register table; it serves the call 0x86000010, which answers
 * what lies at the virtual address in x1, unless it has test,passes: then the next one is asked. A write to the table's register takes both locks, outermost first, and raises and lowers the
 * line within them. It takes the button if it has no test,passes.
 */
#include "hyp/api/gasp.h"
#include "hyp/api/guest.h"
#include "hyp/api/instr.h"
#include <errno.h>

#define PLACE_BYTES 0x1000
#define CALL 0x86000010u

struct recorder {
    /* set at startup, then const: */
    bool passes;
    /* under v_mtx: */
    uint32_t word;
    uint32_t starts; /* of the VM; no reset clears it */
};

static void record(const vdev_t *v, const char *what, unsigned value)
{
    const struct lock_record *here = lock_record_here();
    vdev_logf(LOG_INFO, v, "REC %s value=%u phase=%s core=%d locks=%u mtx=%d gasp=%d", what, value,
              phase_now() == PHASE_STARTUP ? "startup" : "running", here ? (int)here->core : -1, locks_held_here(),
              lock_held_here(&v->v_mtx), gasp_lock_held(v->v_gsp, QST_MEMORY));
}

static const char *code_name(unsigned ctrl)
{
    static const char *const names[] = {
        [VDEV_CTRL_OPTIONS_START] = "OPTIONS_START",
        [VDEV_CTRL_OPTIONS_END] = "OPTIONS_END",
        [VDEV_CTRL_GUEST_CONFIGURED] = "GUEST_CONFIGURED",
        [VDEV_CTRL_TERMINATE] = "TERMINATE",
        [VDEV_CTRL_STATUS] = "STATUS",
        [VDEV_CTRL_GEN_FDT] = "GEN_FDT",
        [VDEV_CTRL_BUTTON] = "BUTTON",
        [VDEV_CTRL_ASSIGN] = "ASSIGN",
        [VDEV_CTRL_GUEST_STARTING] = "GUEST_STARTING",
        [VDEV_CTRL_RESET] = "RESET",
    };
    return ctrl < ARRAY_LEN(names) && names[ctrl] ? names[ctrl] : "unknown";
}

static struct recorder *recorder_of(const vdev_t *v)
{
    return v->v_device;
}

static enum vdev_ref_status recorder_vread(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd,
                                           const qvm_state_block *oopnd, guest_cpu *gcp)
{
    (void)cookie, (void)vopnd;
    phase_assume_running();
    record(v, "vread", 0);
    return guest_cpu_to_vrs(guest_cpu_write(gcp, GXF_NONE, oopnd, 1, &recorder_of(v)->starts, sizeof(uint32_t)));
}

static enum vdev_ref_status recorder_vwrite(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd,
                                            const qvm_state_block *oopnd, guest_cpu *gcp)
{
    uint32_t word;
    (void)cookie, (void)vopnd;
    phase_assume_running();
    record(v, "vwrite", 0);
    return guest_cpu_to_vrs(guest_cpu_read(gcp, GXF_NONE, oopnd, 1, &word, sizeof(word)));
}

static uint64_t word_read(const struct reg_access *a)
{
    record(a->vdev, "read", 0);
    return recorder_of(a->vdev)->word;
}

/* Writes down how many locks were held at most meanwhile: those of the interrupt controller came on top. */
static __running void line_pulse(vdev_t *v) REQUIRES(v->v_mtx)
{
    struct lock_record *here = lock_record_here();
    if (here)
        here->peak = here->count;
    guest_intr_signal(&v->v_intr, GIS_ON);
    guest_intr_signal(&v->v_intr, GIS_OFF);
    record(v, "signalled", here ? here->peak : 0);
}

static __running void word_write(const struct reg_access *a, uint64_t value)
{
    vdev_t *v = a->vdev;
    guest_system *gsp = v->v_gsp;
    record(v, "write", 0);
    if (gasp_lock(gsp, QST_MEMORY) != EOK)
        return;
    record(v, "within-gasp", 0);
    lock_acquire(&v->v_mtx);
    recorder_of(v)->word = (uint32_t)value;
    record(v, "within-both", 0);
    line_pulse(v);
    lock_release(&v->v_mtx);
    gasp_unlock(gsp, QST_MEMORY);
    record(v, "written", 0);
}

static const struct reg word_rows[] = {
    { .offset = 0, .span = 4, .stride = 4, .sizes = REG_SIZE_4, .read = word_read, .write = word_write },
};
static const struct reg_table word_regs = { word_rows, ARRAY_LEN(word_rows), REG_BUS_ERROR };

static enum vdev_ref_status call_serve(vdev_t *v, guest_cpu *gcp, unsigned git, uint64_t function)
{
    qvm_state_block result = git_call_operand(0), pointer = git_call_operand(1),
                    there = { .type = QST_VIRTUAL, .length = 8 };
    uint64_t value = 0;
    (void)git, (void)function;
    phase_assume_running();
    record(v, "call", 0);
    if (recorder_of(v)->passes)
        return VRS_CONTINUE;
    int err = guest_cpu_read(gcp, GXF_NONE, &pointer, 1, &there.location, 8);
    if (err == EOK)
        err = guest_cpu_read(gcp, GXF_NONE, &there, 1, &value, 8);
    return guest_cpu_to_vrs(err == EOK ? guest_cpu_write(gcp, GXF_NONE, &result, 1, &value, 8) : err);
}

enum { OPT_NUMBER, OPT_TEXT, OPT_PASSES };
static const char *const recorder_options[] = { "test,number", "test,text", "test,passes", NULL };

static __startup int recorder_option(struct vdev_builder *b, unsigned i, const struct vdev_option *o)
{
    static const char *const names[] = { "number", "text", "passes" };
    uint32_t number = 0;
    const char *text;
    int err = EOK;
    if (i == OPT_NUMBER)
        err = vdev_option_u32(b, o, &number);
    if (i == OPT_TEXT)
        err = vdev_option_string(b, o, &text);
    if (i == OPT_PASSES)
        err = vdev_option_flag(b, o, &recorder_of(b->vdev)->passes);
    record(b->vdev, names[i], number);
    return err;
}

static __startup int second_place(struct vdev_builder *b)
{
    struct gasp_region r = { .flags = GRF_VIRT_RD | GRF_VIRT_WR, .regs = &word_regs, .guest = { .type = QST_MEMORY } };
    if (!vdev_reg(b, 1, &r.guest.location, &r.guest.length))
        return error_at(EINVAL, "%s: reg has no second place", b->path);
    return gasp_region_set(b, 1, &r);
}

static __startup int recorder_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    if (ctrl >= VDEV_CTRL_FIRST_OPTIDX)
        return recorder_option(b, ctrl - VDEV_CTRL_FIRST_OPTIDX, arg);
    record(b->vdev, code_name(ctrl), 0);
    if (ctrl == VDEV_CTRL_OPTIONS_START)
        b->vdev->v_block.length = PLACE_BYTES;
    if (ctrl == VDEV_CTRL_OPTIONS_END)
        return guest_instr_register(b, GIT_ARM_HVC, GIT_CALLS(CALL, CALL), call_serve);
    if (ctrl == VDEV_CTRL_ASSIGN)
        return second_place(b);
    return EOK;
}

static int recorder_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    struct recorder *r = recorder_of(v);
    record(v, code_name(ctrl), 0);
    if (ctrl == VDEV_CTRL_GUEST_STARTING)
        r->starts++;
    if (ctrl == VDEV_CTRL_RESET)
        r->word = 0;
    if (ctrl == VDEV_CTRL_BUTTON && !r->passes)
        ((struct vdev_button *)(uintptr_t)arg)->taken = true;
    return ctrl == VDEV_CTRL_STATUS ? qvm_report(v, "started %u times, the word is 0x%x", r->starts, r->word) : EOK;
}

static const char *const recorder_compatible[] = { "test,recorder", NULL };

VDEV_FACTORY(recorder_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_VDEV_MEM | VFF_MUTEX | VFF_INTR_REQ,
    .name = "recorder",
    .compatible = recorder_compatible,
    .option_list = recorder_options,
    .option_cells = BIT(OPT_NUMBER),
    .option_strings = BIT(OPT_TEXT),
    .extra_space = sizeof(struct recorder),
    .acc_sizes = BIT(4),
    .startup = recorder_startup,
    .control = recorder_control,
    .vread = recorder_vread,
    .vwrite = recorder_vwrite,
};
