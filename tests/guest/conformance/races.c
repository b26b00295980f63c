/* SPDX-License-Identifier: Apache-2.0 */
/* CPU_ON by all cores at once, SGIs to cores that come and go, an SPI that is sent to and fro. races=<n> sets the rounds (100), bank-rounds=<n> those of
 * the writers of one bank (20), routes=<n> how often the SPI is raised (300). */
#include "tests/guest/conformance/conformance.h"
#include "tests/guest/lib/fdt.h"

#define ROUNDS 100
#define SGI_A 7
#define GO_ROUNDS 100
#define BANK 6
#define BANK_ROUNDS 20
#define ROUTED 200
#define ROUTED_ROUNDS 300

extern char secondary_entry[];

static volatile uint64_t gate, arrived;
static volatile int64_t answers[CPUS_MAX];

static void arrive(void)
{
    __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
    sev();
}

/* Waits at the gate, then calls CPU_ON for the last core. */
static uint64_t race(uint64_t round)
{
    struct cpu *target = &cpus[cpu_count - 1];
    arrive();
    while (gate != round)
        yield();
    answers[this_cpu()->index] = psci_cpu_on(target->mpidr, (uint64_t)secondary_entry, (uint64_t)target);
    return 0;
}

struct tally {
    uint64_t winners_wrong, others_wrong, hung;
};

static void round_run(uint64_t round, struct tally *t)
{
    unsigned int racers = cpu_count - 1, winners = 0;
    cpu_stop(racers);
    dcache_clean_invalidate((uint64_t)&cpus[racers], sizeof(cpus[racers]));
    arrived = 0;
    for (unsigned int i = 1; i < racers; i++)
        cpu_post(i, race, round);
    wait_until(arrived == racers - 1, 5000);
    gate = round;
    dsb(ish);
    race(round);
    for (unsigned int i = 1; i < racers; i++)
        t->hung += !cpu_wait(i, 5000);
    for (unsigned int i = 0; i < racers; i++) {
        int32_t a = (int32_t)answers[i];
        winners += a == PSCI_SUCCESS;
        t->others_wrong += a != PSCI_SUCCESS && a != PSCI_ALREADY_ON;
    }
    t->winners_wrong += winners != 1;
    t->hung += !wait_until(cpus[racers].online, 5000);
}

static void cpu_on_raced(void)
{
    struct tally t = { 0 };
    uint64_t rounds = bootarg_number("races", ROUNDS);
    for (uint64_t i = 1; i <= rounds && !t.hung; i++)
        round_run(i, &t);
    gate = 0;
    check_eq_if(tap_under_hypervisor(), "the emulator's own PSCI may answer SUCCESS twice", t.winners_wrong, 0,
                "DEN0022 CPU_ON", "CPU_ON raced: exactly one SUCCESS each time");
    check_eq(t.others_wrong, 0, "DEN0022 CPU_ON", "CPU_ON raced: the others ALREADY_ON");
    check_eq(t.hung, 0, "DEN0022 CPU_ON", "CPU_ON raced: the core came each time");
}

static volatile uint64_t acknowledged;

/* Takes one SGI, acknowledges it, and is done: the caller turns the core off. */
static uint64_t take_one(uint64_t round)
{
    gic_cpu_init();
    gic_enable(SGI_A);
    arrive();
    uint32_t intid = gic_poll(5000000);
    if (intid < INTID_SPECIAL)
        gic_eoi1(intid);
    bool more = gic_poll(50) != INTID_NONE;
    acknowledged = round;
    dsb(ish);
    return intid == SGI_A && !more;
}

static void sgi_to_comers(void)
{
    uint64_t lost = 0, hung = 0;
    for (uint64_t round = 1; round <= GO_ROUNDS && !hung; round++) {
        unsigned int who = 1 + round % (cpu_count - 1);
        if (!cpus[who].online)
            hung += cpu_start(who) != PSCI_SUCCESS;
        arrived = 0;
        cpu_post(who, take_one, round);
        wait_until(arrived, 5000);
        gic_send_sgi1(gic_sgi_to(cpus[who].mpidr, SGI_A));
        hung += !wait_until(acknowledged == round, 10000);
        hung += !cpu_wait(who, 10000);
        lost += cpus[who].job_result != 1;
        hung += !cpu_stop(who);
    }
    check_eq(lost, 0, "IHI0069 Software Generated Interrupts",
             "SGIs to cores that go off and on: none lost, none too many");
    check_eq(hung, 0, "DEN0022 CPU_OFF", "each core went off and came back");
}

/* All cores call AFFINITY_INFO and VERSION while one goes on and off. */
static uint64_t ask(uint64_t rounds)
{
    uint64_t bad = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        int64_t a = psci_affinity_info(cpus[cpu_count - 1].mpidr);
        bad += a != AFFINITY_ON && a != AFFINITY_OFF && a != AFFINITY_ON_PENDING;
    }
    return bad;
}

static void asked_meanwhile(void)
{
    uint64_t bad = 0;
    cpus_start_all();
    for (unsigned int i = 1; i + 1 < cpu_count; i++)
        cpu_post(i, ask, 3000);
    for (unsigned int n = 0; n < 20; n++) {
        bad += !cpu_stop(cpu_count - 1);
        bad += cpu_start(cpu_count - 1) != PSCI_SUCCESS;
    }
    for (unsigned int i = 1; i + 1 < cpu_count; i++) {
        cpu_wait(i, 30000);
        bad += cpus[i].job_result;
    }
    check_eq(bad, 0, "DEN0022 AFFINITY_INFO", "asked by all while a core goes off and on");
}

/* Each core owns some bits of one bank of enables and pending bits: nobody's write may lose another's. */
static uint64_t bank_writer(uint64_t rounds)
{
    uint64_t bad = 0;
    uint32_t mine = UINT32_C(0x01010101) << this_cpu()->index;
    for (uint64_t i = 0; i < rounds; i++) {
        write32(GICD + GICD_ISENABLER + 4 * BANK, mine);
        write32(GICD + GICD_ISPENDR + 4 * BANK, mine);
        bad += (read32(GICD + GICD_ISENABLER + 4 * BANK) & mine) != mine;
        bad += (read32(GICD + GICD_ISPENDR + 4 * BANK) & mine) != mine;
        write32(GICD + GICD_ICPENDR + 4 * BANK, mine);
        write32(GICD + GICD_ICENABLER + 4 * BANK, mine);
        bad += (read32(GICD + GICD_ISENABLER + 4 * BANK) & mine) != 0;
        bad += (read32(GICD + GICD_ISPENDR + 4 * BANK) & mine) != 0;
    }
    return bad;
}

static void one_bank(void)
{
    uint64_t bad = 0, rounds = bootarg_number("bank-rounds", BANK_ROUNDS);
    write32(GICD + GICD_ICENABLER + 4 * BANK, ~0u);
    for (uint32_t i = 0; i < 32; i++)
        gic_set_edge(32 * BANK + i, true);
    write32(GICD + GICD_CTLR, GICD_CTLR_ARE);
    gicd_wait();
    for (unsigned int i = 1; i < cpu_count; i++)
        cpu_post(i, bank_writer, rounds);
    bad += bank_writer(rounds);
    for (unsigned int i = 1; i < cpu_count; i++) {
        bad += !cpu_wait(i, 60000);
        bad += cpus[i].job_result;
    }
    check_eq(bad, 0, "IHI0069 GICD_ISENABLER<n>, GICD_ISPENDR<n>", "all cores write bits of one bank: no write lost");
    gic_init();
}

static volatile uint64_t routed_taken[CPUS_MAX];
static volatile bool routed_over;

/* Takes what comes within `us`. */
static void routed_take(uint64_t us)
{
    uint32_t intid = gic_poll(us);
    if (intid >= INTID_SPECIAL)
        return;
    routed_taken[this_cpu()->index] += intid == ROUTED;
    gic_eoi1(intid);
}

static uint64_t routed_takes(uint64_t arg)
{
    (void)arg;
    gic_cpu_init();
    while (!routed_over)
        routed_take(100);
    routed_take(1000);
    return 0;
}

/* Sends it to the boot core and to `other`, without a pause. */
static uint64_t routed_sends(uint64_t other)
{
    for (uint64_t n = 0; !routed_over; n++)
        gic_route(ROUTED, cpus[n % 2 ? other : 0].mpidr);
    gic_route(ROUTED, cpus[0].mpidr);
    return 0;
}

/* The next is raised when the last was taken, so each is taken once, by whom it was sent to then. */
static void routed_to_and_fro(void)
{
    unsigned int other = cpu_count - 1;
    uint64_t rounds = bootarg_number("routes", ROUTED_ROUNDS), lost = 0;
    routed_taken[0] = routed_taken[other] = 0;
    routed_over = false;
    gic_set_edge(ROUTED, true);
    gic_enable(ROUTED);
    cpu_post(other, routed_takes, 0);
    cpu_post(1, routed_sends, other);
    for (uint64_t n = 1; n <= rounds && !lost; n++) {
        uint64_t end = timer_count() + timer_ticks(5000000);
        gic_set_pending(ROUTED);
        while (routed_taken[0] + routed_taken[other] < n && timer_count() < end)
            routed_take(50);
        lost += routed_taken[0] + routed_taken[other] < n;
    }
    routed_over = true;
    bool ended = cpu_wait(other, 5000) && cpu_wait(1, 5000);
    routed_take(1000);
    check_eq(lost, 0, "IHI0069 GICD_IROUTER<n>", "an SPI that is sent to and fro all the time: none lost");
    check_eq(routed_taken[0] + routed_taken[other], rounds, "IHI0069 GICD_IROUTER<n>", "and none taken twice");
    check(ended, "IHI0069 GICD_IROUTER<n>", "who sends it and who takes it go on");
    gic_init();
}

static void races(void)
{
    if (cpu_count < 2) {
        check_skip("DEN0022 CPU_ON", "races", NEEDS_CORES);
        return;
    }
    cpus_start_all();
    cpu_on_raced();
    sgi_to_comers();
    asked_meanwhile();
    one_bank();
    if (cpu_count > 2)
        routed_to_and_fro();
    else
        check_skip("IHI0069 GICD_IROUTER<n>", "an SPI that is sent to and fro", "three cores are needed");
    cpus_stop_all();
}
SUBJECT(610, "races", races);
