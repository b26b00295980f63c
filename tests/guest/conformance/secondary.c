/* SPDX-License-Identifier: Apache-2.0 */
/* A core at its entry by CPU_ON: PSCI's state, reset values, nothing of anyone else's. */
#include "tests/guest/conformance/conformance.h"

#define CURRENT_EL1 4
#define SEC "DEN0022 CPU_ON, initial core configuration"
#define SCTLR_EE BIT(25)
#define SCTLR_WXN BIT(19)
#define SGI_A 6
#define PPI_A 22

/* What is wrong on any core, by check. */
struct faults {
    bool level, masked, stack, context, registers, mmu, endian, timers, groups, mask, lock, pointers, syndromes,
        translation;
};

static void look(const struct cpu *c, struct faults *f)
{
    const struct entry_sysregs *e = &c->entry;
    f->level |= c->entry_el != CURRENT_EL1;
    f->masked |= c->entry_daif != PSTATE_DAIF;
    f->stack |= c->entry_spsel != 1 || c->entry_sp != 0;
    f->context |= c->entry_x[0] != (uint64_t)c;
    for (unsigned int i = 1; i < 31; i++)
        f->registers |= c->entry_x[i] != 0;
    f->mmu |= e->sctlr & (SCTLR_M | SCTLR_C | SCTLR_I);
    f->endian |= e->sctlr & (SCTLR_EE | SCTLR_WXN | SCTLR_A);
    f->timers |= (e->cntv_ctl | e->cntp_ctl) & CTL_ENABLE;
    f->groups |= e->igrpen0 || e->igrpen1;
    /* A GICv2's interface is not of the core: the emulator's own PSCI leaves it alone. */
    f->mask |= e->pmr != 0 && (gic_version() == 3 || tap_under_hypervisor());
    f->lock |= !(e->oslsr & BIT(1));
    f->pointers |= e->tpidr_el1 || e->tpidr_el0 || e->tpidrro || e->sp_el0 || e->contextidr;
    f->syndromes |= e->esr || e->far || e->elr;
    f->translation |= e->ttbr0 || e->ttbr1 || e->tcr || e->mair;
}

static void report(const struct faults *f)
{
    check(!f->level, SEC, "entered at EL1");
    check(!f->masked, SEC, "DAIF masked");
    check(!f->stack, "DDI0487 SPSel", "SP_EL1 selected, its value nobody's");
    check(!f->context, SEC, "x0 is the context id");
    check(!f->registers, SEC, "x1-x30 hold nothing of anyone");
    check(!f->mmu, "DDI0487 SCTLR_EL1", "MMU and caches off");
    check(!f->endian, "DDI0487 SCTLR_EL1", "little endian, no WXN, no alignment checks");
    check(!f->timers, "DDI0487 CNTV_CTL_EL0, CNTP_CTL_EL0", "timers off");
    check(!f->groups, "IHI0069 ICC_IGRPEN0_EL1, ICC_IGRPEN1_EL1", "interrupt groups off");
    check(!f->mask, "IHI0069 ICC_PMR_EL1", "priority mask 0");
    check(!f->lock, "DDI0487 OSLSR_EL1", "OS lock locked");
    check(!f->pointers, SEC, "thread and stack pointers hold nothing of anyone");
    check(!f->syndromes, SEC, "ESR, FAR and ELR hold nothing of anyone");
    check(!f->translation, SEC, "translation registers hold nothing of anyone");
}

/* Leaves as much behind as it can: the next start must not see it. */
static uint64_t litter(uint64_t unused)
{
    uint64_t v = UINT64_C(0x5a5a5a5a5a5a5a5a);
    msr(tpidr_el0, v);
    msr(tpidrro_el0, v);
    msr(contextidr_el1, v & 0xffffffff);
    msr(sp_el0, v);
    msr(far_el1, v);
    msr(esr_el1, 0x5a5a5a5a);
    msr(cntv_cval_el0, 0);
    msr(cntv_ctl_el0, CTL_ENABLE | CTL_IMASK);
    msr(cntp_cval_el0, 0);
    msr(cntp_ctl_el0, CTL_ENABLE | CTL_IMASK);
    msr(oslar_el1, 0);
    isb();
    gic_cpu_init();
    gic_enable(SGI_A);
    gic_enable(PPI_A);
    gic_set_priority(PPI_A, 0x58);
    return unused;
}

static void redistributor_kept(void)
{
    uint64_t rd = cpus[1].redistributor;
    cpu_call(1, litter, 0);
    cpu_stop(1);
    bool hyp = tap_under_hypervisor();
    check(read32(rd + GICR_ISENABLER0) == (BIT(SGI_A) | BIT(PPI_A)) && read8(rd + GICR_IPRIORITYR + PPI_A) == 0x58,
          "DEN0022 CPU_OFF", "the redistributor is kept while its core is off");
    write32(rd + GICR_ISPENDR0, BIT(PPI_A));
    gic_send_sgi1(gic_sgi_to(cpus[1].mpidr, SGI_A));
    delay_us(500);
    uint32_t pending = read32(rd + GICR_ISPENDR0) & (BIT(SGI_A) | BIT(PPI_A));
    check_eq_if(hyp, HYP_ONLY, pending, BIT(SGI_A) | BIT(PPI_A), "IHI0069 GICR_ISPENDR0",
                "an SGI to a core that is off stays pending");
    check_eq(cpu_start(1), PSCI_SUCCESS, "DEN0022 CPU_ON", "with interrupts pending the core starts");
    pending = read32(rd + GICR_ISPENDR0) & (BIT(SGI_A) | BIT(PPI_A));
    check_eq_if(hyp, HYP_ONLY, pending, BIT(SGI_A) | BIT(PPI_A), "IHI0069 GICR_ISPENDR0", "and they are pending still");
    struct faults f = { 0 };
    look(&cpus[1], &f);
    check(!f.timers && !f.groups && !f.mask && !f.pointers && !f.syndromes && !f.lock, SEC,
          "what the core left behind is gone");
    cpu_call(1, core_gic_init, 0);
}

/* A GICv2's banked registers: only the core itself sees them, so when it is back. */
static uint64_t banked_state(uint64_t unused)
{
    return (read32(GICD + GICD_ISENABLER) & BIT(PPI_A)) | (read32(GICD + GICD_ISPENDR) & BIT(SGI_A)) |
           (uint64_t)(read8(GICD + GICD_IPRIORITYR + PPI_A) != 0x58) << 32 | unused;
}

static void banked_kept(void)
{
    cpu_call(1, litter, 0);
    cpu_stop(1);
    gic_send_sgi1(gic_sgi_to(cpus[1].mpidr, SGI_A));
    delay_us(500);
    check_eq(cpu_start(1), PSCI_SUCCESS, "DEN0022 CPU_ON", "with interrupts pending the core starts");
    check_eq_if(tap_under_hypervisor(), HYP_ONLY, cpu_call(1, banked_state, 0), BIT(PPI_A) | BIT(SGI_A),
                "DEN0022 CPU_OFF", "its banked registers were kept, an SGI sent meanwhile is pending");
    cpu_call(1, core_gic_init, 0);
}

static void secondary(void)
{
    if (cpu_count < 2) {
        check_skip(SEC, "the state of a core at entry", NEEDS_CORES);
        return;
    }
    struct faults f = { 0 };
    cpus_stop_all();
    bool all = cpus_start_all();
    check(all, SEC, "every core starts");
    for (unsigned int i = 1; i < cpu_count; i++)
        look(&cpus[i], &f);
    report(&f);
    for (unsigned int i = 1; i < cpu_count; i++)
        cpu_call(i, litter, 0);
    cpus_stop_all();
    all = cpus_start_all();
    f = (struct faults){ 0 };
    for (unsigned int i = 1; i < cpu_count; i++)
        look(&cpus[i], &f);
    check(all && !f.registers && !f.pointers && !f.syndromes && !f.translation, SEC,
          "a second start sees nothing of the first");
    check(!f.timers && !f.groups && !f.mask && !f.lock && !f.mmu, SEC, "a second start has the reset state again");
    if (gic_version() == 3)
        redistributor_kept();
    else
        banked_kept();
}
SUBJECT(600, "secondary", secondary);
