/* SPDX-License-Identifier: Apache-2.0 */
/* Level lines from a device that is surely there (the PL011's transmit interrupt), and the routing of SPIs. */
#include "tests/guest/lib/psci.h"
#include "tests/guest/conformance/conformance.h"

#define LINE (32 + UART_SPI)
#define UARTIMSC 0x38
#define UARTRIS 0x3c
#define UARTICR 0x44
#define UARTDR 0x00
#define TX BIT(5)
#define SPI_A 180
#define GIVES_TO_SEVERAL "the emulator's own GICv2 gives it to several"
#define NOBODY_V2 "a GICv2 of one core has no targets; the emulator's own takes none as the last one"

static void line_high(void)
{
    write32(UART_BASE + UARTIMSC, TX);
    /* Sending a character to an empty FIFO and its leaving raises the transmit interrupt. */
    write32(UART_BASE + UARTDR, '\r');
    wait_until(read32(UART_BASE + UARTRIS) & TX, 100);
}

static void line_low(void)
{
    write32(UART_BASE + UARTIMSC, 0);
    write32(UART_BASE + UARTICR, TX);
}

static void level(void)
{
    gic_set_edge(LINE, false);
    line_low();
    gic_clear_pending(LINE);
    check(!gic_is_pending(LINE), "IHI0069 Level-sensitive interrupts", "line low: not pending");
    line_high();
    check(wait_until(gic_is_pending(LINE), 100), "IHI0069 Level-sensitive interrupts", "line high: pending");
    gic_clear_pending(LINE);
    check(wait_until(gic_is_pending(LINE), 100), "IHI0069 GICD_ICPENDR<n>", "a write cannot clear an asserted level");
    line_low();
    check(wait_until(!gic_is_pending(LINE), 100), "IHI0069 Level-sensitive interrupts",
          "line low again: not pending any more");
    line_high();
    gic_enable(LINE);
    check_eq(gic_poll(20000), LINE, "IHI0069 Level-sensitive interrupts", "the line is delivered");
    check(wait_until(gic_is_pending(LINE), 100) && gic_is_active(LINE), "IHI0069 Interrupt handling states",
          "active and pending while it is high");
    check_eq(gic_poll(200), INTID_NONE, "IHI0069 Interrupt handling states", "not taken twice");
    gic_eoi1(LINE);
    check_eq(gic_poll(20000), LINE, "IHI0069 Level-sensitive interrupts", "again after EOI, the line still being high");
    line_low();
    gic_eoi1(LINE);
    check_eq(gic_poll(500), INTID_NONE, "IHI0069 Level-sensitive interrupts", "not again, the line being low");
    gic_set_pending(LINE);
    check_eq(gic_poll(20000), LINE, "IHI0069 GICD_ISPENDR<n>", "made pending by a write with the line low");
    gic_eoi1(LINE);
    check_eq(gic_poll(300), INTID_NONE, "IHI0069 GICD_ISPENDR<n>", "once");
    gic_disable(LINE);
    line_high();
    delay_us(100);
    line_low();
    gic_enable(LINE);
    check_eq(gic_poll(500), INTID_NONE, "IHI0069 Level-sensitive interrupts",
             "a level that went away while disabled is forgotten");
    gic_disable(LINE);
}

static uint64_t take(uint64_t us)
{
    uint32_t intid = gic_poll(us);
    if (intid < INTID_SPECIAL)
        gic_eoi1(intid);
    return intid;
}

static void to_nobody(void)
{
    gic_route(SPI_A, UINT64_C(0x7700000000));
    gic_set_pending(SPI_A);
    bool none = true;
    for (unsigned int j = 0; j < cpu_count; j++)
        none &= cpu_call(j, take, 200) == INTID_NONE;
    check(none && gic_is_pending(SPI_A), "IHI0069 GICD_IROUTER<n>", "routed to nobody: stays pending");
    gic_route(SPI_A, cpus[cpu_count - 1].mpidr);
    check_eq(cpu_call(cpu_count - 1, take, 20000), SPI_A, "IHI0069 GICD_IROUTER<n>",
             "rerouted while pending: the new target takes it");
}

static void routing(void)
{
    gic_set_edge(SPI_A, true);
    gic_enable(SPI_A);
    bool there = true, only = true;
    for (unsigned int i = 0; i < cpu_count; i++) {
        gic_route(SPI_A, cpus[i].mpidr);
        gic_set_pending(SPI_A);
        for (unsigned int j = 0; j < cpu_count; j++) {
            if (j != i)
                only &= cpu_call(j, take, 200) == INTID_NONE;
        }
        there &= cpu_call(i, take, 20000) == SPI_A;
    }
    check(there, "IHI0069 GICD_IROUTER<n>", "an SPI goes to each core it is routed to");
    check(only, "IHI0069 GICD_IROUTER<n>", "and to no other");
    if (gic_version() == 3 || (tap_under_hypervisor() && cpu_count > 1))
        to_nobody();
    else
        check_skip("IHI0048 4.3.12 GICD_ITARGETSR<n>", "routed to nobody", NOBODY_V2);
    if (cpu_count < 2) {
        check_skip("IHI0069 GICD_IROUTER<n>", "rerouted away while the old target could see it", NEEDS_CORES);
        return;
    }
    gic_route(SPI_A, cpus[0].mpidr);
    gic_set_pending(SPI_A);
    wait_until(gic_highest_pending1() == SPI_A, 100);
    gic_route(SPI_A, cpus[1].mpidr);
    check_eq(cpu_call(1, take, 20000), SPI_A, "IHI0069 GICD_IROUTER<n>",
             "rerouted away while the old target could see it");
    check_eq(take(300), INTID_NONE, "IHI0069 GICD_IROUTER<n>", "the old target does not take it too");
}

static void one_of_n(void)
{
    if (!gic_route_any(SPI_A)) {
        check(read32(GICD + GICD_TYPER) & BIT(25), "IHI0069 GICD_TYPER.No1N", "IRM is RAZ/WI only where No1N says so");
        return;
    }
    bool once = true;
    for (unsigned int n = 0; n < 10; n++) {
        gic_set_pending(SPI_A);
        unsigned int taken = 0;
        for (unsigned int i = 0; i < cpu_count; i++)
            taken += cpu_call(i, take, 1000) == SPI_A;
        once &= taken == 1;
    }
    check_if(gic_version() == 3 || tap_under_hypervisor(), GIVES_TO_SEVERAL, once,
             "IHI0069 GICD_IROUTER<n>.Interrupt_Routing_Mode", "1 of N: exactly one core takes it");
}

static uint64_t interface_open(uint64_t open)
{
    if (open)
        gic_interface_init();
    else
        gic_cpu_disable();
    return 0;
}

/* Of the cores from `first` on, how many took it. That it moves takes its time: they are asked until one has it, and then the rest of them. */
static unsigned int taken_from(unsigned int first)
{
    unsigned int taken = 0;
    for (unsigned int n = 0; n < 200 && !taken; n++)
        for (unsigned int i = first; i < cpu_count; i++)
            taken += cpu_call(i, take, 200) == SPI_A;
    return taken;
}

/* The vCPU that had it has to be brought out first, and the host may not run that for long. */
static bool taken_by(unsigned int i)
{
    bool taken = false;
    for (unsigned int n = 0; n < 40 && !taken; n++)
        taken = cpu_call(i, take, 50000) == SPI_A;
    return taken;
}

#define ONE_OF_N_CLOSED "IHI0069 1.2.3 Models for handling interrupts"

/* A core whose CPU interface is closed takes no part, though it runs on; when it closes with one pending another takes that; when none is open, who opens. */
static void one_of_n_closed(void)
{
    bool others = true, handed = true, opener = true;
    if (cpu_count < 2 || !gic_route_any(SPI_A)) {
        check_skip(ONE_OF_N_CLOSED, "1 of N: closed CPU interfaces", cpu_count < 2 ? NEEDS_CORES : "no such routing");
        return;
    }
    for (unsigned int i = 0; i < cpu_count; i++) {
        cpu_call(i, interface_open, false);
        gic_set_pending(SPI_A);
        others &= taken_from(0) == 1;
        cpu_call(i, interface_open, true);
    }
    for (unsigned int i = 0; i + 1 < cpu_count; i++) {
        gic_set_pending(SPI_A); /* whoever has it closes while it waits */
        for (unsigned int j = 0; j <= i; j++)
            cpu_call(j, interface_open, false);
        handed &= taken_from(i + 1) == 1;
        for (unsigned int j = 0; j <= i; j++)
            cpu_call(j, interface_open, true);
    }
    for (unsigned int i = 0; i < cpu_count; i++) {
        for (unsigned int j = 0; j < cpu_count; j++)
            cpu_call(j, interface_open, false);
        gic_set_pending(SPI_A);
        cpu_call(i, interface_open, true);
        opener &= taken_by(i);
        for (unsigned int j = 0; j < cpu_count; j++)
            cpu_call(j, interface_open, true);
    }
    check_if(tap_under_hypervisor(), GIVES_TO_SEVERAL, others, ONE_OF_N_CLOSED,
             "1 of N: one that is closed is passed over");
    check_if(tap_under_hypervisor(), GIVES_TO_SEVERAL, handed, ONE_OF_N_CLOSED,
             "1 of N: one that closes leaves it to another");
    check_if(tap_under_hypervisor(), GIVES_TO_SEVERAL, opener, ONE_OF_N_CLOSED,
             "1 of N: none is open: the one that opens takes it");
}

#define WAKER (SPI_A + 1)

/* Group 1 closed, until an interrupt of group 0 comes. */
static uint64_t sleep_closed(uint64_t unused)
{
    (void)unused;
    gic_set_group_enable(1, false);
    hvc(PSCI_CPU_SUSPEND, 0, 0, 0);
    uint32_t intid = gic_ack0();
    if (intid < INTID_SPECIAL)
        gic_eoi0(intid);
    gic_set_group_enable(1, true);
    return intid;
}

/* The same for one that sleeps, before anything told that it closed: no interrupt comes to it, and none stays. */
static void one_of_n_asleep(void)
{
    if (cpu_count < 3 || !tap_under_hypervisor() || !gic_route_any(SPI_A)) {
        check_skip(ONE_OF_N_CLOSED, "1 of N: a core that sleeps with its group closed",
                   cpu_count < 3 ? NEEDS_CORES : HYP_ONLY);
        return;
    }
    gic_set_edge(WAKER, true);
    gic_set_group(WAKER, 0);
    gic_route(WAKER, cpus[1].mpidr);
    gic_enable(WAKER);
    gic_set_group_enable(1, false);
    cpu_post(1, sleep_closed, 0);
    delay_us(2000);
    gic_set_pending(SPI_A);
    check_eq(taken_from(2), 1, ONE_OF_N_CLOSED, "1 of N: one that sleeps with its group closed is passed over");
    gic_set_pending(WAKER);
    bool woken = cpu_wait(1, 1000);
    check(woken && cpus[1].job_result == WAKER, "DEN0022 CPU_SUSPEND",
          "standby: an interrupt of the open group wakes it");
    gic_set_group_enable(1, true);
    gic_disable(WAKER);
    gic_set_group(WAKER, 1);
}

static void lines(void)
{
    level();
    if (cpu_count > 1)
        cores_ready();
    routing();
    one_of_n();
    one_of_n_closed();
    one_of_n_asleep();
    gic_route(SPI_A, this_cpu()->mpidr);
}
SUBJECT(440, "lines", lines);
