/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A boot vdev: at each start of its VM it writes into the guest's memory, at the address test,at, how many starts there were, above
 * 0xb0070000. It has no place and no line of its own.
 */
#include "hyp/api/gasp.h"
#include "hyp/api/vdev.h"
#include <errno.h>

#define MARK UINT64_C(0xb0070000)

struct bootword {
    uint64_t at;     /* set at startup, then const */
    uint64_t starts; /* only one core starts a VM */
};

static const char *const bootword_options[] = { "test,at", NULL };

static __startup int bootword_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    struct bootword *w = b->vdev->v_device;
    return ctrl == VDEV_CTRL_FIRST_OPTIDX ? vdev_option_u64(b, arg, &w->at) : EOK;
}

/* The guest looks with its MMU off: what was written leaves the caches. */
static int word_put(vdev_t *v, struct bootword *w)
{
    gasp_map_handle_t h;
    int err = gasp_map_firmware(v->v_gsp, GMF_WRITE, w->at, sizeof(uint64_t), &h);
    if (err == EOK)
        __atomic_store_n((uint64_t *)gasp_get_vaddr(&h), MARK + ++w->starts, __ATOMIC_RELAXED);
    gasp_unmap_handle(v->v_gsp, &h, true);
    return err;
}

static int bootword_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    (void)arg;
    return ctrl == VDEV_CTRL_GUEST_STARTING ? word_put(v, v->v_device) : EOK;
}

static const char *const bootword_compatible[] = { "test,bootword", NULL };

VDEV_FACTORY(bootword_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_LOC_NO | VFF_INTR_NO,
    .name = "bootword",
    .compatible = bootword_compatible,
    .option_list = bootword_options,
    .extra_space = sizeof(struct bootword),
    .startup = bootword_startup,
    .control = bootword_control,
};
