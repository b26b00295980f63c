/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupt lines as vdevs choose and name them. */
#include "hyp/api/guest.h"
#include "hyp/vdev_parts.h"

#include <errno.h>
#include <stdio.h>

/* Asks the controller until it names a line that is nobody's; a controller that names the same one twice has no other. */
int guest_intr_assign(const struct vdev_builder *b, struct guest_intr *out)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    vdev_t *pic = b->gsp->intc_vdev;
    struct guest_intr line = { .pic = pic };
    uint32_t before;
    if (!pic || !pic->v_factory->pic->assign)
        return error_at(ENOSPC, "%s: the VM has no interrupt controller that assigns lines", b->path);
    do {
        before = line.param;
        if (pic->v_factory->pic->assign(b, &line) || line.param == before)
            return error_at(ENOSPC, "%s: no free interrupt in the VM", b->path);
    } while (vdev_pin_taken(b, line.param));
    int err = -assign_line_claim(b, &line);
    if (!err)
        *out = line;
    return err;
}

int guest_intr_watch(const struct vdev_builder *b, const struct guest_intr *gip, unsigned which, guest_intr_told told,
                     void *data)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    struct guest_system *vm = b->gsp;
    const struct vdev_pic_functions *pic = gip->pic ? gip->pic->v_factory->pic : NULL;
    int err = vm->watch_count == GUEST_INTR_WATCHED ? ENOSPC : pic && pic->notify ? pic->notify(gip, which) : EINVAL;
    if (err == ENOSPC)
        return error_at(err, "%s: more than %d interrupts of the machine in one VM", b->path, GUEST_INTR_WATCHED);
    if (err)
        return error_at(err, "%s: interrupt %u is none that can be watched: not a shared one", b->path, gip->param);
    vm->watches[vm->watch_count++] = (struct intr_watch){ gip->param, which, told, data };
    return EOK;
}

void guest_intr_notify(const vdev_t *pic, uint32_t param, enum guest_intr_notification which)
{
    if (!phase_is(PHASE_RUNNING, pic->v_name))
        return;
    const struct guest_system *vm = pic->v_gsp;
    for (unsigned i = 0; i < vm->watch_count; i++)
        if (vm->watches[i].param == param && vm->watches[i].which & which)
            vm->watches[i].told(vm->watches[i].data, which);
}

unsigned guest_intr_num_pins(const vdev_t *pic)
{
    return pic && pic->v_factory->pic ? pic->v_factory->pic->num_pins : 0;
}

int guest_intr_string(const struct guest_intr *gip, char *buf, size_t n)
{
    const struct vdev_pic_functions *pic = gip->pic ? gip->pic->v_factory->pic : NULL;
    if (!pic)
        return sniprintf(buf, n, "none");
    if (pic->string)
        return pic->string(gip, buf, n);
    return sniprintf(buf, n, "%s:%u", gip->pic->v_factory->name, (unsigned)gip->param);
}
