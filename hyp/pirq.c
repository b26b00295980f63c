/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/pirq.h"
#include "arch/arm64/core_arch.h"
#include "arch/arm64/gic.h"
#include "hyp/api/host.h"
#include "hyp/api/vdev.h"
#include "hyp/core.h"
#include "hyp/base/log.h"

#include <errno.h>

#define PIRQ_MAX 64
#define FIRST_SPI 32

struct pirq {
    uint32_t intid;
    void (*fn)(void *);
    bool (*fired)(void *); /* of a vdev; then there is no fn */
    void *ctx;
    const char *owner;
    unsigned core; /* where it goes */
};

static struct pirq pirqs[PIRQ_MAX]; /* set at startup, then const */
static unsigned pirq_count;

static const struct pirq *pirq_find(uint32_t intid)
{
    for (unsigned i = 0; i < pirq_count; i++)
        if (pirqs[i].intid == intid)
            return &pirqs[i];
    return NULL;
}

static __startup int pirq_add(const struct pirq *p)
{
    const struct pirq *other = pirq_find(p->intid);
    if (other)
        return error_at(-EBUSY, "interrupt %u of %s belongs to %s already", p->intid, p->owner, other->owner);
    if (p->intid < FIRST_SPI || p->intid >= gic_info()->intid_limit)
        return error_at(-EINVAL, "interrupt %u of %s is no shared peripheral interrupt of this machine (32 to %u)",
                        p->intid, p->owner, gic_info()->intid_limit - 1u);
    if (pirq_count == PIRQ_MAX)
        return error_at(-ENOSPC, "interrupt %u of %s: %u interrupts of the machine are taken already", p->intid,
                        p->owner, PIRQ_MAX);
    pirqs[pirq_count++] = *p;
    return 0;
}

int pirq_register(uint32_t intid, void (*fn)(void *), void *ctx, const char *owner)
{
    struct pirq p = { .intid = intid, .fn = fn, .ctx = ctx, .owner = owner, .core = this_core_arch()->index };
    int err = pirq_add(&p);
    if (err)
        return err;
    gic_irq_route(intid, p.core);
    gic_irq_enable(intid);
    return 0;
}

void pirqs_route(void)
{
    for (unsigned i = 0; i < pirq_count; i++)
        gic_irq_route(pirqs[i].intid, pirqs[i].core);
}

unsigned pirq_registered(void)
{
    return pirq_count;
}

void pirq_forget(unsigned before)
{
    while (pirq_count > before)
        gic_irq_disable(pirqs[--pirq_count].intid);
}

bool pirq_dispatch(uint32_t intid)
{
    static struct log_limit limit;
    const struct pirq *p = pirq_find(intid);
    if (p && p->fired)
        return !p->fired(p->ctx);
    if (p) {
        p->fn(p->ctx);
        return true;
    }
    if (intid == gic_info()->maint_intid)
        return true; /* the fold that follows each exit has seen to it */
    gic_irq_disable(intid);
    log_limited(&limit, LOG_WARN, "interrupt %u belongs to nobody: disabled", intid);
    return true;
}

int host_intr_claim(const struct vdev_builder *b, uint32_t intid, bool edge, host_intr_fired fired, void *data)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    struct pirq p = { .intid = intid, .fired = fired, .ctx = data, .owner = b->path };
    p.core = b->gsp->cpus[0]->ctx.core->arch.index;
    int err = pirq_add(&p);
    if (err)
        return -err;
    gic_irq_set_edge(intid, edge);
    return EOK;
}

void host_intr_enable(uint32_t intid, bool on)
{
    if (on) {
        gic_irq_set_pending(intid, false);
        gic_irq_enable(intid);
    } else {
        gic_irq_disable(intid);
    }
}

bool host_intr_pends(uint32_t intid)
{
    return gic_irq_is_pending(intid);
}

void host_intr_done(uint32_t intid)
{
    gic_irq_set_active(intid, false);
}
