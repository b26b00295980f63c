/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A doorbell. Writing RING a value other than 0 counts and raises the interrupt line; writing 0 lowers it. COUNT, 64 bits, tells
 * how often it rang.
 */
#include "hyp/api/guest.h"
#include "hyp/api/vdev.h"

#define RING 0x0
#define COUNT 0x8
#define REGION_SIZE 0x1000

struct doorbell {
    uint64_t first; /* set at startup, then const: COUNT after a reset */
    /* under v_mtx: */
    uint64_t count;
    uint32_t ring;
};

static struct doorbell *doorbell_of(const vdev_t *v)
{
    return v->v_device;
}

static __running uint64_t ring_read(const struct reg_access *a)
{
    lock_acquire(&a->vdev->v_mtx);
    uint64_t ring = doorbell_of(a->vdev)->ring;
    lock_release(&a->vdev->v_mtx);
    return ring;
}

static __running void ring_write(const struct reg_access *a, uint64_t value)
{
    struct doorbell *d = doorbell_of(a->vdev);
    lock_acquire(&a->vdev->v_mtx);
    d->ring = (uint32_t)value;
    if (d->ring)
        d->count++;
    guest_intr_signal(&a->vdev->v_intr, d->ring ? GIS_ON : GIS_OFF);
    lock_release(&a->vdev->v_mtx);
}

static __running uint64_t count_read(const struct reg_access *a)
{
    lock_acquire(&a->vdev->v_mtx);
    uint64_t count = doorbell_of(a->vdev)->count;
    lock_release(&a->vdev->v_mtx);
    return count;
}

static const struct reg doorbell_rows[] = {
    { .offset = RING, .span = 4, .stride = 4, .sizes = REG_SIZE_4, .read = ring_read, .write = ring_write },
    { .offset = COUNT, .span = 8, .stride = 8, .sizes = REG_SIZE_8, .read = count_read },
};
static const struct reg_table doorbell_regs = { doorbell_rows, ARRAY_LEN(doorbell_rows), REG_BUS_ERROR };

static __running void doorbell_reset(vdev_t *v)
{
    struct doorbell *d = doorbell_of(v);
    lock_acquire(&v->v_mtx);
    d->ring = 0;
    d->count = d->first;
    guest_intr_signal(&v->v_intr, GIS_OFF);
    lock_release(&v->v_mtx);
}

static __startup int doorbell_option(struct vdev_builder *b, const struct vdev_option *option)
{
    struct doorbell *d = doorbell_of(b->vdev);
    int err = vdev_option_u64(b, option, &d->first);
    d->count = d->first;
    return err;
}

static __startup int doorbell_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    if (ctrl == VDEV_CTRL_OPTIONS_START)
        b->vdev->v_block.length = REGION_SIZE;
    if (ctrl == VDEV_CTRL_FIRST_OPTIDX)
        return doorbell_option(b, arg);
    return EOK;
}

static __running int doorbell_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    (void)arg;
    if (ctrl == VDEV_CTRL_RESET)
        doorbell_reset(v);
    return EOK;
}

static const char *const doorbell_compatible[] = { "example,doorbell", NULL };
static const char *const doorbell_options[] = { "armature,first-count", NULL };

VDEV_FACTORY(doorbell_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_VDEV_MEM | VFF_MUTEX,
    .name = "doorbell",
    .compatible = doorbell_compatible,
    .option_list = doorbell_options,
    .extra_space = sizeof(struct doorbell),
    .startup = doorbell_startup,
    .control = doorbell_control,
    .regs = &doorbell_regs,
};
