/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the back end by what the tree says, once; every other call is a tail call through its table. */
#include "arch/arm64/core_arch.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/gic_ops.h"
#include "arch/arm64/sysreg.h"
#include "hyp/base/config.h"
#include "hyp/base/log.h"
#include <errno.h>

/* set at startup, then const: */
static const struct gic_ops *ops;
static struct gic_desc desc;
static struct gic_info info;

static const struct gic_ops *const back_ends[] = {
    [2] = IS_ENABLED(CONFIG_GIC_V2) ? &gicv2_ops : NULL,
    [3] = IS_ENABLED(CONFIG_GIC_V3) ? &gicv3_ops : NULL,
};

int gic_init(const struct gic_desc *d)
{
    if (d->version == 0)
        return error_at(-ENODEV,
                        "gic: the tree names no interrupt controller that Armature drives (arm,gic-v3, arm,gic-400)");
    if (d->version >= ARRAY_LEN(back_ends) || !back_ends[d->version])
        return error_at(-ENODEV,
                        "gic: the tree says GICv%u, this image has no driver for it: CONFIG_GIC_V%u is not set",
                        d->version, d->version);
    desc = *d;
    ops = back_ends[d->version];
    info.version = d->version;
    info.maint_intid = d->maint_intid ? d->maint_intid : GIC_PPI_MAINT;
    return ops->dist_init(&desc, &info);
}

/* VMs are built for what the boot core has. */
static int core_like_first(const struct gic_info *own, unsigned core)
{
    if (!info.lr_count)
        info = *own;
    if (own->lr_count != info.lr_count || own->vpri_bits != info.vpri_bits || own->vpre_bits != info.vpre_bits ||
        own->vhcr_trap_dir != info.vhcr_trap_dir)
        return error_at(-ENODEV,
                        "gic: core %u: ICH_VTR_EL2 or GICH_VTR is unlike the boot core's: %u list registers, %u bits "
                        "of virtual priority; there %u, %u",
                        core, own->lr_count, own->vpri_bits, info.lr_count, info.vpri_bits);
    return 0;
}

int gic_core_init(unsigned core)
{
    const uint32_t own_irqs[] = { GIC_SGI_KICK, GIC_SGI_CALL, info.maint_intid };
    struct gic_info own = info;
    int err = ops->core_init(&desc, &own, core);
    if (!err)
        err = core_like_first(&own, core);
    return err ? err : gic_core_irqs_enable(own_irqs, ARRAY_LEN(own_irqs), core);
}

int gic_core_irqs_enable(const uint32_t *intids, unsigned count, unsigned core)
{
    for (unsigned i = 0; i < count; i++) {
        gic_irq_enable(intids[i]);
        if (!ops->bit_read(GIC_ISENABLER, intids[i]))
            return error_at(-ENODEV,
                            "gic: core %u: interrupt %u cannot be enabled: firmware keeps it to the Secure side", core,
                            intids[i]);
    }
    return 0;
}

const struct gic_info *gic_info(void)
{
    return &info;
}

const void *gic_core_key(void)
{
    return this_core_arch();
}

uint32_t gic_ack(void)
{
    return ops->ack();
}

void gic_drop(uint32_t intid)
{
    ops->drop(intid);
}

void gic_deactivate(uint32_t intid)
{
    ops->deactivate(intid);
}

void gic_send_sgi(unsigned core, unsigned sgi)
{
    ops->send_sgi(core, sgi);
}

void gic_irq_enable(uint32_t intid)
{
    ops->bit_write(GIC_ISENABLER, intid);
}

void gic_irq_disable(uint32_t intid)
{
    ops->bit_write(GIC_ICENABLER, intid);
}

void gic_irq_route(uint32_t intid, unsigned core)
{
    ops->route(intid, core);
}

void gic_irq_set_edge(uint32_t intid, bool edge)
{
    ops->set_edge(intid, edge);
}

void gic_irq_set_pending(uint32_t intid, bool pending)
{
    ops->bit_write(pending ? GIC_ISPENDR : GIC_ICPENDR, intid);
}

void gic_irq_set_active(uint32_t intid, bool active)
{
    ops->bit_write(active ? GIC_ISACTIVER : GIC_ICACTIVER, intid);
}

bool gic_irq_is_pending(uint32_t intid)
{
    return ops->bit_read(GIC_ISPENDR, intid);
}

bool gic_irq_is_active(uint32_t intid)
{
    return ops->bit_read(GIC_ISACTIVER, intid);
}

uint64_t gic_lr_encode(struct lr lr)
{
    return ops->lr_encode(lr);
}

struct lr gic_lr_decode(uint64_t raw)
{
    return ops->lr_decode(raw);
}

uint64_t gic_lr_read(unsigned n)
{
    return ops->lr_read(n);
}

void gic_lr_write(unsigned n, uint64_t raw)
{
    ops->lr_write(n, raw);
}

uint64_t gic_elrsr_read(void)
{
    return ops->elrsr_read();
}

void gic_lr_settle(void)
{
    isb();
}

uint64_t gic_eisr_read(void)
{
    return ops->eisr_read();
}

uint64_t gic_vhcr_read(void)
{
    return ops->vhcr_read();
}

void gic_vhcr_write(uint64_t v)
{
    ops->vhcr_write(v);
}

uint64_t gic_vmcr_read(void)
{
    return ops->vmcr_read();
}

void gic_vmcr_write(uint64_t v)
{
    ops->vmcr_write(v);
}

uint8_t gic_vrpr_read(void)
{
    return ops->vrpr_read();
}

uint64_t gic_vctlr_read(void)
{
    return ops->vctlr_read();
}

void gic_vcpu_load(const struct gic_vcpu *s)
{
    ops->vcpu_load(s);
}

void gic_vcpu_save(struct gic_vcpu *s)
{
    ops->vcpu_save(s);
}

void gic_vcpu_reset(struct gic_vcpu *s)
{
    ops->vcpu_reset(s);
}
