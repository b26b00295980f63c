/* SPDX-License-Identifier: Apache-2.0 */
/* FP and SIMD: the registers belong to the core that wrote them, over every kind of exit; CPACR_EL1 traps. */
#include "tests/guest/conformance/conformance.h"
#include "tests/guest/conformance/fp.h"

#define FPEN_NONE 0
#define FPEN_EL1 (UINT64_C(1) << 20)
#define FPEN_ALL (UINT64_C(3) << 20)
/* EC 0x07: ISS CV 1, COND 0xe. */
#define ISS_FP (BIT(24) | UINT64_C(0xe) << 20)
#define FMOV_X0_D0 0x9e660000u
#define MRS_FPCR INSN_MRS(SYSREG(3, 3, 4, 4, 0))
#define ROUNDS 500

static void fpen(uint64_t value)
{
    msr(cpacr_el1, (mrs(cpacr_el1) & ~FPEN_ALL) | value);
    isb();
}

static void pattern(struct fp_state *s, uint64_t seed)
{
    for (unsigned int i = 0; i < ARRAY_LEN(s->q); i++)
        s->q[i] = (seed + i) * UINT64_C(0x9e3779b97f4a7c15);
    s->fpcr = (seed & 3) << 22;
    s->fpsr = BIT(seed & 3) | BIT(27);
}

static bool same(const struct fp_state *a, const struct fp_state *b)
{
    for (unsigned int i = 0; i < ARRAY_LEN(a->q); i++) {
        if (a->q[i] != b->q[i])
            return false;
    }
    return a->fpcr == b->fpcr && a->fpsr == b->fpsr;
}

static bool survives(uint64_t way, uint64_t address)
{
    static struct fp_state in, out;
    bool good = true;
    for (uint64_t seed = 1; seed < 20; seed++) {
        pattern(&in, seed);
        if (way == 2) {
            msr(cntv_cval_el0, timer_count() + timer_ticks(20));
            msr(cntv_ctl_el0, CTL_ENABLE);
            isb();
        }
        fp_round_trip(&in, &out, way, address);
        good &= same(&in, &out);
        msr(cntv_ctl_el0, 0);
        isb();
    }
    return good;
}

static uint64_t entry_state(uint64_t unused)
{
    static struct fp_state s;
    uint64_t used = unused;
    fpen(FPEN_ALL);
    fp_store(&s);
    for (unsigned int i = 0; i < ARRAY_LEN(s.q); i++)
        used |= s.q[i];
    return used | s.fpcr;
}

/* The others hammer their own patterns meanwhile. */
static uint64_t keep(uint64_t rounds)
{
    struct fp_state in, out;
    uint64_t bad = 0;
    fpen(FPEN_ALL);
    for (uint64_t i = 0; i < rounds; i++) {
        pattern(&in, i + 1000 * this_cpu()->index);
        fp_round_trip(&in, &out, i % 2, GICD + GICD_TYPER);
        bad += !same(&in, &out);
    }
    return bad;
}

static void context(void)
{
    fpen(FPEN_ALL);
    check(survives(3, 0), "DDI0487 SIMD&FP registers", "V0-V31, FPCR and FPSR hold what was written");
    check(survives(0, 0), "DEN0028 Register use: SIMD and floating-point state", "they survive a hypervisor call");
    check(survives(1, GICD + GICD_TYPER), "DDI0487 SIMD&FP registers", "they survive a trapped access");
    gic_enable(INTID_CNTV);
    check(survives(2, 0), "DDI0487 SIMD&FP registers", "they survive WFI");
    gic_disable(INTID_CNTV);
    check_eq(fp_divide(1, 3), UINT64_C(0x3fd5555555555555), "DDI0487 FDIV", "1/3 rounded to nearest");
    msr(fpcr, UINT64_C(1) << 22);
    check_eq(fp_divide(1, 3), UINT64_C(0x3fd5555555555556), "DDI0487 FPCR.RMode", "1/3 rounded up");
    hvc(PSCI_VERSION, 0, 0, 0);
    check_eq(fp_divide(1, 3), UINT64_C(0x3fd5555555555556), "DDI0487 FPCR.RMode", "the rounding mode survives a call");
    msr(fpcr, 0);
}

static void check_fp_trap(struct exception e, uint64_t elr, const char *name)
{
    check_eq(e.taken ? e.esr : 0, esr_make(EC_FP, ISS_FP), "DDI0487 CPACR_EL1.FPEN", name);
    check_eq(e.elr, elr, "DDI0487 CPACR_EL1.FPEN", "its ELR");
}

static void traps(void)
{
    fpen(FPEN_NONE);
    check_fp_trap(insn_catch(FMOV_X0_D0, 0, 0), insn_address(), "FPEN 0: EL1 traps with EC 7");
    check_fp_trap(insn_catch_el0(FMOV_X0_D0, 0, 0), insn_address_el0(), "FPEN 0: EL0 traps with EC 7");
    check_fp_trap(insn_catch(MRS_FPCR, 0, 0), insn_address(), "FPEN 0: FPCR traps too");
    fpen(FPEN_EL1);
    struct exception e = insn_catch(FMOV_X0_D0, 0, 0);
    check(!e.taken, "DDI0487 CPACR_EL1.FPEN", "FPEN 1: EL1 does not trap");
    check_fp_trap(insn_catch_el0(FMOV_X0_D0, 0, 0), insn_address_el0(), "FPEN 1: EL0 traps with EC 7");
    fpen(FPEN_ALL);
    e = insn_catch_el0(FMOV_X0_D0, 0, 0);
    check(!e.taken, "DDI0487 CPACR_EL1.FPEN", "FPEN 3: EL0 does not trap");
}

static void cores(void)
{
    if (cpu_count < 2) {
        check_skip("DDI0487 SIMD&FP registers", "each core has its own", NEEDS_CORES);
        check_skip("DEN0022 CPU_ON", "FP registers hold nothing of anyone at entry", NEEDS_CORES);
        return;
    }
    cpus_stop_all();
    cpus_start_all();
    uint64_t used = 0;
    for (unsigned int i = 1; i < cpu_count; i++)
        used |= cpu_call(i, entry_state, 0);
    check_eq(used, 0, "DEN0022 CPU_ON", "FP registers hold nothing of anyone at entry");
    for (unsigned int i = 1; i < cpu_count; i++)
        cpu_post(i, keep, ROUNDS);
    uint64_t bad = keep(ROUNDS);
    for (unsigned int i = 1; i < cpu_count; i++) {
        cpu_wait(i, 30000);
        bad += cpus[i].job_result;
    }
    check_eq(bad, 0, "DDI0487 SIMD&FP registers", "each core has its own");
}

static void fp(void)
{
    context();
    traps();
    cores();
    fpen(FPEN_NONE);
}
SUBJECT(170, "fp", fp);
