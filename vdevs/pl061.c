/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arm PL061 GPIO controller (DDI 0190B): eight pins, none of them connected but the power button's, which armature,button names. A
 * guest drives outputs and reads them back; inputs are low.
 *
 * The button: BUTTON presses it, which is high, if the guest listens (the pin is an input whose interrupt is enabled); otherwise it is
 * not taken. It is held until the guest has read the pin, so that no driver's debouncing misses it and no timer is needed.
 */
#include "hyp/api/guest.h"
#include "hyp/api/vdev.h"
#include <errno.h>

#define REGION_SIZE 0x1000
#define PINS 8
#define PIN_BITS FIELD(7, 0)

enum {
    GPIODATA = 0x000, /* to 0x3fc: bits 9:2 of the address say which pins are meant */
    GPIODIR = 0x400,
    GPIOIS = 0x404,
    GPIOIBE = 0x408,
    GPIOIEV = 0x40c,
    GPIOIE = 0x410,
    GPIORIS = 0x414,
    GPIOMIS = 0x418,
    GPIOIC = 0x41c,
    GPIOAFSEL = 0x420,
    GPIOPERIPHID0 = 0xfe0,
};
#define INDEX(offset) (((offset)-GPIODIR) / 4)

struct pl061 {
    /* set at startup, then const: */
    uint8_t button; /* the pin's bit; 0: there is none */
    /* under v_mtx: */
    uint8_t out;   /* what was last written to outputs */
    uint8_t lines; /* the inputs from outside: the button alone */
    uint8_t edges; /* latched */
    uint8_t word[INDEX(GPIOAFSEL) + 1];
    bool line; /* the interrupt line as last driven */
    uint64_t presses, missed;
};

static struct pl061 *pl061_of(const vdev_t *v)
{
    return v->v_device;
}

static uint8_t *reg_at(struct pl061 *p, uint32_t offset)
{
    return &p->word[INDEX(offset)];
}

static uint8_t reg_get(const struct pl061 *p, uint32_t offset)
{
    return p->word[INDEX(offset)];
}

/* GPIODATA: outputs read as written, inputs as the line is. */
static uint8_t pins(const struct pl061 *p)
{
    uint8_t dir = reg_get(p, GPIODIR);
    return (uint8_t)((p->out & dir) | (p->lines & ~dir));
}

/* Which pins ask by their level: those of GPIOIS, high or low as GPIOIEV says. */
static uint8_t levels(const struct pl061 *p)
{
    return (uint8_t)(reg_get(p, GPIOIS) & ~(pins(p) ^ reg_get(p, GPIOIEV)));
}

/* What any change ends with: interrupt status and line follow the state. */
static __running void state_settle(vdev_t *v, struct pl061 *p) REQUIRES(v->v_mtx)
{
    *reg_at(p, GPIORIS) = (uint8_t)((p->edges & ~reg_get(p, GPIOIS)) | levels(p));
    *reg_at(p, GPIOMIS) = reg_get(p, GPIORIS) & reg_get(p, GPIOIE);
    bool line = reg_get(p, GPIOMIS) != 0;
    if (line == p->line)
        return;
    p->line = line;
    guest_intr_signal(&v->v_intr, line ? GIS_ON : GIS_OFF);
}

/* An input from outside changes: an edge is latched if it is one that GPIOIBE and GPIOIEV ask for. */
static void line_set(struct pl061 *p, uint8_t bit, bool high)
{
    uint8_t now = (uint8_t)(high ? p->lines | bit : p->lines & ~bit);
    uint8_t changed = (uint8_t)((now ^ p->lines) & ~reg_get(p, GPIODIR));
    uint8_t wanted = (uint8_t)(reg_get(p, GPIOIBE) | ~(now ^ reg_get(p, GPIOIEV)));
    p->lines = now;
    p->edges |= changed & wanted & ~reg_get(p, GPIOIS);
}

static bool access_is_low(const struct reg_access *a)
{
    return !(a->offset & 3);
}

static __running uint64_t data_read(const struct reg_access *a)
{
    struct pl061 *p = pl061_of(a->vdev);
    if (!access_is_low(a))
        return 0;
    lock_acquire(&a->vdev->v_mtx);
    uint8_t seen = (uint8_t)(pins(p) & (a->offset >> 2));
    if (seen & p->lines & p->button) {
        line_set(p, p->button, false);
        state_settle(a->vdev, p);
    }
    lock_release(&a->vdev->v_mtx);
    return seen;
}

static __running void data_write(const struct reg_access *a, uint64_t value)
{
    struct pl061 *p = pl061_of(a->vdev);
    if (!access_is_low(a))
        return;
    lock_acquire(&a->vdev->v_mtx);
    uint8_t mask = (uint8_t)(a->offset >> 2) & reg_get(p, GPIODIR);
    p->out = (uint8_t)((p->out & ~mask) | (value & mask));
    state_settle(a->vdev, p);
    lock_release(&a->vdev->v_mtx);
}

static uint64_t word_read(const struct reg_access *a)
{
    struct pl061 *p = pl061_of(a->vdev);
    lock_acquire(&a->vdev->v_mtx);
    uint64_t value = access_is_low(a) ? reg_get(p, a->offset) : 0;
    lock_release(&a->vdev->v_mtx);
    return value;
}

/* GPIOIC clears latched edges and reads as zero; status is never written. */
static __running void word_write(const struct reg_access *a, uint64_t value)
{
    struct pl061 *p = pl061_of(a->vdev);
    if (!access_is_low(a) || a->offset == GPIORIS || a->offset == GPIOMIS)
        return;
    lock_acquire(&a->vdev->v_mtx);
    if (a->offset == GPIOIC)
        p->edges &= (uint8_t)~value;
    else
        *reg_at(p, a->offset) = (uint8_t)value;
    state_settle(a->vdev, p);
    lock_release(&a->vdev->v_mtx);
}

/* GPIOPeriphID0-3: PL061, designed by Arm; GPIOPCellID0-3. */
static uint64_t id_read(const struct reg_access *a)
{
    static const uint8_t id[] = { 0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
    return access_is_low(a) ? id[a->index] : 0;
}

#define ROW(at, bytes) .offset = (at), .span = (bytes), .stride = 4, .sizes = REG_SIZE_1 | REG_SIZE_2 | REG_SIZE_4
static const struct reg pl061_rows[] = {
    { ROW(GPIODATA, GPIODIR - GPIODATA), .read = data_read, .write = data_write },
    { ROW(GPIODIR, GPIOAFSEL - GPIODIR + 4), .read = word_read, .write = word_write },
    { ROW(GPIOPERIPHID0, 32), .read = id_read },
};
static const struct reg_table pl061_regs = { pl061_rows, ARRAY_LEN(pl061_rows), REG_RAZ_WI };

static __running void pl061_reset(vdev_t *v)
{
    struct pl061 *p = pl061_of(v);
    lock_acquire(&v->v_mtx);
    *p = (struct pl061){ .button = p->button, .line = p->line };
    state_settle(v, p);
    lock_release(&v->v_mtx);
}

/* Pressed once more while it is held is one press. */
static __running void button_press(vdev_t *v, struct vdev_button *button)
{
    struct pl061 *p = pl061_of(v);
    lock_acquire(&v->v_mtx);
    bool heard = p->button & reg_get(p, GPIOIE) & ~reg_get(p, GPIODIR);
    p->presses += heard;
    p->missed += !heard && p->button;
    if (heard) {
        line_set(p, p->button, true);
        state_settle(v, p);
        button->taken = true;
    }
    lock_release(&v->v_mtx);
}

static __running int pl061_report(vdev_t *v)
{
    struct pl061 *p = pl061_of(v);
    lock_acquire(&v->v_mtx);
    int err = qvm_report(
        v, "pins 0x%02x, outputs 0x%02x, interrupts 0x%02x of 0x%02x; button pressed %llu times, missed %llu", pins(p),
        reg_get(p, GPIODIR), reg_get(p, GPIORIS), reg_get(p, GPIOIE), (unsigned long long)p->presses,
        (unsigned long long)p->missed);
    lock_release(&v->v_mtx);
    return err;
}

static __running int pl061_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    if (ctrl == VDEV_CTRL_RESET)
        pl061_reset(v);
    if (ctrl == VDEV_CTRL_BUTTON)
        button_press(v, (struct vdev_button *)(uintptr_t)arg);
    return ctrl == VDEV_CTRL_STATUS ? pl061_report(v) : EOK;
}

static __startup int button_option(struct vdev_builder *b, const struct vdev_option *o)
{
    uint32_t pin = 0;
    int err = vdev_option_u32(b, o, &pin);
    if (err == EOK && pin >= PINS)
        return error_at(EINVAL, "%s: %s: there is no pin %u, they are 0 to %u", b->path, o->name, pin, PINS - 1);
    pl061_of(b->vdev)->button = (uint8_t)(err == EOK ? BIT(pin) : 0);
    return err;
}

static __startup int tree_complete(struct vdev_fdt *f)
{
    int err = vdev_fdt_prop(f, "gpio-controller", NULL, 0);
    return err ? err : vdev_fdt_u32s(f, "#gpio-cells", (uint32_t[]){ 2 }, 1);
}

static __startup int pl061_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    if (ctrl == VDEV_CTRL_OPTIONS_START)
        b->vdev->v_block.length = REGION_SIZE;
    if (ctrl == VDEV_CTRL_FIRST_OPTIDX)
        return button_option(b, arg);
    return ctrl == VDEV_CTRL_GEN_FDT ? tree_complete((struct vdev_fdt *)(uintptr_t)arg) : EOK;
}

static const char *const pl061_compatible[] = { "arm,pl061", NULL };
static const char *const pl061_options[] = { "armature,button", NULL };

VDEV_FACTORY(pl061_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_VDEV_MEM | VFF_MUTEX,
    .safety = VDEV_SAFETY_SELECTED,
    .name = "pl061",
    .compatible = pl061_compatible,
    .option_list = pl061_options,
    .extra_space = sizeof(struct pl061),
    .startup = pl061_startup,
    .control = pl061_control,
    .regs = &pl061_regs,
};
