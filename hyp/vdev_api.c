/* SPDX-License-Identifier: Apache-2.0 */
/* What the vdev API offers a vdev about itself: options, memory, messages. */
#include "hyp/api/vdev.h"
#include "hyp/api/vintc.h"
#include "hyp/pool.h"
#include "hyp/text.h"
#include "hyp/vm.h"

#include <errno.h>
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_SIZE 160
#define NAME_SIZE 64

int vdev_option_u32(const struct vdev_builder *b, const struct vdev_option *o, uint32_t *out)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    if (o->size != 4)
        return error_at(EINVAL, "%s: %s is %u bytes, not one number of 4", b->path, o->name, o->size);
    *out = fdt32_ld(o->data);
    return EOK;
}

int vdev_option_u64(const struct vdev_builder *b, const struct vdev_option *o, uint64_t *out)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    if (o->size != 4 && o->size != 8)
        return error_at(EINVAL, "%s: %s is %u bytes, not one number of 4 or 8", b->path, o->name, o->size);
    *out = o->size == 4 ? fdt32_ld(o->data) : fdt64_ld(o->data);
    return EOK;
}

int vdev_option_string(const struct vdev_builder *b, const struct vdev_option *o, const char **out)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    const char *s = o->data;
    if (!o->size || strnlen(s, o->size) != o->size - 1)
        return error_at(EINVAL, "%s: %s is not one string", b->path, o->name);
    *out = s;
    return EOK;
}

void *vdev_alloc(struct vdev_builder *b, size_t bytes)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return NULL;
    return hyp_alloc(bytes, 16);
}

void *vintc_cpu_alloc(guest_cpu *gcp, size_t bytes)
{
    if (!phase_is(PHASE_STARTUP, gcp->vm->name))
        return NULL;
    gcp->intc = hyp_alloc(bytes, 16);
    return gcp->intc;
}

int vintc_register(struct vdev_builder *b, const struct vintc_ops *ops)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    struct guest_system *vm = b->gsp;
    if (vm->intc_vdev)
        return error_at(EBUSY, "%s: the VM has an interrupt controller already: %s", b->path, vm->intc_vdev->v_name);
    if (!b->vdev->v_factory->pic || !b->vdev->v_factory->pic->parse)
        return error_at(EINVAL, "%s: an interrupt controller without a pic table", b->path);
    vm->intc_vdev = b->vdev;
    vm->intc = ops;
    return EOK;
}

int vdev_string(char *buf, size_t n, const vdev_t *v)
{
    char own[1];
    struct text t = n ? text_in(buf, n) : text_in(own, sizeof(own));
    text_bytes(&t, v->v_name, strcspn(v->v_name, "@"));
    if (v->v_block.type == QST_MEMORY && v->v_block.location != QSL_NO_LOCATION) {
        text_char(&t, '@');
        text_hex(&t, v->v_block.location);
    }
    return (int)t.length;
}

void vdev_logf(enum log_severity sev, const vdev_t *v, const char *fmt, ...)
{
    char name[NAME_SIZE], message[MESSAGE_SIZE];
    va_list ap;
    va_start(ap, fmt);
    vsniprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    vdev_string(name, sizeof(name), v);
    log_line(sev, "%s/%s: %s", v->v_gsp->name, name, message);
}
