/* SPDX-License-Identifier: Apache-2.0 */
/* What the boot core, the other cores and the interrupt controller look like before anyone touched them. */
#include "tests/guest/conformance/conformance.h"
#include "tests/guest/lib/fdt.h"

#define CURRENT_EL1 4
#define FDT_MAGIC_LE 0xedfe0dd0

struct redistributor_state {
    uint32_t waker, isenabler, ispendr, isactiver, igroupr, ctlr;
};

static struct {
    uint32_t gicd_ctlr, enabled, pending, active;
    struct redistributor_state redistributors[CPUS_MAX];
    bool taken;
} at_reset;

void reset_capture(void)
{
    if (at_reset.taken)
        return;
    at_reset.taken = true;
    at_reset.gicd_ctlr = read32(GICD + GICD_CTLR);
    for (uint32_t i = 1; i < gic_intids() / 32; i++) {
        at_reset.enabled |= read32(GICD + GICD_ISENABLER + 4 * i);
        at_reset.active |= read32(GICD + GICD_ISACTIVER + 4 * i);
        at_reset.pending |= read32(GICD + GICD_ISPENDR + 4 * i);
    }
    for (unsigned int i = 0; i < cpu_count && gic_version() == 3; i++) {
        uint64_t rd = GICR + i * GICR_STRIDE;
        at_reset.redistributors[i] = (struct redistributor_state){
            .waker = read32(rd + GICR_WAKER),
            .isenabler = read32(rd + GICR_ISENABLER0),
            .ispendr = read32(rd + GICR_ISPENDR0),
            .isactiver = read32(rd + GICR_ISACTIVER0),
            .igroupr = read32(rd + GICR_IGROUPR0),
            .ctlr = read32(rd + GICR_CTLR),
        };
    }
}

static void boot_core(void)
{
    const struct cpu *c = &cpus[0];
    check_eq(c->entry_el, CURRENT_EL1, "boot protocol", "boot core: entered at EL1");
    check_eq(c->entry_daif, PSTATE_DAIF, "boot protocol", "boot core: DAIF masked at entry");
    check_eq(c->entry_spsel, 1, "DDI0487 SPSel", "boot core: SP_EL1 selected at entry");
    check_eq(c->entry.sctlr & (SCTLR_M | SCTLR_C), 0, "boot protocol", "boot core: MMU and data cache off");
    check_eq(c->entry_x[1] | c->entry_x[2] | c->entry_x[3], 0, "boot protocol", "boot core: x1-x3 zero");
    check_eq(c->entry_x[0] & 7, 0, "boot protocol", "boot core: the tree is 8-byte aligned");
    check_eq(read32(c->entry_x[0]), FDT_MAGIC_LE, "boot protocol", "boot core: x0 has a device tree");
    check(c->entry_x[0] >= machine.ram_base && c->entry_x[0] < machine.ram_base + machine.ram_size, "boot protocol",
          "boot core: the tree lies in RAM");
    uint64_t used = 0;
    for (unsigned int i = 4; i < 31; i++)
        used |= c->entry_x[i];
    check_eq_if(tap_under_hypervisor(), HYP_ONLY, used, 0, "boot protocol", "boot core: x4-x30 hold nothing of anyone");
    check(mrs(cntfrq_el0) != 0, "boot protocol", "boot core: CNTFRQ_EL0 is set");
    check_eq(c->entry.cntv_ctl & CTL_ENABLE, 0, "DDI0487 CNTV_CTL_EL0", "boot core: virtual timer off at entry");
    check_eq(c->entry.cntp_ctl & CTL_ENABLE, 0, "DDI0487 CNTP_CTL_EL0", "boot core: physical timer off at entry");
    check_eq(c->entry.igrpen0 | c->entry.igrpen1, 0, "IHI0069 ICC_IGRPEN1_EL1",
             "boot core: interrupt groups off at entry");
    check_eq(c->entry.pmr, 0, "IHI0069 ICC_PMR_EL1", "boot core: priority mask 0 at entry");
    check_eq(c->entry.oslsr & BIT(1), BIT(1), "DDI0487 OSLSR_EL1", "boot core: OS lock locked at entry");
}

static void distributor(void)
{
    check_eq(at_reset.gicd_ctlr & (GICD_CTLR_GRP0 | GICD_CTLR_GRP1), 0, "IHI0069 GICD_CTLR", "reset: groups disabled");
    check_eq(at_reset.enabled, 0, "IHI0069 GICD_ISENABLER<n>", "reset: no SPI enabled");
    check_eq(at_reset.active, 0, "IHI0069 GICD_ISACTIVER<n>", "reset: no SPI active");
    check_eq(at_reset.pending & ~BIT(UART_SPI), 0, "IHI0069 GICD_ISPENDR<n>", "reset: no SPI pending");
}

static void redistributors(void)
{
    if (gic_version() != 3) {
        check_skip("IHI0069 GICR_WAKER", "reset: redistributors", NOT_A_GICV3);
        return;
    }
    struct redistributor_state all = { 0 };
    uint32_t waker = 0;
    for (unsigned int i = 0; i < cpu_count; i++) {
        const struct redistributor_state *r = &at_reset.redistributors[i];
        waker |= r->waker;
        all.isenabler |= r->isenabler;
        all.isactiver |= r->isactiver;
        all.ispendr |= r->ispendr;
        all.ctlr |= r->ctlr;
        all.igroupr |= r->igroupr;
    }
    check_eq_if(tap_under_hypervisor(), "no firmware woke the bare emulator's", waker & (WAKER_SLEEP | WAKER_ASLEEP), 0,
                "IHI0069 GICR_WAKER", "entry: every redistributor is awake, as firmware leaves it");
    check_eq(all.isenabler, 0, "IHI0069 GICR_ISENABLER0", "reset: no SGI or PPI enabled");
    check_eq(all.isactiver, 0, "IHI0069 GICR_ISACTIVER0", "reset: no SGI or PPI active");
    check_eq(all.ispendr, 0, "IHI0069 GICR_ISPENDR0", "reset: no SGI or PPI pending");
    check_eq(all.igroupr, 0, "IHI0069 GICR_IGROUPR0", "reset: SGIs and PPIs in group 0");
    check_eq(all.ctlr & BIT(0), 0, "IHI0069 GICR_CTLR", "reset: LPIs disabled");
}

static void reset(void)
{
    boot_core();
    distributor();
    redistributors();
}
SUBJECT(010, "reset", reset);
