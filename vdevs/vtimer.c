/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generic timer of each vCPU. Both timers are the core's own, programmed without an exit (arch/arm64/timer.c); what is left to do is to say so in the
 * guest's tree and to link their interrupts. Node: compatible "arm,armv8-timer"; `interrupts`, if given, are those of QEMU's virt machine.
 */
#include "arch/arm64/gic.h"
#include "arch/arm64/timer.h"
#include "vdevs/vgic/vgic.h"
#include <errno.h>

#define PPI_SECURE_PHYS 13
#define PPI_PHYS 14
#define PPI_VIRT 11
#define PPI_HYP 10
#define CELL_PPI 1
#define FLAG_LEVEL_HIGH 4

/* In the order of the binding (arm,arch_timer). */
static const uint32_t timer_ppis[] = { PPI_SECURE_PHYS, PPI_PHYS, PPI_VIRT, PPI_HYP };

static int __startup timer_link(struct vdev_builder *b)
{
    vdev_t *controller = vintc_vdev(b->gsp);
    int err = vgic_link_private(b, controller, VGIC_SGIS + PPI_VIRT, GIC_PPI_VTIMER, timer_virt_asserted);
    return err ? err : vgic_link_private(b, controller, VGIC_SGIS + PPI_PHYS, GIC_PPI_PTIMER, timer_phys_asserted);
}

/* Which interrupts a core's timers have cannot be chosen. */
static int __startup timer_check(struct vdev_builder *b)
{
    struct guest_intr line;
    for (unsigned i = 0; i < ARRAY_LEN(timer_ppis); i++) {
        int err = vdev_interrupt(b, i, &line);
        if (err == ENOENT)
            return EOK;
        if (err)
            return err;
        if (line.param != VGIC_SGIS + timer_ppis[i])
            return error_at(EINVAL,
                            "%s: interrupts: the timers are PPIs 13, 14, 11, 10, in this order; number %u is another",
                            b->path, i);
    }
    return EOK;
}

static int __startup timer_gen_fdt(struct vdev_builder *b, struct vdev_fdt *f)
{
    uint32_t cells[3 * ARRAY_LEN(timer_ppis)], cpus = 0;
    if (gic_info()->version == 2) /* arm,gic.yaml: to which CPUs it goes */
        cpus = (uint32_t)(BIT(guest_cpu_count(b->gsp)) - 1) << 8;
    for (unsigned i = 0; i < ARRAY_LEN(timer_ppis); i++) {
        cells[3 * i] = CELL_PPI;
        cells[3 * i + 1] = timer_ppis[i];
        cells[3 * i + 2] = FLAG_LEVEL_HIGH | cpus;
    }
    int err = vdev_fdt_u32s(f, "interrupts", cells, ARRAY_LEN(cells));
    uint32_t untold = (uint32_t)timer_freq_untold();
    if (!err && untold)
        err = vdev_fdt_u32s(f, "clock-frequency", &untold, 1);
    return err ? err : vdev_fdt_prop(f, "always-on", NULL, 0);
}

static int __startup timer_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    phase_assume_startup();
    if (ctrl == VDEV_CTRL_OPTIONS_END)
        return timer_link(b);
    if (ctrl == VDEV_CTRL_ASSIGN)
        return timer_check(b);
    if (ctrl == VDEV_CTRL_GEN_FDT)
        return timer_gen_fdt(b, (struct vdev_fdt *)arg);
    return EOK;
}

static const char *const timer_compatible[] = { "arm,armv8-timer", NULL };

VDEV_FACTORY(timer_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_LOC_NO | VFF_MANUAL_REGION,
    .safety = VDEV_SAFETY_SELECTED,
    .name = "timer",
    .compatible = timer_compatible,
    .startup = timer_startup,
};
