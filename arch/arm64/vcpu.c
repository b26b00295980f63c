/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/cache.h"
#include "arch/arm64/core_arch.h"
#include "arch/arm64/fp.h"
#include "arch/arm64/idregs.h"
#include "arch/arm64/pmu.h"
#include "arch/arm64/sysreg.h"
#include "arch/arm64/vcpu_arch.h"

#define ISR_A BIT(8) /* ISR_EL1 */
/* HCR_EL2 */
#define HCR_VM BIT(0)
#define HCR_SWIO BIT(1)
#define HCR_PTW BIT(2)
#define HCR_FMO BIT(3)
#define HCR_IMO BIT(4)
#define HCR_AMO BIT(5)
#define HCR_VSE BIT(8)
#define HCR_FB BIT(9)
#define HCR_BSU_ISH BIT(10)
#define HCR_TWI BIT(13)
#define HCR_TID1 BIT(16)
#define HCR_TID3 BIT(18)
#define HCR_TSC BIT(19)
#define HCR_TIDCP BIT(20)
#define HCR_TACR BIT(21)
#define HCR_RW BIT(31)
#define HCR_TLOR BIT(35)
#define HCR_TERR BIT(36)
/* No trap of set/way (TSW=0): SWIO makes an invalidate a clean and invalidate, so a guest can lose nobody's data. */
#define HCR_GUEST \
    (HCR_VM | HCR_SWIO | HCR_PTW | HCR_FMO | HCR_IMO | HCR_AMO | HCR_TID3 | HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_RW)

/* CPTR_EL2 with E2H=0: RES1 bits trap SVE (TZ) and SME (TSM) where they exist. */
#define CPTR_RES1 UINT64_C(0x33ff)
#define CPTR_TFP BIT(10)
#define CPTR_TTA BIT(20)
#define CPTR_TAM BIT(30)

/* MDCR_EL2 */
#define MDCR_HPMN FIELD(4, 0)
#define MDCR_TPMCR BIT(5)
#define MDCR_TPM BIT(6)
#define MDCR_TDA BIT(9)
#define MDCR_TDOSA BIT(10)
#define MDCR_TDRA BIT(11)
#define MDCR_TPMS BIT(14)
#define MDCR_TTRF BIT(19)

/* HPMN is each core's own, set at its start. */
static void mdcr_write(const struct vcpu_arch *v)
{
    write_sysreg(mdcr_el2, v->mdcr | (read_sysreg(mdcr_el2) & MDCR_HPMN));
}

#define PSTATE_EL1H_MASKED UINT64_C(0x3c5)
#define CPACR_RESET UINT64_C(0)
#define MDSCR_USED (BIT(0) | BIT(15)) /* SS, MDE: what it says fires without an access to a debug register */
#define DEBUG_CLAIMS FIELD(7, 0)
/* What self-hosted debug has: TXfull, RXfull, RXO, TXU, MDE, KDE, TDCC, ERR, SS. The others are halting debug's, as long as the OS lock is on. */
#define MDSCR_GUEST (FIELD(30, 29) | FIELD(27, 26) | BIT(15) | FIELD(13, 12) | BIT(6) | BIT(0))

void vcpu_arch_init(struct vcpu_arch *v, uint64_t vmpidr, uint64_t vttbr, uint64_t vtcr)
{
    uint64_t pfr0 = read_sysreg(id_aa64pfr0_el1), mmfr1 = read_sysreg(id_aa64mmfr1_el1),
             dfr0 = read_sysreg(id_aa64dfr0_el1);
    v->vmpidr = vmpidr;
    v->vttbr = vttbr;
    v->vtcr = vtcr;
    v->hcr = HCR_GUEST;
    if (field_get(FIELD(31, 28), pfr0))
        v->hcr |= HCR_TERR;
    if (field_get(FIELD(19, 16), mmfr1))
        v->hcr |= HCR_TLOR;
    if (field_get(FIELD(27, 24), read_sysreg(id_aa64pfr1_el1)))
        v->hcr |= HCR_TID1; /* SMIDR_EL1, and with it REVIDR_EL1 and AIDR_EL1 */
    v->cptr = CPTR_RES1 | CPTR_TFP | CPTR_TTA;
    if (field_get(FIELD(47, 44), pfr0))
        v->cptr |= CPTR_TAM;
    v->mdcr = MDCR_TPMCR | MDCR_TPM | MDCR_TDA | MDCR_TDOSA | MDCR_TDRA;
    if (field_get(FIELD(35, 32), dfr0))
        v->mdcr |= MDCR_TPMS;
    if (field_get(FIELD(43, 40), dfr0))
        v->mdcr |= MDCR_TTRF;
}

void vcpu_arch_pmu(struct vcpu_arch *v, struct vcpu_pmu *pmu)
{
    v->pmu = pmu;
    v->mdcr &= ~(MDCR_TPM | MDCR_TPMCR);
}

void vcpu_arch_floats(struct vcpu_arch *v)
{
    v->hcr |= HCR_FB | HCR_BSU_ISH;
}

/* SCTLR_EL1 at a warm reset: RES1 bits of ARMv8.0, everything off. Bits that later versions define reset to 1 where they did as RES1. */
#define SCTLR_EL1_RESET UINT64_C(0x30d00800)

void vcpu_arch_reset(struct vcpu_arch *v, uint64_t pc, uint64_t x0)
{
    v->regs = (struct vcpu_regs){ .pstate = PSTATE_EL1H_MASKED };
    v->sys = (struct vcpu_sysregs){ .sctlr_el1 = SCTLR_EL1_RESET, .cpacr_el1 = CPACR_RESET };
    v->timer = (struct timer_vcpu){ .cntvoff = v->timer.cntvoff, .own_clock = v->timer.own_clock };
    if (v->timer.own_clock)
        v->timer.cntp_cval = v->timer.cntvoff; /* 0 on its own clock */
    if (v->fp_used)
        bulk_zero(&v->fp, sizeof(v->fp));
    if (v->debug_used)
        bulk_zero(&v->debug, sizeof(v->debug));
    v->fp_used = v->debug_used = false;
    v->debug.os_locked = true;
    if (v->pmu)
        bulk_zero(v->pmu, sizeof(*v->pmu));
    gic_vcpu_reset(&v->gic);
    vcpu_arch_start(v, pc, x0);
}

void vcpu_arch_start(struct vcpu_arch *v, uint64_t pc, uint64_t x0)
{
    v->regs.pc = pc;
    v->regs.x[0] = x0;
    v->hcr &= ~HCR_VSE;
}

#define DEBUG_PAIR_LOAD(n) \
    case n: \
        write_sysreg(dbgbvr##n##_el1, v->debug.bvr[n]); \
        write_sysreg(dbgbcr##n##_el1, v->debug.bcr[n]); \
        break;
#define DEBUG_WATCH_LOAD(n) \
    case n: \
        write_sysreg(dbgwvr##n##_el1, v->debug.wvr[n]); \
        write_sysreg(dbgwcr##n##_el1, v->debug.wcr[n]); \
        break;
#define DEBUG_PAIR_SAVE(n) \
    case n: \
        v->debug.bvr[n] = read_sysreg(dbgbvr##n##_el1); \
        v->debug.bcr[n] = read_sysreg(dbgbcr##n##_el1); \
        break;
#define DEBUG_WATCH_SAVE(n) \
    case n: \
        v->debug.wvr[n] = read_sysreg(dbgwvr##n##_el1); \
        v->debug.wcr[n] = read_sysreg(dbgwcr##n##_el1); \
        break;
#define DEBUG_ALL(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

static void debug_breakpoint_load(const struct vcpu_arch *v, unsigned n)
{
    switch (n) {
        DEBUG_ALL(DEBUG_PAIR_LOAD)
    }
}

static void debug_watchpoint_load(const struct vcpu_arch *v, unsigned n)
{
    switch (n) {
        DEBUG_ALL(DEBUG_WATCH_LOAD)
    }
}

static void debug_breakpoint_save(struct vcpu_arch *v, unsigned n)
{
    switch (n) {
        DEBUG_ALL(DEBUG_PAIR_SAVE)
    }
}

static void debug_watchpoint_save(struct vcpu_arch *v, unsigned n)
{
    switch (n) {
        DEBUG_ALL(DEBUG_WATCH_SAVE)
    }
}

static unsigned breakpoints(void)
{
    return (unsigned)field_get(FIELD(15, 12), read_sysreg(id_aa64dfr0_el1)) + 1;
}

static unsigned watchpoints(void)
{
    return (unsigned)field_get(FIELD(23, 20), read_sysreg(id_aa64dfr0_el1)) + 1;
}

/*
 * Debug registers move on a vCPU's first access to one, and stay its own until another vCPU comes to the core. When it comes back they move
 * at once if something of theirs may fire, else again on its first access.
 */
void vcpu_debug_enable(struct vcpu_arch *v)
{
    write_sysreg(oslar_el1, 1); /* so that the flags of MDSCR_EL1 can be written, and nothing fires on the way */
    isb();
    for (unsigned n = 0; n < breakpoints(); n++)
        debug_breakpoint_load(v, n);
    for (unsigned n = 0; n < watchpoints(); n++)
        debug_watchpoint_load(v, n);
    write_sysreg(mdccint_el1, v->debug.mdccint);
    write_sysreg(osdtrrx_el1, v->debug.osdtrrx);
    write_sysreg(osdtrtx_el1, v->debug.osdtrtx);
    write_sysreg(mdscr_el1, v->debug.mdscr & MDSCR_GUEST);
    write_sysreg(dbgclaimclr_el1, DEBUG_CLAIMS);
    write_sysreg(dbgclaimset_el1, v->debug.claim);
    write_sysreg(osdlr_el1, v->debug.osdlr);
    isb();
    write_sysreg(oslar_el1, v->debug.os_locked);
    v->debug_live = v->debug_used = true;
    v->mdcr &= ~(MDCR_TDA | MDCR_TDOSA | MDCR_TDRA);
    mdcr_write(v);
    isb();
}

/* Nothing of a vCPU's fires for the next one, and nothing is there to be read. The OS lock is on. */
static void debug_clear(void)
{
    write_sysreg(mdscr_el1, 0);
    write_sysreg(mdccint_el1, 0);
    write_sysreg(oseccr_el1, 0);
    write_sysreg(osdtrrx_el1, 0);
    write_sysreg(osdtrtx_el1, 0);
    write_sysreg(dbgclaimclr_el1, DEBUG_CLAIMS);
    write_sysreg(osdlr_el1, 0);
}

static void debug_put(struct vcpu_arch *v)
{
    v->debug.os_locked = read_sysreg(oslsr_el1) & BIT(1);
    /* No access to these halts the core then, and the flags of MDSCR_EL1 read as they are. */
    write_sysreg(oslar_el1, 1);
    isb();
    for (unsigned n = 0; n < breakpoints(); n++)
        debug_breakpoint_save(v, n);
    for (unsigned n = 0; n < watchpoints(); n++)
        debug_watchpoint_save(v, n);
    v->debug.mdccint = read_sysreg(mdccint_el1);
    v->debug.mdscr = read_sysreg(mdscr_el1);
    v->debug.osdlr = read_sysreg(osdlr_el1);
    v->debug.claim = read_sysreg(dbgclaimclr_el1) & DEBUG_CLAIMS;
    v->debug.osdtrrx = read_sysreg(osdtrrx_el1);
    v->debug.osdtrtx = read_sysreg(osdtrtx_el1);
    debug_clear();
    v->debug_live = false;
    v->mdcr |= MDCR_TDA | MDCR_TDOSA | MDCR_TDRA;
}

void vcpu_fp_enable(struct vcpu_arch *v)
{
    v->cptr &= ~CPTR_TFP;
    write_sysreg(cptr_el2, v->cptr);
    isb();
    fp_load(&v->fp);
    v->fp_live = v->fp_used = true;
}

static void fp_put(struct vcpu_arch *v)
{
    fp_save(&v->fp);
    v->fp_live = false;
    v->cptr |= CPTR_TFP;
}

void vcpu_trap_wfi(struct vcpu_arch *v, bool trap)
{
    v->hcr = read_sysreg(hcr_el2); /* VSE may have been taken */
    v->hcr = trap ? v->hcr | HCR_TWI : v->hcr & ~HCR_TWI;
    write_sysreg(hcr_el2, v->hcr);
}

static bool has_ras(void)
{
    return field_get(FIELD(31, 28), read_sysreg(id_aa64pfr0_el1));
}

#define SYSREG_LOAD(name) write_sysreg(name, v->sys.name);
#define SYSREG_SAVE(name) v->sys.name = read_sysreg(name);
#define TCR_EPD (BIT(7) | BIT(23))

/*
 * Speculative address translation (Cortex-A72 1319367, A76 1165522 and kin) may walk with a mix of two guests' registers: while they change, both
 * EPD bits keep stage 1 walks from starting, and stage 2 belongs to the next guest before they are cleared.
 */
void vcpu_arch_load(struct vcpu_arch *v, bool flush_tlb)
{
    write_sysreg(tcr_el1, TCR_EPD);
    write_sysreg(sctlr_el1, 1); /* M=1: with the MMU off a walk would not ask EPD */
    isb();
    write_sysreg(vtcr_el2, v->vtcr);
    write_sysreg(vttbr_el2, v->vttbr);
    write_sysreg(hcr_el2, v->hcr); /* stage 2 is on before the first walk of this guest's can start */
    isb();
    if (flush_tlb) {
        __asm__ volatile("tlbi vmalle1" ::: "memory");
        __asm__ volatile("dsb nsh" ::: "memory");
        isb();
    }
    uint64_t tcr = v->sys.tcr_el1, sctlr = v->sys.sctlr_el1;
    v->sys.tcr_el1 = TCR_EPD;
    v->sys.sctlr_el1 = 1;
    VCPU_SYSREGS(SYSREG_LOAD)
    isb();
    v->sys.tcr_el1 = tcr;
    v->sys.sctlr_el1 = sctlr;
    write_sysreg(sctlr_el1, sctlr);
    isb();
    write_sysreg(tcr_el1, tcr);
    if (has_ras()) {
        write_sysreg(S3_0_C12_C1_1, v->sys.disr_el1);
        write_sysreg(S3_4_C5_C2_3, v->sys.vsesr_el2);
    }
    write_sysreg(vmpidr_el2, v->vmpidr);
    write_sysreg(vpidr_el2, read_sysreg(midr_el1));
    timer_vcpu_load(&v->timer);
    gic_vcpu_load(&v->gic);
    write_sysreg(cptr_el2, v->cptr);
    mdcr_write(v);
    isb();
    if (v->debug_used && v->debug.mdscr & MDSCR_USED)
        vcpu_debug_enable(v);
    if (v->pmu)
        pmu_vcpu_load(v->pmu);
    this_core_arch()->running = v;
}

void vcpu_arch_put(struct vcpu_arch *v)
{
    if (v->pmu)
        pmu_vcpu_save(v->pmu);
    if (v->fp_live)
        fp_put(v);
    if (v->debug_live)
        debug_put(v);
    v->hcr = read_sysreg(hcr_el2); /* the core clears VSE when the SError is taken */
    VCPU_SYSREGS(SYSREG_SAVE)
    if (has_ras()) {
        v->sys.disr_el1 = read_sysreg(S3_0_C12_C1_1);
        v->sys.vsesr_el2 = read_sysreg(S3_4_C5_C2_3);
    }
    timer_vcpu_save(&v->timer);
    gic_vcpu_save(&v->gic);
    /* No walk of the guest's may start while stage 2 goes away. */
    write_sysreg(tcr_el1, TCR_EPD);
    write_sysreg(sctlr_el1, 1);
    isb();
    write_sysreg(hcr_el2, HCR_RW | HCR_FMO | HCR_IMO | HCR_AMO); /* a thread takes interrupts */
    write_sysreg(vttbr_el2, 0);
    write_sysreg(cptr_el2, CPTR_RES1 | CPTR_TFP);
    isb();
    this_core_arch()->running = NULL;
}

int guest_enter(struct vcpu_arch *v);

struct exit guest_run(struct vcpu_arch *v)
{
    struct core_arch *core = this_core_arch();
    int left = guest_enter(v);
    struct exit e = { .kind = EXIT_IRQ };
    if (left == GUEST_LEFT_SYNC)
        e = exit_decode(read_sysreg(esr_el2), read_sysreg(far_el2), read_sysreg(hpfar_el2));
    /* A call is made again behind the SError, as an access is: but its return address was behind it already. */
    if (core->serror_seen && left == GUEST_LEFT_SYNC && ESR_EC(core->left_esr) == EC_HVC64)
        v->regs.pc -= 4;
    if (left == GUEST_LEFT_SERROR || core->serror_seen) {
        core->serror_seen = 0;
        e = (struct exit){ .kind = EXIT_SERROR, .esr = read_sysreg(esr_el2) };
    }
    return e;
}

void core_fp_seal(void)
{
    write_sysreg(cptr_el2, CPTR_RES1 | CPTR_TFP);
    isb();
}

bool core_serror_take(void)
{
    struct core_arch *core = this_core_arch();
    dsb_sy();
    if (!(read_sysreg(isr_el1) & ISR_A))
        return false;
    core->serror_window = 1;
    uint64_t deadline = read_sysreg(cnthp_cval_el2);
    __asm__ volatile("msr daifclr, #4\n isb\n msr daifset, #4" ::: "memory");
    write_sysreg(cnthp_cval_el2, deadline);
    core->serror_window = core->serror_seen = 0;
    return true;
}

void core_wait(void)
{
    dsb_sy();
    __asm__ volatile("wfi" ::: "memory");
}
