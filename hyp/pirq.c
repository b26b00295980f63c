/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/pirq.h"
#include "arch/arm64/core_arch.h"
#include "arch/arm64/gic.h"
#include "hyp/base/log.h"

#include <errno.h>

#define PIRQ_MAX 16
#define FIRST_SPI 32

struct pirq {
    uint32_t intid;
    void (*fn)(void *);
    void *ctx;
    const char *owner;
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

int pirq_register(uint32_t intid, void (*fn)(void *), void *ctx, const char *owner)
{
    const struct pirq *other = pirq_find(intid);
    if (other)
        return error_at(-EBUSY, "interrupt %u of %s belongs to %s already", intid, owner, other->owner);
    if (intid < FIRST_SPI || intid >= gic_info()->intid_limit)
        return error_at(-EINVAL, "interrupt %u of %s is no shared peripheral interrupt of this machine (32 to %u)",
                        intid, owner, gic_info()->intid_limit - 1u);
    if (pirq_count == PIRQ_MAX)
        return error_at(-ENOSPC, "interrupt %u of %s: EL2 owns %u interrupts already", intid, owner, PIRQ_MAX);
    pirqs[pirq_count++] = (struct pirq){ intid, fn, ctx, owner };
    gic_irq_route(intid, this_core_arch()->index);
    gic_irq_enable(intid);
    return 0;
}

bool pirq_dispatch(uint32_t intid)
{
    static struct log_limit limit;
    const struct pirq *p = pirq_find(intid);
    if (p) {
        p->fn(p->ctx);
        return true;
    }
    if (intid == gic_info()->maint_intid)
        return true; /* the fold that follows each exit has seen to it */
    gic_irq_disable(intid);
    log_limited(&limit, LOG_WARN, "interrupt %u belongs to nobody: disabled", intid);
    return false;
}
