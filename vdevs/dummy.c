/* SPDX-License-Identifier: Apache-2.0 */
/* An address without a device: reads give a constant, all ones by default, and writes are ignored. Or it is only kept free, and an access finds nothing. */
#include "hyp/api/gasp.h"
#include "hyp/api/guest.h"
#include "hyp/api/vdev.h"

#include <errno.h>

struct dummy {
    /* set at startup, then const: */
    uint64_t value; /* repeats every 8 bytes, little endian */
    bool no_access;
};

/* The bytes that stand at this address. */
static uint64_t value_at(const struct dummy *d, uint64_t location)
{
    unsigned turn = 8 * (location % 8);
    return turn ? d->value >> turn | d->value << (64 - turn) : d->value;
}

static __running enum vdev_ref_status dummy_vread(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd,
                                                  const qvm_state_block *oopnd, guest_cpu *gcp)
{
    uint64_t value = value_at(v->v_device, vopnd->location - v->v_block.location);
    (void)cookie;
    return guest_cpu_write(gcp, GXF_NONE, oopnd, 1, &value, vopnd->length) == EOK ? VRS_NORMAL : VRS_BUS_ERROR;
}

static __running enum vdev_ref_status dummy_vwrite(vdev_t *v, uint32_t cookie, const qvm_state_block *vopnd,
                                                   const qvm_state_block *oopnd, guest_cpu *gcp)
{
    (void)v;
    (void)cookie;
    (void)vopnd;
    (void)oopnd;
    (void)gcp;
    return VRS_NORMAL;
}

enum dummy_option { OPTION_VALUE, OPTION_NO_ACCESS };
static const char *const dummy_options[] = { "armature,value", "armature,no-access", NULL };

static int __startup dummy_option(struct vdev_builder *b, enum dummy_option which, const struct vdev_option *o)
{
    struct dummy *d = b->vdev->v_device;
    int err = EOK;
    switch (which) {
    case OPTION_VALUE:
        err = vdev_option_u64(b, o, &d->value);
        if (o->size == 4)
            d->value |= d->value << 32;
        return err;
    case OPTION_NO_ACCESS: return vdev_option_flag(b, o, &d->no_access);
    }
    return err;
}

static int __startup dummy_assign(struct vdev_builder *b)
{
    const struct dummy *d = b->vdev->v_device;
    struct gasp_region r = {
        .flags = d->no_access ? GRF_NOPERMS : GRF_VIRT_RD | GRF_VIRT_WR,
        .vdev = b->vdev,
        .guest = b->vdev->v_block,
    };
    return gasp_region_set(b, 1, &r);
}

static int __startup dummy_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    struct dummy *d = b->vdev->v_device;
    phase_assume_startup();
    if (ctrl == VDEV_CTRL_OPTIONS_START)
        d->value = ~UINT64_C(0);
    if (ctrl == VDEV_CTRL_OPTIONS_END && b->vdev->v_block.location == QSL_NO_LOCATION)
        return error_at(EINVAL, "%s: a dummy needs reg: it stands for an address", b->path);
    if (ctrl == VDEV_CTRL_ASSIGN)
        return dummy_assign(b);
    if (ctrl >= VDEV_CTRL_FIRST_OPTIDX)
        return dummy_option(b, (enum dummy_option)(ctrl - VDEV_CTRL_FIRST_OPTIDX), arg);
    return EOK;
}

static const char *const dummy_compatible[] = { "armature,dummy", NULL };

VDEV_FACTORY(dummy_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_MANUAL_REGION | VFF_INTR_NO,
    .name = "dummy",
    .compatible = dummy_compatible,
    .option_list = dummy_options,
    .extra_space = sizeof(struct dummy),
    .acc_sizes = BIT(1) | BIT(2) | BIT(4) | BIT(8),
    .safety = VDEV_SAFETY_SELECTED,
    .startup = dummy_startup,
    .vread = dummy_vread,
    .vwrite = dummy_vwrite,
};
