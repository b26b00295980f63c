/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an event costs: the median of `samples=` (1000) runs minus the same code without the event, one line a row:
 * BENCH <row><TAB><ticks>. Run on the bare machine for the figures to subtract. With vdev=ADDRESS instead what the vdev of
 * tests/vdev-bench there costs. notify=1 and notify=2 are two VMs with shared memory: the first measures what it takes to the other's handler.
 * switch=1: two vCPUs on one core. late=1|2|3: how late a timer is for a VM above one with storm=1|2|3, which computes, accesses devices,
 * or calls the hypervisor. cold=COUNT: the latency report (cold.h); neighbour=1: the VM beside it. tick=US: only takes a timer's interrupts.
 */
#include "tests/guest/bench/cold.h"
#include "tests/guest/bench/measure.h"
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/fdt.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/psci.h"
#include "tests/guest/lib/timer.h"

#define SAMPLES_MAX 1000
#define WARM_UP 10
#define TIMER_AHEAD 20000
#define SGI 1
#define SGI_SELF 2
#define HVC_UNKNOWN 0x8600ff00u
#define UARTDR 0x00
#define UARTFR 0x18
#define UARTIMSC 0x38
#define FR_TXFF BIT(5)
#define SPI_TEST 40
#define PPI_TEST 22 /* nobody's */

static uint32_t samples[SAMPLES_MAX];
static uint64_t sample_count;
static bool v2; /* the machine has a GICv2 */
static struct ipi ipi __attribute__((aligned(256)));
static uint64_t slot[32] __attribute__((aligned(256)));

/* NOPs, unless somebody counts instructions beside us (docs/BENCH.md): a measured window's begin and end, a row's begin and end. */
#define WINDOW_OPEN "hint #96"
#define WINDOW_CLOSE "hint #97"
#define ROW_BEGIN "hint #98"
#define ROW_END "hint #99"
#define mark(hint) asm volatile(hint ::: "memory")

/* A GICv2 as Linux has it: everything in group 0, which is signalled as IRQ. */
static void core_init(void)
{
    gic_cpu_init();
    if (v2) {
        write32(GICD + GICD_IGROUPR, 0);
        write32(GICC + GICC_CTLR, GICC_CTLR_GRP0);
    }
    msr(vbar_el1, (uint64_t)(v2 ? bench_vectors_v2 : bench_vectors));
    isb();
}

void sort(uint32_t *a, uint64_t n)
{
    for (uint64_t i = 1; i < n; i++) {
        uint32_t v = a[i];
        uint64_t j = i;
        for (; j && a[j - 1] > v; j--)
            a[j] = a[j - 1];
        a[j] = v;
    }
}

/* fn(a, b) so often, `before` run outside the measured part each time; the results, sorted. */
static void sample(measure_fn fn, uint64_t a, uint64_t b, void (*before)(void))
{
    for (uint64_t i = 0; i < WARM_UP + sample_count; i++) {
        if (i == WARM_UP)
            mark(ROW_BEGIN);
        if (before)
            before();
        mark(WINDOW_OPEN);
        uint64_t t = fn(a, b);
        mark(WINDOW_CLOSE);
        if (i >= WARM_UP)
            samples[i - WARM_UP] = t > UINT32_MAX ? UINT32_MAX : (uint32_t)t;
    }
    sort(samples, sample_count);
}

static uint64_t median(measure_fn fn, uint64_t a, uint64_t b, void (*before)(void))
{
    sample(fn, a, b, before);
    return samples[sample_count / 2];
}

static void row(const char *name, uint64_t ticks)
{
    mark(ROW_END);
    print("BENCH %s\t%lu\n", name, ticks);
}

static uint64_t overhead(void)
{
    return median(measure_nothing, 0, 0, NULL);
}

static void row_call(const char *name, measure_fn fn, uint64_t a, uint64_t b, void (*before)(void))
{
    uint64_t none = overhead();
    uint64_t ticks = median(fn, a, b, before);
    row(name, ticks - none);
}

static void spi_off(void)
{
    write32(GICD + GICD_ICENABLER + 4, 1u << (SPI_TEST - 32));
}

static void ppi_off(void)
{
    write32(gic_bit_register(GICD_ICENABLER, PPI_TEST), 1u << PPI_TEST);
}

static void uart_ready(void)
{
    while (read32(UART_BASE + UARTFR) & FR_TXFF)
        ;
}

/* Where the machine has no SMC (undefined), one instruction stands for it. */
static void row_smc(void)
{
    struct exception e = exception_catch(measure_smc, PSCI_VERSION, 0);
    if (e.taken)
        row("SMC PSCI_VERSION", 1);
    else
        row_call("SMC PSCI_VERSION", measure_smc, PSCI_VERSION, 0, NULL);
}

static void rows_calls(void)
{
    row_call("HVC PSCI_VERSION", measure_hvc, PSCI_VERSION, 0, NULL);
    row_call("HVC unknown function", measure_hvc, HVC_UNKNOWN, 0, NULL);
    row_smc();
    row_call("read GICD_TYPER", measure_read32, GICD + GICD_TYPER, 0, NULL);
    row_call("read GICD_ISENABLER1", measure_read32, GICD + GICD_ISENABLER + 4, 0, NULL);
    row_call("write GICD_ISENABLER1", measure_write32, GICD + GICD_ISENABLER + 4, 1u << (SPI_TEST - 32), spi_off);
    spi_off();
    row_call(v2 ? "write GICD_ISENABLER0" : "write GICR_ISENABLER0", measure_write32,
             gic_bit_register(GICD_ISENABLER, PPI_TEST), 1u << PPI_TEST, ppi_off);
    ppi_off();
    row_call("write GICD_IPRIORITYR (word)", measure_write32, GICD + GICD_IPRIORITYR + SPI_TEST, 0xa0a0a0a0, NULL);
    row_call("MRS ID_AA64MMFR0_EL1", measure_mmfr0, 0, 0, NULL);
    row_call("emulated PL011: read FR", measure_read32, UART_BASE + UARTFR, 0, NULL);
    print("# ");
    uint64_t none = overhead();
    uint64_t write = median(measure_write32, UART_BASE + UARTDR, '.', uart_ready);
    print("\n");
    row("emulated PL011: write DR", write - none);
}

static void rows_interrupts(void)
{
    gic_enable(SGI_SELF);
    gic_enable(INTID_CNTV);
    uint64_t self = gic_sgi_to(this_cpu()->mpidr, SGI_SELF);
    row("SGI to self → handler", median(v2 ? measure_sgi_self_v2 : measure_sgi_self, self, 0, NULL));
    row("vtimer deadline → handler, busy", median(measure_timer_busy, TIMER_AHEAD, 0, NULL));
    row("vtimer deadline → handler, from WFI", median(measure_timer_wfi, TIMER_AHEAD, 0, NULL));
}

struct target {
    uint64_t reply, in_wfi;
};

static uint64_t target_run(uint64_t arg)
{
    const struct target *t = (const struct target *)arg;
    core_init();
    gic_enable(SGI);
    ipi_target(&ipi, t->reply, t->in_wfi);
    return 0;
}

static void target_wait(void)
{
    wait_until(ipi.ready, 1000);
    delay_us(2);
}

static void row_ipi(const char *name, measure_fn fn, uint64_t reply, bool in_wfi)
{
    struct target t = { .reply = reply, .in_wfi = in_wfi };
    uint64_t there = gic_sgi_to(cpus[1].mpidr, SGI);
    ipi.stop = 0;
    cpu_post(1, target_run, (uint64_t)&t);
    target_wait();
    row(name, median(fn, (uint64_t)&ipi, there, target_wait));
    ipi.stop = 1;
    dsb(sy);
    gic_send_sgi1(there);
    if (reply) {
        gic_poll(1000);
        irq_enable();
        isb();
        irq_disable();
    }
    cpu_wait(1, 1000);
}

static void target_off(void)
{
    wait_until(psci_affinity_info(cpus[1].mpidr) == AFFINITY_OFF, 1000);
}

static void rows_cores(void)
{
    row("PSCI CPU_ON → first instruction", median(measure_cpu_on, cpus[1].mpidr, (uint64_t)slot, target_off));
    target_off();
    if (cpu_start(1) != PSCI_SUCCESS) {
        print("# core 1 did not start\n");
        return;
    }
    uint64_t back = gic_sgi_to(this_cpu()->mpidr, SGI);
    gic_enable(SGI);
    row_ipi("IPI one way, target spinning", v2 ? measure_ipi_v2 : measure_ipi, 0, false);
    row_ipi("IPI one way, target in WFI", v2 ? measure_ipi_v2 : measure_ipi, 0, true);
    row_ipi("IPI ping-pong, spinning", v2 ? measure_ping_pong_v2 : measure_ping_pong, back, false);
}

/* The vdev of tests/vdev-bench: where its places are, and the page whose writes it traps. */
#define VDEV_TABLE 0x1000
#define TABLE_PLAIN 0x00
#define TABLE_PAGE 0x08
#define TABLE_TRAP 0x10
#define TABLE_FAILED 0x18
#define TABLE_PULSE 0x20
#define TABLE_COMPUTE 0x28
#define TABLE_HANDOVER 0x30
#define TABLE_QUICK 0x80
#define HANDOVERS 500   /* there and back */
#define TIMER_FAR 30000 /* ticks: the guest sleeps and somebody else runs by then */

static uint64_t vdev, table;
static volatile uint64_t page[512] __attribute__((aligned(4096)));
static volatile bool load_stop;

static void trap_on(void)
{
    write32(table + TABLE_TRAP, 1);
}

static void trap_off(void)
{
    write32(table + TABLE_TRAP, 0);
}

static void trap_changed(void)
{
    trap_on();
    trap_off();
}

/* Uses all that changes: the page, and the region cache that each change empties. */
static uint64_t load_run(uint64_t unused)
{
    uint64_t sum = unused;
    while (!load_stop)
        sum += page[1] + read32(table + TABLE_QUICK) + read32(vdev);
    return sum;
}

static void rows_vdev(void)
{
    row_call("vdev: read, vread", measure_read32, vdev, 0, NULL);
    row_call("vdev: write, vwrite", measure_write32, vdev, 1, NULL);
    row_call("vdev: read, register table", measure_read32, table + TABLE_PLAIN, 0, NULL);
    row_call("vdev: write, register table", measure_write32, table + TABLE_PLAIN, 1, NULL);
    row_call("vdev: read, quick register", measure_read32, table + TABLE_QUICK, 0, NULL);
    row_call("vdev: write, quick register", measure_write32, table + TABLE_QUICK, 1, NULL);
    write64(table + TABLE_PAGE, (uint64_t)page);
    row_call("vdev: read after a region change", measure_read32, table + TABLE_QUICK, 0, trap_changed);
    row_call("region change: a page's writes trapped", measure_write32, table + TABLE_TRAP, 1, trap_off);
    row_call("region change: the page given back", measure_write32, table + TABLE_TRAP, 0, trap_on);
    row_call("pulse to a thread above the guest, and back", measure_write32, table + TABLE_PULSE, 1, NULL);
    uint64_t none = median(measure_write32, table + TABLE_HANDOVER, 0, NULL);
    uint64_t ticks = median(measure_write32, table + TABLE_HANDOVER, HANDOVERS, NULL);
    row("thread switch: from a condition to the other thread", (ticks - none) / (2 * HANDOVERS));
    gic_enable(INTID_CNTV);
    row("vtimer from WFI, the core asleep", median(measure_timer_wfi, TIMER_FAR, 0, NULL));
    write32(table + TABLE_COMPUTE, 1);
    row("vtimer from WFI, a thread below computes", median(measure_timer_wfi, TIMER_FAR, 0, NULL));
    write32(table + TABLE_COMPUTE, 0);
    if (cpu_count < 2 || cpu_start(1) != PSCI_SUCCESS)
        return;
    cpu_post(1, load_run, 0);
    row_call("region change under load: trapped", measure_write32, table + TABLE_TRAP, 1, trap_off);
    row_call("region change under load: given back", measure_write32, table + TABLE_TRAP, 0, trap_on);
    load_stop = true;
    cpu_wait(1, 1000);
    if (read64(table + TABLE_FAILED))
        print("# %lu region changes FAILED\n", read64(table + TABLE_FAILED));
}

/* Two vCPUs of one core, which is handed over when one waits, and when its turn is over. */
static volatile uint64_t turn_last __attribute__((aligned(64)));
#define TURNS 15 /* samples: each takes 20 ms */

static uint64_t turns_run(uint64_t last)
{
    for (;;)
        measure_turn(last, 0);
    return 0;
}

static void rows_switch(void)
{
    if (cpu_start(1) != PSCI_SUCCESS) {
        print("# vCPU 1 did not start\n");
        return;
    }
    gic_enable(SGI);
    row_ipi("vCPU switch: from WFI to the other's handler", measure_switch, gic_sgi_to(this_cpu()->mpidr, SGI), true);
    sample_count = sample_count < TURNS ? sample_count : TURNS;
    cpu_post(1, turns_run, (uint64_t)&turn_last);
    row("vCPU switch: at a turn's end", median(measure_turn, (uint64_t)&turn_last, 0, NULL));
}

#define STORM_END UINT64_C(200000000)

/* A timer that fires at another point each time of what the VM below does. */
static uint64_t measure_timer_anywhere(uint64_t far, uint64_t b)
{
    static uint64_t n;
    return measure_timer_wfi(far + 7 * (n++ % 1021), b);
}

static void rows_late(uint64_t kind)
{
    static const char *const kinds[] = { "", "computes", "accesses devices", "calls" };
    const char *what = kinds[kind % ARRAY_LEN(kinds)];
    gic_enable(INTID_CNTV);
    sample(measure_timer_anywhere, TIMER_FAR, 0, NULL); /* meanwhile that VM is loaded and starts */
    if (kind == 1)
        row("vtimer, a VM below is loaded: worst", samples[sample_count - 1]);
    sample(measure_timer_anywhere, TIMER_FAR, 0, NULL);
    mark(ROW_END);
    if (timer_count() > STORM_END / 2) {
        print("# %lu ticks: there was no storm at the end\n", timer_count());
        return;
    }
    print("BENCH vtimer, a VM below %s: median\t%u\n", what, samples[sample_count / 2]);
    print("BENCH vtimer, a VM below %s: worst\t%u\n", what, samples[sample_count - 1]);
}

/* What the VM below does until STORM_END of its time, which is about that of the one above: computes, accesses devices, calls. */
static void storm_run(uint64_t kind)
{
    static const uint32_t calls[] = { PSCI_VERSION,       HVC_UNKNOWN,         PSCI_FEATURES,
                                      PSCI_AFFINITY_INFO, SMCCC_ARCH_FEATURES, PSCI_CPU_ON };
    uint32_t ctlr = read32(GICD + GICD_CTLR);
    for (uint64_t n = 0; timer_count() < STORM_END; n++) {
        if (kind == 2) {
            write32(GICD + GICD_ISENABLER + 4, 1u << (SPI_TEST - 32));
            write32(GICD + GICD_IPRIORITYR + SPI_TEST, 0xa0a0a0a0);
            write32(GICD + GICD_ISPENDR + 4, 1u << (SPI_TEST - 32));
            (void)read32(GICD + GICD_ISENABLER + 4);
            write32(GICD + GICD_ICPENDR + 4, 1u << (SPI_TEST - 32));
            write32(GICD + GICD_ICENABLER + 4, 1u << (SPI_TEST - 32));
            (void)read32(UART_BASE + UARTFR);
            write32(UART_BASE + UARTIMSC, 0);
            write32(GICD + GICD_CTLR, ctlr & ~UINT32_C(3)); /* concerns all its interrupts */
            write32(GICD + GICD_CTLR, ctlr);
        } else if (kind == 3) {
            hvc(calls[n % ARRAY_LEN(calls)], n % 2 ? 0 : PSCI_CPU_ON, 0, 0);
        }
    }
}

#define FACTORY UINT64_C(0x0a000000)
#define FACTORY_SHMEM 0x08
#define FACTORY_STATUS 0x14
#define FACTORY_SIZE 0x18
#define FACTORY_NAME 0x1c
#define CONTROL_STATUS 0
#define CONTROL_NOTIFY 8
#define REGION_DATA 0x1000
#define NOTIFY_SPI 48

/* The control page of a region; the first one makes it. */
static uint64_t region_attach(bool first)
{
    write32(FACTORY + FACTORY_NAME, 'b');
    do
        write32(FACTORY + FACTORY_SIZE, first);
    while (read32(FACTORY + FACTORY_STATUS));
    return read64(FACTORY + FACTORY_SHMEM);
}

static void row_notify(const char *name, uint64_t control)
{
    struct ipi *shared = (struct ipi *)(control + REGION_DATA);
    while (!shared->ready)
        yield();
    delay_us(100);
    row(name, median(measure_notify, (uint64_t)shared, control, NULL));
    shared->ready = 0;
    shared->stop = 1;
    write32(control + CONTROL_NOTIFY, 1u << 1); /* it may sleep */
    while (shared->stop)
        yield();
}

/* Each row is one life of the target's loop. */
static void rows_notify(bool first)
{
    uint64_t control = region_attach(first);
    struct ipi *shared = (struct ipi *)(control + REGION_DATA);
    if (first) {
        row_notify("shmem notify → peer's handler, spinning", control);
        row_notify("shmem notify → peer's handler, in WFI", control);
        return;
    }
    gic_set_edge(NOTIFY_SPI, true);
    gic_enable(NOTIFY_SPI);
    for (unsigned int in_wfi = 0; in_wfi < 2; in_wfi++) {
        notify_target(shared, control + CONTROL_STATUS, in_wfi);
        shared->stop = 0;
    }
}

static _Noreturn void tick_run(uint64_t us)
{
    gic_enable(INTID_CNTV);
    for (;;)
        (void)measure_timer_wfi(timer_ticks(us), 0);
}

void guest_main(void)
{
    vdev = bootarg_number("vdev", 0);
    table = vdev + VDEV_TABLE;
    sample_count = bootarg_number("samples", SAMPLES_MAX);
    if (!sample_count || sample_count > SAMPLES_MAX)
        sample_count = SAMPLES_MAX;
    print("# bench: counter %lu Hz, cpus %u, samples %lu\n", mrs(cntfrq_el0), cpu_count, sample_count);
    v2 = gic_version() == 2;
    gic_init();
    core_init();
    uint64_t notify = bootarg_number("notify", 0), storm = bootarg_number("storm", 0);
    uint64_t late = bootarg_number("late", 0);
    if (storm) {
        storm_run(storm);
        return;
    }
    if (bootarg_number("tick", 0))
        tick_run(bootarg_number("tick", 0));
    if (bootarg_number("neighbour", 0))
        cold_interfere();
    if (bootarg_number("cold", 0)) {
        cold_rows(bootarg_number("cold", 0), v2);
        return;
    }
    if (bootarg_number("switch", 0)) {
        rows_switch();
        print("# bench end\n");
        return;
    }
    if (late) {
        rows_late(late);
        print("# bench end\n");
        return;
    }
    if (vdev || notify) {
        if (vdev)
            rows_vdev();
        else
            rows_notify(notify == 1);
        print("# bench end\n");
        return;
    }
    rows_calls();
    rows_interrupts();
    if (cpu_count > 1)
        rows_cores();
    print("# bench end\n");
}
