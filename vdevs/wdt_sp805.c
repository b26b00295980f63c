/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arm SP805 watchdog (DDI 0270B). The counter is not kept: it is worked out from the guest's time when it was last loaded, and a timer is set only for a zero that
 * has a consequence. The first zero raises the interrupt and the counter is loaded again; the next one with the interrupt still raised and RESEN set is
 * the bite, armature,action. Then the counter stands until the guest loads it.
 */
#include "hyp/api/guest.h"
#include "hyp/api/wdog.h"

#include <errno.h>

#define DEFAULT_LOCATION 0x1c0f0000
#define DEFAULT_HZ 25000000
#define REGION_SIZE 0x1000

#define WDOGLOAD 0x000
#define WDOGVALUE 0x004
#define WDOGCONTROL 0x008
#define WDOGCONTROL_INTEN BIT(0) /* the counter and the interrupt */
#define WDOGCONTROL_RESEN BIT(1)
#define WDOGINTCLR 0x00c
#define WDOGRIS 0x010
#define WDOGMIS 0x014
#define WDOGLOCK 0xc00
#define WDOGLOCK_KEY 0x1acce551
#define WDOGITCR 0xf00
#define WDOGITOP 0xf04
#define WDOGITOP_INT BIT(0)
#define WDOGITOP_RES BIT(1)
#define WDOGPERIPHID0 0xfe0

struct sp805 {
    /* set at startup, then const: */
    struct guest_timer *timer;
    uint64_t ticks_hz; /* of the guest's time */
    uint32_t hz;       /* WDOGCLK */
    struct wdog_state wdog;
    /* under v_mtx: */
    uint32_t load, control, itcr, itop;
    bool raised, locked;
    bool stopped;    /* it has bitten, and nobody loaded it since */
    uint32_t held;   /* WDOGVALUE while it does not count */
    uint64_t loaded; /* the guest's time when it was loaded ... */
    uint32_t from;   /* ... with this, to go on with `load`, load - 1 ... 0, `load` ... */
    uint64_t due;    /* when the timer is set for; GUEST_TIMER_NEVER: it is not */
    bool line;
};

static struct sp805 *sp805_of(const vdev_t *v)
{
    return v->v_device;
}

/* value * to / from, rounded down: for rates below 2^32 and results below 2^64. Pure. */
static uint64_t rescale(uint64_t value, uint64_t from, uint64_t to)
{
    return value / from * to + value % from * to / from;
}

static __running uint64_t time_now(struct sp805 *s)
{
    struct guest_timer_data now = { .guest_current = 0 };
    (void)guest_timer_state(s->timer, &now);
    return now.guest_current;
}

static bool counts(const struct sp805 *s)
{
    return s->control & WDOGCONTROL_INTEN && !s->stopped;
}

/* Clocks since it was loaded. */
static uint64_t clocks_at(const struct sp805 *s, uint64_t now)
{
    return rescale(now - s->loaded, s->ticks_hz, s->hz);
}

static uint32_t value_at(const struct sp805 *s, uint64_t now)
{
    uint64_t clocks = clocks_at(s, now), period = (uint64_t)s->load + 1;
    if (!counts(s))
        return s->held;
    if (clocks <= s->from)
        return (uint32_t)(s->from - clocks);
    return (uint32_t)(s->load - (clocks - s->from - 1) % period);
}

/* The first zero after `now`, as the guest's time: the first tick at which it can be seen. */
static uint64_t zero_after(const struct sp805 *s, uint64_t now)
{
    uint64_t clocks = clocks_at(s, now), period = (uint64_t)s->load + 1, zero = s->from;
    if (clocks >= zero)
        zero += ((clocks - zero) / period + 1) * period;
    return s->loaded + rescale(zero, s->hz, s->ticks_hz) + 1;
}

static __running void timer_set(struct sp805 *s, uint64_t due)
{
    s->due = due;
    (void)guest_timer_notify(s->timer, GUEST_TIMER_ABSOLUTE, due);
}

/* A zero matters if it raises the interrupt, or bites. */
static __running void timer_follow(struct sp805 *s, uint64_t now)
{
    bool matters = counts(s) && (!s->raised || s->control & WDOGCONTROL_RESEN);
    timer_set(s, matters ? zero_after(s, now) : GUEST_TIMER_NEVER);
}

static __running void counter_load(struct sp805 *s)
{
    s->stopped = false;
    s->held = s->from = s->load;
    s->loaded = time_now(s);
    timer_follow(s, s->loaded);
}

static __running void line_follow(vdev_t *v, struct sp805 *s, bool anyway)
{
    bool line = s->itcr ? s->itop & WDOGITOP_INT : s->raised && s->control & WDOGCONTROL_INTEN;
    if (line == s->line && !anyway)
        return;
    s->line = line;
    guest_intr_signal(&v->v_intr, line ? GIS_ON : GIS_OFF);
}

/* With no lock held; the line is as it should be afterwards, whatever the action does to it. */
static __running void sp805_bite(vdev_t *v, struct sp805 *s)
{
    wdog_bite(v, &s->wdog);
    lock_acquire(&v->v_mtx);
    line_follow(v, s, true);
    lock_release(&v->v_mtx);
}

static __running void sp805_timer(vdev_t *v, void *data, const struct guest_timer_data *tdp, guest_cpu *gcp)
{
    struct sp805 *s = sp805_of(v);
    bool bite = false;
    (void)data;
    (void)gcp;
    lock_acquire(&v->v_mtx);
    if (counts(s) && tdp->guest_current >= s->due) {
        bite = s->raised && s->control & WDOGCONTROL_RESEN;
        if (bite) {
            s->held = 0;
            s->stopped = true;
        }
        s->raised = true;
        timer_follow(s, tdp->guest_current);
        line_follow(v, s, false);
    }
    lock_release(&v->v_mtx);
    if (bite)
        sp805_bite(v, s);
}

/* 3.3.3: INTEN going from 0 to 1 loads the counter; without it the counter stands. */
static __running void control_write(struct sp805 *s, uint32_t value)
{
    bool was = s->control & WDOGCONTROL_INTEN;
    uint64_t now = time_now(s);
    s->held = value_at(s, now);
    s->control = value & (WDOGCONTROL_INTEN | WDOGCONTROL_RESEN);
    if (!was && s->control & WDOGCONTROL_INTEN)
        counter_load(s);
    else
        timer_follow(s, now);
}

static __running void register_write(struct sp805 *s, uint32_t offset, uint32_t value)
{
    switch (offset) {
    case WDOGLOAD:
        s->load = value;
        counter_load(s);
        break;
    case WDOGCONTROL: control_write(s, value); break;
    case WDOGINTCLR:
        s->raised = false;
        counter_load(s);
        break;
    case WDOGITCR: s->itcr = value & BIT(0); break;
    case WDOGITOP: s->itop = value & (WDOGITOP_INT | WDOGITOP_RES); break;
    }
}

static __running void sp805_write(const struct reg_access *a, uint64_t value)
{
    vdev_t *v = a->vdev;
    struct sp805 *s = sp805_of(v);
    lock_acquire(&v->v_mtx);
    if (a->offset == WDOGLOCK)
        s->locked = value != WDOGLOCK_KEY;
    else if (!s->locked)
        register_write(s, a->offset, (uint32_t)value);
    line_follow(v, s, false);
    /* 3.3.9: in integration test mode the outputs are what WDOGITOP says, the reset too. */
    bool bite = !s->locked && a->offset >= WDOGITCR && s->itcr && s->itop & WDOGITOP_RES;
    lock_release(&v->v_mtx);
    if (bite)
        sp805_bite(v, s);
}

static __running uint64_t register_read(struct sp805 *s, uint32_t offset)
{
    switch (offset) {
    case WDOGLOAD: return s->load;
    case WDOGVALUE: return value_at(s, time_now(s));
    case WDOGCONTROL: return s->control;
    case WDOGRIS: return s->raised;
    case WDOGMIS: return s->raised && s->control & WDOGCONTROL_INTEN;
    case WDOGLOCK: return s->locked;
    case WDOGITCR: return s->itcr;
    }
    return 0; /* write-only */
}

static __running uint64_t sp805_read(const struct reg_access *a)
{
    lock_acquire(&a->vdev->v_mtx);
    uint64_t value = register_read(sp805_of(a->vdev), a->offset);
    lock_release(&a->vdev->v_mtx);
    return value;
}

/* WDOGPERIPHID0-3: SP805, designed by Arm, revision 1; WDOGPCELLID0-3. */
static uint64_t id_read(const struct reg_access *a)
{
    static const uint8_t id[] = { 0x05, 0x18, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
    return id[a->index];
}

static const struct reg sp805_rows[] = {
    { WDOGLOAD, 0x18, 4, false, REG_SIZE_4, 0, sp805_read, sp805_write },
    { WDOGLOCK, 4, 4, false, REG_SIZE_4, 0, sp805_read, sp805_write },
    { WDOGITCR, 8, 4, false, REG_SIZE_4, 0, sp805_read, sp805_write },
    { WDOGPERIPHID0, 32, 4, true, REG_SIZE_4, 0, id_read, NULL },
};
static const struct reg_table sp805_regs = { sp805_rows, ARRAY_LEN(sp805_rows), REG_RAZ_WI };

static void state_reset(struct sp805 *s)
{
    s->load = s->held = UINT32_MAX;
    s->control = s->itcr = s->itop = 0;
    s->raised = s->locked = s->stopped = false;
    s->due = GUEST_TIMER_NEVER;
}

/* The framework has cancelled the timer. */
static __running void sp805_reset(vdev_t *v)
{
    lock_acquire(&v->v_mtx);
    state_reset(sp805_of(v));
    line_follow(v, sp805_of(v), false);
    lock_release(&v->v_mtx);
}

static __startup int sp805_create(vdev_t *v)
{
    v->v_block = (qvm_state_block){ .type = QST_MEMORY, .location = DEFAULT_LOCATION, .length = REGION_SIZE };
    state_reset(sp805_of(v));
    return EOK;
}

/* The rate is the option's, else that of the clock in the description. */
static __startup int sp805_finish(struct vdev_builder *b)
{
    struct sp805 *s = sp805_of(b->vdev);
    uint32_t given = 0;
    int err = vdev_clock_rate(b, 0, &given);
    if (err && err != ENOENT)
        return err;
    if (s->hz && given && s->hz != given)
        return error_at(EINVAL, "%s: armature,frequency is %u Hz, and the clock that the guest sees %u", b->path, s->hz,
                        given);
    s->hz = s->hz ? s->hz : given ? given : DEFAULT_HZ;
    s->timer = guest_timer_create(NULL, b->vdev, NULL, &s->ticks_hz);
    return s->timer ? EOK : (int)s->ticks_hz;
}

enum { OPTION_ACTION, OPTION_FREQUENCY };
static const char *const sp805_options[] = { WDOG_OPTION_NAME, "armature,frequency", NULL };

static __startup int sp805_option(struct vdev_builder *b, unsigned which, const struct vdev_option *option)
{
    struct sp805 *s = sp805_of(b->vdev);
    if (which == OPTION_ACTION)
        return wdog_option(b, &s->wdog, option);
    int err = vdev_option_u32(b, option, &s->hz);
    if (!err && !s->hz)
        err = error_at(EINVAL, "%s: %s is 0", b->path, option->name);
    return err;
}

static __startup int sp805_gen_fdt(const vdev_t *v, struct vdev_fdt *f)
{
    uint32_t hz = sp805_of(v)->hz;
    const struct vdev_clock clocks[] = { { "wdog_clk", hz }, { "apb_pclk", hz } };
    return vdev_fdt_clocks(f, clocks, ARRAY_LEN(clocks));
}

static __startup int sp805_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    if (ctrl == VDEV_CTRL_OPTIONS_START)
        return sp805_create(b->vdev);
    if (ctrl == VDEV_CTRL_OPTIONS_END)
        return sp805_finish(b);
    if (ctrl == VDEV_CTRL_GEN_FDT)
        return sp805_gen_fdt(b->vdev, (struct vdev_fdt *)arg);
    if (ctrl >= VDEV_CTRL_FIRST_OPTIDX)
        return sp805_option(b, ctrl - VDEV_CTRL_FIRST_OPTIDX, arg);
    return EOK;
}

static __running int sp805_report(vdev_t *v)
{
    struct sp805 *s = sp805_of(v);
    lock_acquire(&v->v_mtx);
    int err =
        qvm_report(v, "%s%s, %u of %u at %u Hz%s, bites %u", counts(s) ? "counting" : "standing",
                   s->control & WDOGCONTROL_RESEN ? "" : ", cannot bite", value_at(s, time_now(s)), s->load, s->hz,
                   s->raised ? ", interrupt raised" : "", __atomic_load_n(&s->wdog.bites, __ATOMIC_RELAXED));
    lock_release(&v->v_mtx);
    return err;
}

static __running int sp805_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    (void)arg;
    if (ctrl == VDEV_CTRL_RESET)
        sp805_reset(v);
    return ctrl == VDEV_CTRL_STATUS ? sp805_report(v) : EOK;
}

static const char *const sp805_compatible[] = { "arm,sp805", NULL };

VDEV_FACTORY(sp805_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_VDEV_MEM | VFF_MUTEX,
    .safety = VDEV_SAFETY_SELECTED,
    .name = "wdt-sp805",
    .compatible = sp805_compatible,
    .option_list = sp805_options,
    .option_strings = BIT(OPTION_ACTION),
    .extra_space = sizeof(struct sp805),
    .startup = sp805_startup,
    .control = sp805_control,
    .regs = &sp805_regs,
    .timer = sp805_timer,
};
