/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A boot vdev, with one control function as QNX has it: at each start of its VM it writes into the guest's memory how many starts there
 * were, above 0xb0070000: at the address test,at, or in a page of RAM that it takes. It has no place and no line of its own. The code test,refuse of control()
 * it answers with an error.
 */
#include "hyp/api/control.h"
#include "hyp/api/gasp.h"
#include "hyp/api/utils.h"
#include <errno.h>

#define MARK UINT64_C(0xb0070000)
#define PAGE_BYTES 0x1000

struct bootword {
    uint64_t at, refuse; /* set at startup, then const */
    uint64_t starts;     /* only one core starts a VM */
};

enum { OPT_AT = VDEV_CTRL_FIRST_OPTIDX, OPT_REFUSE };
static const char *const bootword_options[] = { "test,at", "test,refuse", NULL };

static __startup int page_take(vdev_t *v, struct bootword *w)
{
    struct vdev_builder *b = vdev_builder_of(v);
    int err = gram_find_free(b, PAGE_BYTES, PAGE_BYTES, &w->at);
    if (err == EOK)
        err = gram_reserve(b, w->at, PAGE_BYTES);
    vdev_logf(LOG_INFO, v, "took the page at 0x%llx", (unsigned long long)w->at);
    return err;
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

VDEV_ONE_CONTROL int bootword_control(vdev_t *v, unsigned ctrl, const char *arg)
{
    struct bootword *w = v->v_device;
    if (w->refuse == ctrl && ctrl)
        return EIO;
    switch (ctrl) {
    case OPT_AT: return qvm_parse_num(vdev_builder_of(v), arg, &w->at);
    case OPT_REFUSE: return qvm_parse_num(vdev_builder_of(v), arg, &w->refuse);
    case VDEV_CTRL_ASSIGN: return w->at ? EOK : page_take(v, w);
    case VDEV_CTRL_GUEST_STARTING: return word_put(v, w);
    case VDEV_CTRL_STATUS: return qvm_report(v, "%llu starts", (unsigned long long)w->starts);
    }
    return EOK;
}
VDEV_CONTROL_ENTRIES(bootword_control)

static const char *const bootword_compatible[] = { "test,bootword", NULL };

VDEV_FACTORY(bootword_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_LOC_NO | VFF_INTR_NO,
    .name = "bootword",
    .compatible = bootword_compatible,
    .option_list = bootword_options,
    .extra_space = sizeof(struct bootword),
    .startup = bootword_control_startup,
    .control = bootword_control_running,
};
