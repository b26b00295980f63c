/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arm PL031 real-time clock, r1p3 (DDI 0224C). It counts seconds of the machine's date, with an offset of its own that the guest sets by loading it; it does not stand still with its VM.
 *
 * Settled where the manual leaves it open or no firmware ran before the guest:
 *  - It is started and right when the VM starts, as on a board with a battery. RTCCR cannot stop it (3.3.4: only a reset of the clock does).
 *  - The match interrupt comes once, when the counter becomes what RTCMR says, or RTCMR what the counter says.
 *  - A match that falls into a pause of the VM comes when the VM goes on.
 */
#include "hyp/api/guest.h"
#include "hyp/api/vdev.h"
#include "hyp/base/pl031.h"

#define REGION_SIZE 0x1000

struct pl031 {
    /* set at startup, then const: */
    struct guest_timer *timer;
    uint64_t ticks_hz; /* of the machine's counter */
    uint64_t epoch;    /* the date at startup of a machine that has none */
    /* under v_mtx: */
    uint32_t offset; /* RTCDR beyond the machine's seconds */
    uint32_t match, load, mask;
    uint64_t due; /* the machine's second in which the counter matches */
    bool raised, line;
};

static struct pl031 *pl031_of(const vdev_t *v)
{
    return v->v_device;
}

/* The machine's seconds, and when the next begins. */
static uint64_t seconds_now(const struct pl031 *r, uint64_t *next)
{
    uint64_t seconds;
    bool known = host_date(&seconds, next);
    return known ? seconds : seconds + r->epoch;
}

/* The counter can have become the match while nobody looked. */
static void match_check(struct pl031 *r, uint64_t seconds)
{
    if (seconds < r->due)
        return;
    r->raised = true;
    r->due = UINT64_MAX;
}

/* After RTCMR or the counter changed: the second of the next match, and the timer for it. */
static __running void match_follow(struct pl031 *r)
{
    uint64_t next, seconds = seconds_now(r, &next);
    uint32_t ahead = r->match - ((uint32_t)seconds + r->offset);
    r->due = seconds + ahead;
    match_check(r, seconds);
    uint64_t when = ahead ? next + (ahead - UINT64_C(1)) * r->ticks_hz : GUEST_TIMER_NEVER;
    (void)guest_timer_notify(r->timer, GUEST_TIMER_HOST, when);
}

static __running void line_follow(vdev_t *v, struct pl031 *r)
{
    bool line = r->raised && r->mask;
    if (line == r->line)
        return;
    r->line = line;
    guest_intr_signal(&v->v_intr, line ? GIS_ON : GIS_OFF);
}

static __running void pl031_timer(vdev_t *v, void *data, const struct guest_timer_data *tdp, guest_cpu *gcp)
{
    struct pl031 *r = pl031_of(v);
    uint64_t next;
    (void)data;
    (void)tdp;
    (void)gcp;
    lock_acquire(&v->v_mtx);
    match_check(r, seconds_now(r, &next));
    line_follow(v, r);
    lock_release(&v->v_mtx);
}

static __running void register_write(struct pl031 *r, uint32_t offset, uint32_t value)
{
    uint64_t next;
    switch (offset) {
    case RTCMR:
        r->match = value;
        match_follow(r);
        break;
    case RTCLR:
        r->load = value;
        r->offset = value - (uint32_t)seconds_now(r, &next);
        match_follow(r);
        break;
    case RTCIMSC: r->mask = value & RTCINT; break;
    case RTCICR: r->raised &= !(value & RTCINT); break;
    }
}

static __running void pl031_write(const struct reg_access *a, uint64_t value)
{
    struct pl031 *r = pl031_of(a->vdev);
    uint64_t next;
    lock_acquire(&a->vdev->v_mtx);
    match_check(r, seconds_now(r, &next)); /* what came before is not what is written now */
    register_write(r, a->offset, (uint32_t)value);
    line_follow(a->vdev, r);
    lock_release(&a->vdev->v_mtx);
}

static uint32_t register_read(struct pl031 *r, uint32_t offset)
{
    uint64_t next, seconds = seconds_now(r, &next);
    match_check(r, seconds);
    switch (offset) {
    case RTCDR: return (uint32_t)seconds + r->offset;
    case RTCMR: return r->match;
    case RTCLR: return r->load;
    case RTCCR: return RTCCR_START;
    case RTCIMSC: return r->mask;
    case RTCRIS: return r->raised;
    case RTCMIS: return r->raised && r->mask;
    }
    return 0; /* write-only */
}

static __running uint64_t pl031_read(const struct reg_access *a)
{
    lock_acquire(&a->vdev->v_mtx);
    uint32_t value = register_read(pl031_of(a->vdev), a->offset);
    line_follow(a->vdev, pl031_of(a->vdev));
    lock_release(&a->vdev->v_mtx);
    return value;
}

/* RTCPERIPHID0-3: PL031, designed by Arm, revision 1; RTCPCELLID0-3. */
static uint64_t id_read(const struct reg_access *a)
{
    static const uint8_t id[] = { 0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
    return id[a->index];
}

static const struct reg pl031_rows[] = {
    { RTCDR, RTCICR + 4, 4, false, REG_SIZE_4, 0, pl031_read, pl031_write },
    { RTCPERIPHID0, 32, 4, true, REG_SIZE_4, 0, id_read, NULL },
};
static const struct reg_table pl031_regs = { pl031_rows, ARRAY_LEN(pl031_rows), REG_RAZ_WI };

/* RTCMR is 0 then, which the counter will be in 2106. */
static __running void pl031_begin(vdev_t *v)
{
    struct pl031 *r = pl031_of(v);
    lock_acquire(&v->v_mtx);
    r->offset = r->match = r->load = r->mask = 0;
    r->raised = false;
    match_follow(r);
    line_follow(v, r);
    lock_release(&v->v_mtx);
}

static __startup int pl031_finish(vdev_t *v)
{
    struct pl031 *r = pl031_of(v);
    r->timer = guest_timer_create(NULL, v, NULL, &r->ticks_hz);
    return r->timer ? EOK : (int)r->ticks_hz;
}

/* A PrimeCell's driver wants its bus clock. */
static __startup int pl031_gen_fdt(struct vdev_fdt *f)
{
    static const struct vdev_clock clock = { "apb_pclk", 24000000 };
    return vdev_fdt_clocks(f, &clock, 1);
}

static const char *const pl031_options[] = { "armature,epoch", NULL };

static __startup int pl031_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    if (ctrl == VDEV_CTRL_OPTIONS_START)
        b->vdev->v_block.length = REGION_SIZE;
    if (ctrl == VDEV_CTRL_OPTIONS_END)
        return pl031_finish(b->vdev);
    if (ctrl == VDEV_CTRL_GEN_FDT)
        return pl031_gen_fdt((struct vdev_fdt *)arg);
    if (ctrl == VDEV_CTRL_FIRST_OPTIDX)
        return vdev_option_u64(b, arg, &pl031_of(b->vdev)->epoch);
    return EOK;
}

static __running int pl031_report(vdev_t *v)
{
    struct pl031 *r = pl031_of(v);
    uint64_t next, seconds = seconds_now(r, &next);
    lock_acquire(&v->v_mtx);
    int err =
        qvm_report(v, "counter %u, %d from the machine's; match %u, interrupt%s%s", (uint32_t)seconds + r->offset,
                   (int32_t)r->offset, r->match, r->raised ? " raised" : " not raised", r->mask ? "" : ", masked");
    lock_release(&v->v_mtx);
    return err;
}

static __running int pl031_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    (void)arg;
    if (ctrl == VDEV_CTRL_GUEST_CONFIGURED || ctrl == VDEV_CTRL_RESET)
        pl031_begin(v);
    return ctrl == VDEV_CTRL_STATUS ? pl031_report(v) : EOK;
}

static const char *const pl031_compatible[] = { "arm,pl031", NULL };

VDEV_FACTORY(pl031_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_VDEV_MEM | VFF_MUTEX,
    .safety = VDEV_SAFETY_SELECTED,
    .name = "pl031",
    .compatible = pl031_compatible,
    .option_list = pl031_options,
    .extra_space = sizeof(struct pl031),
    .startup = pl031_startup,
    .control = pl031_control,
    .regs = &pl031_regs,
    .timer = pl031_timer,
};
