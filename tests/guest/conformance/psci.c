/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI 1.1 by HVC: every function, 32- and 64-bit ids, the documented errors. */
#include "tests/guest/conformance/conformance.h"

#define MPIDR_NOBODY UINT64_C(0x0000ff01)
#define UNKNOWN_PSCI 0x8400001f
#define POWERDOWN BIT(16) /* of power_state */

extern char secondary_entry[];

static int64_t features(uint32_t fid)
{
    return hvc(PSCI_FEATURES, fid, 0, 0);
}

static void discovery(void)
{
    int64_t version = hvc(PSCI_VERSION, 0, 0, 0);
    check(version >> 16 == 1 && (version & 0xffff) >= 1, "DEN0022 PSCI_VERSION", "PSCI_VERSION is 1.1 or later");
    check_eq(version >> 32, 0, "DEN0022 PSCI_VERSION", "PSCI_VERSION is 32 bits");
    static const struct {
        uint32_t fid;
        const char *name;
    } mandatory[] = {
        { PSCI_VERSION, "FEATURES offers PSCI_VERSION" },
        { PSCI_CPU_SUSPEND, "FEATURES offers CPU_SUSPEND, 32-bit" },
        { PSCI_CPU_SUSPEND | FID_64, "FEATURES offers CPU_SUSPEND, 64-bit" },
        { PSCI_CPU_OFF, "FEATURES offers CPU_OFF" },
        { PSCI_CPU_ON, "FEATURES offers CPU_ON, 32-bit" },
        { PSCI_CPU_ON | FID_64, "FEATURES offers CPU_ON, 64-bit" },
        { PSCI_AFFINITY_INFO, "FEATURES offers AFFINITY_INFO, 32-bit" },
        { PSCI_AFFINITY_INFO | FID_64, "FEATURES offers AFFINITY_INFO, 64-bit" },
        { PSCI_SYSTEM_OFF, "FEATURES offers SYSTEM_OFF" },
        { PSCI_SYSTEM_RESET, "FEATURES offers SYSTEM_RESET" },
        { PSCI_FEATURES, "FEATURES offers itself" },
    };
    for (unsigned int i = 0; i < ARRAY_LEN(mandatory); i++)
        check((int32_t)features(mandatory[i].fid) >= 0, "DEN0022 PSCI_FEATURES", mandatory[i].name);
    check_eq(features(PSCI_CPU_SUSPEND) & ~INT64_C(3), 0, "DEN0022 PSCI_FEATURES",
             "CPU_SUSPEND's flags have no reserved bit");
    check_eq((int32_t)features(UNKNOWN_PSCI), PSCI_NOT_SUPPORTED, "DEN0022 PSCI_FEATURES",
             "an unknown id is NOT_SUPPORTED");
    check_eq((int32_t)features(0xc6000001), PSCI_NOT_SUPPORTED, "DEN0022 PSCI_FEATURES",
             "an id of another service is NOT_SUPPORTED");
    bool hyp = tap_under_hypervisor();
    check_eq_if(hyp, HYP_ONLY, (int32_t)features(PSCI_VERSION | FID_64), PSCI_NOT_SUPPORTED, "DEN0022 PSCI_FEATURES",
                "a 32-bit function has no 64-bit id");
    check_eq_if(hyp, HYP_ONLY, features(SMCCC_VERSION), PSCI_SUCCESS, "DEN0028 Discovery of SMCCC",
                "FEATURES offers SMCCC_VERSION");
    check_eq_if(hyp, HYP_ONLY, features(PSCI_SYSTEM_RESET2), PSCI_SUCCESS, "DEN0022 SYSTEM_RESET2",
                "FEATURES offers SYSTEM_RESET2");
    check_eq_if(hyp, HYP_ONLY, features(PSCI_SYSTEM_RESET2 | FID_64), PSCI_SUCCESS, "DEN0022 SYSTEM_RESET2",
                "FEATURES offers SYSTEM_RESET2, 64-bit");
    check_eq((int32_t)hvc(UNKNOWN_PSCI, 0, 0, 0), PSCI_NOT_SUPPORTED, "DEN0028 Unknown Function Identifier",
             "an unknown PSCI call");
    check_eq((int32_t)hvc(PSCI_VERSION | FID_64, 0, 0, 0), PSCI_NOT_SUPPORTED, "DEN0022 Function identifiers",
             "PSCI_VERSION has no 64-bit id");
}

/* A function that FEATURES denies answers NOT_SUPPORTED. */
static void optional(void)
{
    static const struct {
        uint32_t fid;
        const char *name;
    } functions[] = {
        { PSCI_CPU_FREEZE, "CPU_FREEZE agrees with FEATURES" },
        { PSCI_CPU_DEFAULT_SUSPEND, "CPU_DEFAULT_SUSPEND agrees with FEATURES" },
        { PSCI_NODE_HW_STATE, "NODE_HW_STATE agrees with FEATURES" },
        { PSCI_SYSTEM_SUSPEND, "SYSTEM_SUSPEND agrees with FEATURES" },
        { PSCI_SET_SUSPEND_MODE, "PSCI_SET_SUSPEND_MODE agrees with FEATURES" },
        { PSCI_STAT_RESIDENCY, "PSCI_STAT_RESIDENCY agrees with FEATURES" },
        { PSCI_STAT_COUNT, "PSCI_STAT_COUNT agrees with FEATURES" },
        { PSCI_MEM_PROTECT, "MEM_PROTECT agrees with FEATURES" },
        { PSCI_MEM_PROTECT_CHECK_RANGE, "MEM_PROTECT_CHECK_RANGE agrees with FEATURES" },
        { PSCI_MIGRATE, "MIGRATE agrees with FEATURES" },
    };
    for (unsigned int i = 0; i < ARRAY_LEN(functions); i++) {
        if ((int32_t)features(functions[i].fid) != PSCI_NOT_SUPPORTED)
            check_skip("DEN0022 PSCI_FEATURES", functions[i].name, "offered");
        else
            check_eq((int32_t)hvc(functions[i].fid, 0, 0, 0), PSCI_NOT_SUPPORTED, "DEN0022 PSCI_FEATURES",
                     functions[i].name);
    }
    int32_t type = (int32_t)hvc(PSCI_MIGRATE_INFO_TYPE, 0, 0, 0);
    check(type == 2 || type == PSCI_NOT_SUPPORTED, "DEN0022 MIGRATE_INFO_TYPE", "no Trusted OS to migrate");
    bool reset2 = tap_under_hypervisor() && features(PSCI_SYSTEM_RESET2) == PSCI_SUCCESS;
    check_eq_if(reset2, "no SYSTEM_RESET2", (int32_t)hvc(reset2 ? PSCI_SYSTEM_RESET2 : UNKNOWN_PSCI, 1, 0, 0),
                PSCI_INVALID_PARAMETERS, "DEN0022 SYSTEM_RESET2",
                "a reserved architectural reset type is INVALID_PARAMETERS");
}

static void affinity_info(void)
{
    uint64_t me = this_cpu()->mpidr;
    check_eq(psci_affinity_info(me), AFFINITY_ON, "DEN0022 AFFINITY_INFO", "the caller is ON");
    check_eq(hvc(PSCI_AFFINITY_INFO, me, 0, 0), AFFINITY_ON, "DEN0022 AFFINITY_INFO", "the caller is ON, 32-bit id");
    check_eq((int32_t)psci_affinity_info(MPIDR_NOBODY), PSCI_INVALID_PARAMETERS, "DEN0022 AFFINITY_INFO",
             "nobody there");
    check_eq((int32_t)psci_affinity_info(me | BIT(31)), PSCI_INVALID_PARAMETERS, "DEN0022 AFFINITY_INFO",
             "reserved bit 31 set");
    check_eq((int32_t)psci_affinity_info(me | BIT(24)), PSCI_INVALID_PARAMETERS, "DEN0022 AFFINITY_INFO",
             "reserved bit 24 set");
    check_eq_if(tap_under_hypervisor(), HYP_ONLY, (int32_t)hvc(PSCI_AFFINITY_INFO | FID_64, me, 4, 0),
                PSCI_INVALID_PARAMETERS, "DEN0022 AFFINITY_INFO", "level 4 does not exist");
    int32_t level1 = (int32_t)hvc(PSCI_AFFINITY_INFO | FID_64, me, 1, 0);
    check(level1 == AFFINITY_ON || level1 == PSCI_INVALID_PARAMETERS, "DEN0022 AFFINITY_INFO",
          "level 1: ON, or levels not offered");
    bool below = true;
    for (unsigned int i = 0; i < cpu_count; i++)
        below &= (int32_t)hvc(PSCI_AFFINITY_INFO | FID_64, cpus[i].mpidr, 1, 0) == AFFINITY_ON;
    check_if(tap_under_hypervisor(), HYP_ONLY, below, "DEN0022 AFFINITY_INFO",
             "level 1: the fields below it are ignored");
    check_eq_if(tap_under_hypervisor(), HYP_ONLY,
                (int32_t)hvc(PSCI_AFFINITY_INFO | FID_64, me, UINT64_C(0xdead) << 32, 0), AFFINITY_ON,
                "DEN0022 AFFINITY_INFO", "lowest_affinity_level has 32 bits by the 64-bit id too");
}

static void cpu_on_errors(void)
{
    uint64_t me = this_cpu()->mpidr, entry = (uint64_t)secondary_entry;
    check_eq((int32_t)psci_cpu_on(me, entry, 0), PSCI_ALREADY_ON, "DEN0022 CPU_ON", "the caller is ALREADY_ON");
    check_eq((int32_t)hvc(PSCI_CPU_ON, me, entry, 0), PSCI_ALREADY_ON, "DEN0022 CPU_ON",
             "the caller is ALREADY_ON, 32-bit id");
    check_eq((int32_t)psci_cpu_on(MPIDR_NOBODY, entry, 0), PSCI_INVALID_PARAMETERS, "DEN0022 CPU_ON", "nobody there");
    check_eq((int32_t)psci_cpu_on(me | BIT(31), entry, 0), PSCI_INVALID_PARAMETERS, "DEN0022 CPU_ON",
             "reserved bit 31 set");
    check_eq((int32_t)psci_cpu_on(UINT64_C(0xff00000000), entry, 0), PSCI_INVALID_PARAMETERS, "DEN0022 CPU_ON",
             "unknown Aff3");
    bool can = tap_under_hypervisor() && cpu_count > 1;
    const char *reason = cpu_count > 1 ? HYP_ONLY : NEEDS_CORES;
    uint64_t other = can ? cpus[1].mpidr : MPIDR_NOBODY;
    if (can)
        cpu_stop(1);
    check_eq_if(can, reason, (int32_t)psci_cpu_on(other, NOWHERE, 0), PSCI_INVALID_ADDRESS, "DEN0022 CPU_ON",
                "an entry where nothing is: INVALID_ADDRESS");
    check_eq_if(can, reason, (int32_t)psci_cpu_on(other, entry + 2, 0), PSCI_INVALID_ADDRESS, "DEN0022 CPU_ON",
                "a misaligned entry: INVALID_ADDRESS");
    check_eq_if(can, reason, (int32_t)psci_cpu_on(other, UART_BASE, 0), PSCI_INVALID_ADDRESS, "DEN0022 CPU_ON",
                "an entry in a device: INVALID_ADDRESS");
    check_eq_if(can, reason, psci_affinity_info(other), AFFINITY_OFF, "DEN0022 CPU_ON",
                "refused calls leave the core OFF");
}

static void on_off(void)
{
    if (cpu_count < 2) {
        check_skip("DEN0022 CPU_ON", "cores go on and off", NEEDS_CORES);
        return;
    }
    cpus_stop_all();
    bool off = true, on = true, already = true, again = true;
    for (unsigned int i = 1; i < cpu_count; i++) {
        off &= psci_affinity_info(cpus[i].mpidr) == AFFINITY_OFF;
        on &= cpu_start(i) == PSCI_SUCCESS && psci_affinity_info(cpus[i].mpidr) == AFFINITY_ON;
        already &= (int32_t)psci_cpu_on(cpus[i].mpidr, (uint64_t)secondary_entry, 0) == PSCI_ALREADY_ON;
    }
    check(off, "DEN0022 AFFINITY_INFO", "cores that were turned off are OFF");
    check(on, "DEN0022 CPU_ON", "each core comes and is ON");
    check(already, "DEN0022 CPU_ON", "a core that runs is ALREADY_ON");
    for (unsigned int n = 0; n < 20; n++)
        again &= cpu_stop(1) && cpu_start(1) == PSCI_SUCCESS;
    check(again, "DEN0022 CPU_OFF", "20 times off and on");
    cpu_stop(1);
    dcache_clean_invalidate((uint64_t)&cpus[1], sizeof(cpus[1]));
    uint64_t junk = tap_under_hypervisor() ? UINT64_C(0xdead) << 32 : 0;
    int64_t answer =
        hvc(PSCI_CPU_ON, cpus[1].mpidr | junk, (uint64_t)secondary_entry | junk, (uint64_t)&cpus[1] | junk);
    check_eq((int32_t)answer, PSCI_SUCCESS, "DEN0028 SMC32/HVC32 argument passing",
             "CPU_ON, 32-bit id: only W registers count");
    check(answer == PSCI_SUCCESS && wait_until(cpus[1].online, 1000), "DEN0022 CPU_ON",
          "the core comes by the 32-bit id");
    check_eq(cpus[1].entry_x[0], (uint64_t)&cpus[1], "DEN0022 CPU_ON",
             "a 32-bit context id arrives zero-extended in x0");
}

/* The same calls by SMC: one machine, two conduits. */
static void by_smc(void)
{
    bool can = tap_under_hypervisor() && cpu_count > 1;
    const char *reason = cpu_count > 1 ? HYP_ONLY : NEEDS_CORES;
    int64_t answer = 0, again = 0, info = 0;
    if (can) {
        cpu_stop(1);
        dcache_clean_invalidate((uint64_t)&cpus[1], sizeof(cpus[1]));
        answer = smc(PSCI_CPU_ON | FID_64, cpus[1].mpidr, (uint64_t)secondary_entry, (uint64_t)&cpus[1]);
        wait_until(cpus[1].online, 1000);
        again = smc(PSCI_CPU_ON | FID_64, cpus[1].mpidr, (uint64_t)secondary_entry, 0);
        info = smc(PSCI_AFFINITY_INFO | FID_64, cpus[1].mpidr, 0, 0);
    }
    check_eq_if(can, reason, answer, PSCI_SUCCESS, "DEN0022 Conduits", "CPU_ON by SMC");
    check_eq_if(can, reason, (int32_t)again, PSCI_ALREADY_ON, "DEN0022 Conduits", "CPU_ON by SMC of a core that runs");
    check_eq_if(can, reason, info, AFFINITY_ON, "DEN0022 Conduits", "AFFINITY_INFO by SMC");
}

static int64_t suspend(uint32_t fid, uint64_t power_state)
{
    gic_enable(INTID_CNTV);
    msr(cntv_cval_el0, timer_count() + timer_ticks(2000));
    msr(cntv_ctl_el0, CTL_ENABLE);
    isb();
    uint64_t start = timer_count();
    int64_t answer = hvc(fid, power_state, (uint64_t)secondary_entry, 0);
    uint64_t slept = timer_count() - start;
    if (answer == PSCI_SUCCESS && slept < timer_ticks(1000))
        print("# slept %lu ticks only\n", slept);
    return answer;
}

static void timer_end(uint32_t intid)
{
    if (intid < INTID_SPECIAL)
        gic_eoi1(intid);
}

static void suspended(const char *name, uint32_t fid)
{
    int64_t answer = suspend(fid, 0);
    uint32_t intid = gic_poll(10000);
    msr(cntv_ctl_el0, 0);
    isb();
    timer_end(intid);
    check_eq(answer, PSCI_SUCCESS, "DEN0022 CPU_SUSPEND", name);
    check_eq(intid, INTID_CNTV, "DEN0022 CPU_SUSPEND", "the interrupt that woke is still pending");
}

/* The timer's line rose with interrupts masked and has fallen again: its next deadline wakes all the same. The other timer does if it does not. */
static void suspended_after_a_line_that_fell(void)
{
    gic_enable(INTID_CNTV);
    gic_enable(INTID_CNTP);
    uint64_t start = timer_count();
    msr(cntp_cval_el0, mrs(cntpct_el0) + timer_ticks(2000000));
    msr(cntp_ctl_el0, CTL_ENABLE);
    msr(cntv_cval_el0, start + timer_ticks(200));
    msr(cntv_ctl_el0, CTL_ENABLE);
    isb();
    while (timer_count() < start + timer_ticks(5000))
        ;
    start = timer_count();
    msr(cntv_cval_el0, start + timer_ticks(20000));
    isb();
    int64_t answer = hvc(PSCI_CPU_SUSPEND, 0, (uint64_t)secondary_entry, 0);
    uint64_t slept = timer_count() - start;
    msr(cntv_ctl_el0, 0);
    msr(cntp_ctl_el0, 0);
    isb();
    timer_end(gic_poll(1000));
    gic_disable(INTID_CNTP);
    check_eq(answer, PSCI_SUCCESS, "DEN0022 CPU_SUSPEND", "standby after the timer's line fell untaken");
    check_eq(slept < timer_ticks(1000000), 1, "DEN0022 CPU_SUSPEND", "its next deadline wakes");
}

static void cpu_suspend(void)
{
    suspended_after_a_line_that_fell();
    suspended("standby until an interrupt, 32-bit id", PSCI_CPU_SUSPEND);
    suspended("standby until an interrupt, 64-bit id", PSCI_CPU_SUSPEND | FID_64);
    bool original = (features(PSCI_CPU_SUSPEND) & 2) == 0;
    check_eq_if(original, "extended StateID", (int32_t)(original ? hvc(PSCI_CPU_SUSPEND, 0xfc000000, 0, 0) : 0),
                PSCI_INVALID_PARAMETERS, "DEN0022 CPU_SUSPEND", "reserved bits of power_state: INVALID_PARAMETERS");
}

#define SCTLR_MMU_CACHE (BIT(0) | BIT(2))
#define SCTLR_EE BIT(25)

/* Stores SCTLR_EL1.EE, as the core came with it, at its context id, and goes off. */
extern char endian_entry[];
__asm__(".pushsection .text\n"
        "endian_entry:\n"
        "mrs x1, sctlr_el1\n"
        "ubfx x2, x1, #25, #1\n"
        "bic x1, x1, #(1 << 25)\n"
        "msr sctlr_el1, x1\n"
        "isb\n"
        "str x2, [x0]\n"
        "dsb sy\n"
        "movz w0, #2\n" /* CPU_OFF */
        "movk w0, #0x8400, lsl #16\n"
        "hvc #0\n"
        "b .\n"
        ".popsection");

static volatile uint64_t endian[8] __attribute__((aligned(64)));

/* CPU_ON by a caller whose data is big-endian; its MMU is off meanwhile, as table walks would be too, and it touches no memory. */
static int64_t big_endian_cpu_on(uint64_t target)
{
    uint64_t old = mrs(sctlr_el1), new = (old & ~SCTLR_MMU_CACHE) | SCTLR_EE;
    register uint64_t x0 __asm__("x0") = PSCI_CPU_ON | FID_64, x1 __asm__("x1") = target;
    register uint64_t x2 __asm__("x2") = (uint64_t)endian_entry, x3 __asm__("x3") = (uint64_t)endian;
    __asm__ volatile("msr sctlr_el1, %[new]\n\tisb\n\thvc #0\n\tmsr sctlr_el1, %[old]\n\tisb"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
                     : [new] "r"(new), [old] "r"(old)
                     : "memory");
    return (int64_t)x0;
}

static void endianness(void)
{
    bool can = tap_under_hypervisor() && cpu_count > 1;
    int64_t answer = 0;
    if (can) {
        cpu_stop(1);
        endian[0] = ~UINT64_C(0);
        dcache_clean_invalidate((uint64_t)endian, sizeof(endian));
        answer = big_endian_cpu_on(cpus[1].mpidr);
        wait_until(psci_affinity_info(cpus[1].mpidr) == AFFINITY_OFF, 1000);
        dcache_clean_invalidate((uint64_t)endian, sizeof(endian));
    }
    const char *reason = cpu_count > 1 ? HYP_ONLY : NEEDS_CORES;
    check_eq_if(can, reason, answer, PSCI_SUCCESS, "DEN0022 CPU_ON", "by a caller with big-endian data");
    check_eq_if(can, reason, endian[0], 1, "DEN0022 Initial core configuration", "the core's data is big-endian then");
}

/* Leaves for secondary_entry by way of a power-down, the core's own interface shut behind it, as Linux does: the timer wakes it all the same. */
static uint64_t power_down(uint64_t arg)
{
    struct cpu *self = this_cpu();
    (void)arg;
    gic_enable(INTID_CNTV);
    msr(cntv_cval_el0, timer_count() + timer_ticks(2000));
    msr(cntv_ctl_el0, CTL_ENABLE);
    gic_set_group_enable(1, false);
    gic_set_mask(0);
    if (gic_version() == 3) {
        write32(self->redistributor + GICR_WAKER, WAKER_SLEEP);
        wait_until(read32(self->redistributor + GICR_WAKER) & WAKER_ASLEEP, 100);
    }
    self->online = false;
    self->job = NULL;
    dcache_clean_invalidate((uint64_t)self, sizeof(*self));
    return (uint64_t)hvc(PSCI_CPU_SUSPEND | FID_64, POWERDOWN, (uint64_t)secondary_entry, (uint64_t)self);
}

static uint64_t woken(uint64_t arg)
{
    (void)arg;
    bool due = timer_count() >= mrs(cntv_cval_el0) && mrs(cntv_ctl_el0) == (CTL_ENABLE | CTL_ISTATUS);
    msr(cntv_ctl_el0, 0);
    return due;
}

static void powered_down(void)
{
    bool can = tap_under_hypervisor() && cpu_count > 1, came = false;
    uint64_t due = 0;
    if (can) {
        cpus_start_all();
        cpu_post(1, power_down, 0);
        wait_until(!cpus[1].online, 1000);
        came = wait_until(cpus[1].online, 2000);
        due = came ? cpu_call(1, woken, 0) : 0;
    }
    const char *reason = cpu_count > 1 ? HYP_ONLY : NEEDS_CORES;
    check_if(can, reason, came, "DEN0022 CPU_SUSPEND",
             "power-down with the interface shut: an interrupt brings it to its entry");
    check_eq_if(can, reason, due, 1, "DEN0022 CPU_SUSPEND", "not before its timer, which goes on");
}

static void psci(void)
{
    discovery();
    optional();
    affinity_info();
    cpu_on_errors();
    on_off();
    by_smc();
    cpu_suspend();
    powered_down();
    endianness();
}
SUBJECT(210, "psci", psci);
