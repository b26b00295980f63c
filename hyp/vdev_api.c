/* SPDX-License-Identifier: Apache-2.0 */
/* What the vdev API offers a vdev about itself: memory, names, messages. */
#include "arch/arm64/mmu.h"
#include "hyp/api/vdev.h"
#include "hyp/api/vintc.h"
#include "hyp/pool.h"
#include "hyp/text.h"
#include "hyp/vm.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_SIZE 160
#define NAME_SIZE 64

void *vdev_alloc(struct vdev_builder *b, size_t bytes)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return NULL;
    return hyp_alloc(bytes, 16);
}

void *vdev_alloc_pages(struct vdev_builder *b, unsigned pages, uint64_t *pa)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return NULL;
    void *p = hyp_alloc_pages(pages);
    if (p)
        *pa = direct_pa(p).raw;
    return p;
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
    int type = (int)strcspn(v->v_name, "@");
    if (v->v_block.type == QST_MEMORY && v->v_block.location != QSL_NO_LOCATION)
        return sniprintf(buf, n, "%.*s@%llx", type, v->v_name, (unsigned long long)v->v_block.location);
    return sniprintf(buf, n, "%.*s", type, v->v_name);
}

int vdev_path(char *buf, size_t n, const vdev_t *v)
{
    return sniprintf(buf, n, "%s", v->v_gsp->config->vdevs[v - v->v_gsp->vdevs].path);
}

static void message_log(enum log_severity sev, const vdev_t *v, const char *fmt, va_list ap)
{
    char name[NAME_SIZE], message[MESSAGE_SIZE];
    vsniprintf(message, sizeof(message), fmt, ap);
    vdev_string(name, sizeof(name), v);
    log_line(sev, "%s/%s: %s", v->v_gsp->name, name, message);
}

void vdev_logf(enum log_severity sev, const vdev_t *v, const char *fmt, ...)
{
    va_list ap;
    if (v->v_muted & sev)
        return;
    va_start(ap, fmt);
    message_log(sev, v, fmt, ap);
    va_end(ap);
}

int qvm_report(const vdev_t *v, const char *fmt, ...)
{
    va_list ap;
    if (!__atomic_load_n(&v->v_reporting, __ATOMIC_RELAXED)) {
        log_limited(&v->v_gsp->log_limit, LOG_ERROR, "%s/%s: qvm_report() outside of STATUS", v->v_gsp->name,
                    v->v_name);
        return EPERM;
    }
    va_start(ap, fmt);
    message_log(LOG_INFO, v, fmt, ap);
    va_end(ap);
    return EOK;
}
