/* SPDX-License-Identifier: Apache-2.0 */
/* sources: vdevs/vgic/access.c vdevs/vgic/cpu.c vdevs/vgic/fill.c vdevs/vgic/fold.c vdevs/vgic/watch.c vdevs/vgic/dist.c vdevs/vgic/dist_v2.c vdevs/vgic/dist_v3.c vdevs/vgic/lr.c vdevs/vgic/pic.c vdevs/vgic/redist.c vdevs/vgic/route.c vdevs/vgic/sgi_v2.c vdevs/vgic/sgi_v3.c vdevs/vgic/sysreg.c vdevs/vgic/vgic.c vdevs/vgic/virq.c vdevs/vgic/words.c arch/arm64/gicv2_lr.c arch/arm64/gicv3_lr.c hyp/regs.c tests/unit/alloc_fake.c tests/unit/vgic_support.c */
/* List registers as a cache: what is chosen, what comes back, and random traffic against a plain model of the interrupts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/arm64/exit.h"
#include "arch/arm64/gicv3_lr.h"
#include "tests/unit/vgic_support.h"
#include "vdevs/vgic/lr.h"

#define ICC_SGI1R SYSREG_ISS(3, 0, 12, 11, 5)

static int teardown(void **state)
{
    (void)state;
    machine_free();
    return 0;
}

/* ---- what is chosen ------------------------------------------------------------------------------------------------- */

static struct virq virqs[8];
static struct virq_bank bank;
static struct vgic_cpu owner;

static void queue_make(void)
{
    memset(virqs, 0, sizeof(virqs));
    bank = (struct virq_bank){ .enabled = ~0u, .group1 = ~0u };
    owner = (struct vgic_cpu){ .queued = 0 };
    list_init(&owner.queue);
    for (unsigned i = 0; i < ARRAY_LEN(virqs); i++) {
        virqs[i].bank = &bank;
        virqs[i].intid = (uint16_t)(32 + i);
        virq_reset(&virqs[i], &owner);
        virqs[i].priority = (uint8_t)(i * 8);
    }
}

static void choice_of_all(void **state)
{
    (void)state;
    struct lr_choice c;
    queue_make();
    virq_set_active(&virqs[0], true) ? 0 : abort();
    virq_latch(&virqs[3]) ? 0 : abort();
    lr_choose(&owner.queue, 4, 3, 3, &c);
    assert_true(c.count == 2 && c.virq[0] == &virqs[0] && c.virq[1] == &virqs[3] && c.deliver == 2);
    assert_false(c.active_out || c.pending_out || c.closed_out);
    lr_choose(&owner.queue, 4, 1, 3, &c); /* group 1 is off: only what is active */
    assert_true(c.count == 1 && c.deliver == 0);
}

static void choice_of_pending(void **state)
{
    (void)state;
    struct lr_choice c;
    queue_make();
    for (unsigned i = 0; i < 6; i++)
        virq_latch(&virqs[5 - i]) ? 0 : abort();
    lr_choose(&owner.queue, 4, 3, 3, &c);
    for (unsigned i = 0; i < 4; i++)
        assert_ptr_equal(c.virq[i], &virqs[i]);
    assert_true(c.pending_out && !c.active_out);
    lr_choose(&owner.queue, 4, 3, 1, &c); /* the guest has group 1 closed: it takes no place */
    assert_true(c.count == 0 && c.closed_out == 2 && !c.pending_out);
}

static void choice_keeps_one_that_may_preempt(void **state)
{
    (void)state;
    struct lr_choice c;
    queue_make();
    for (unsigned i = 0; i < 5; i++)
        virq_set_active(&virqs[i], true) ? 0 : abort();
    virq_latch(&virqs[7]) ? 0 : abort();
    virq_latch(&virqs[6]) ? 0 : abort();
    lr_choose(&owner.queue, 4, 3, 3, &c);
    assert_true(c.virq[2] == &virqs[2] && c.virq[3] == &virqs[6] && c.deliver == 8);
    assert_true(c.active_out && c.pending_out);
}

/* ---- what it costs -------------------------------------------------------------------------------------------------- */

static void nothing_changed_nothing_written(void **state)
{
    (void)state;
    machine_make(2, 4);
    reg_write(0, GICD, 0x104, 4, BIT(8));
    device_line(40, 1, true);
    machine_settle();
    unsigned writes = cores[0].lr_writes;
    for (unsigned i = 0; i < 10; i++) {
        guest_leave(0);
        guest_enter(0);
    }
    assert_int_equal(cores[0].lr_writes, writes);
    assert_int_equal(guest_ack(0), 40);
    device_line(40, 1, false);
    machine_settle();
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    guest_eoi(0, 40);
    guest_leave(0);
    assert_false(machine_virq(0, 40)->active);
}

static void timer_fires_again_without_an_exit_between(void **state)
{
    (void)state;
    machine_make(1, 4);
    reg_write(0, 0, 0x10100, 4, BIT(27));
    timer_line(0, 0, true);
    assert_int_equal(guest_ack(0), 27);
    timer_line(0, 0, false);
    guest_eoi(0, 27);
    assert_false(cores[0].phys_active[0]);
    for (unsigned i = 0; i < 3; i++) {
        unsigned writes = cores[0].lr_writes;
        here = 0;
        cores[0].line[0] = cores[0].phys_active[0] = true; /* acknowledged by EL2 */
        assert_true(vgic_hw_fired(&test_cpus[0], 27));
        assert_int_equal(cores[0].lr_writes, writes + 1);
        assert_int_equal(guest_ack(0), 27);
        timer_line(0, 0, false);
        guest_eoi(0, 27);
        assert_int_equal(guest_sees(0), TEST_SPURIOUS);
        assert_false(cores[0].phys_active[0]);
    }
    guest_leave(0);
    guest_enter(0);
    assert_false(machine_virq(0, 27)->active || machine_virq(0, 27)->sources);
}

static void sgi_to_itself_again(void **state)
{
    (void)state;
    machine_make(1, 4);
    reg_write(0, 0, 0x10100, 4, BIT(3));
    for (unsigned i = 0; i < 8; i++) {
        icc(0, true, ICC_SGI1R, UINT64_C(3) << 24 | 1);
        if (i % 3 == 0)
            icc(0, true, ICC_SGI1R, UINT64_C(3) << 24 | 1); /* not taken yet: they merge */
        assert_int_equal(guest_ack(0), 3);
        if (i % 2)
            icc(0, true, ICC_SGI1R, UINT64_C(3) << 24 | 1);
        guest_eoi(0, 3);
        if (i % 2) {
            assert_int_equal(guest_ack(0), 3);
            guest_eoi(0, 3);
        }
        assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    }
}

/* One word is written if nothing changed but that the guest is done with the last one; else all is folded and filled. */
static void sgi_of_another_again(void **state)
{
    (void)state;
    machine_make(2, 4);
    reg_write(0, 0, 0x10100, 4, BIT(3) | BIT(4));
    guest_enter(0);
    for (unsigned i = 0; i < 12; i++) {
        bool both = i % 4 == 2;
        icc(1, true, ICC_SGI1R, UINT64_C(3) << 24 | 1);
        if (i % 3 == 1)
            icc(1, true, ICC_SGI1R, UINT64_C(3) << 24 | 1); /* they merge */
        if (both)
            icc(1, true, ICC_SGI1R, UINT64_C(4) << 24 | 1);
        unsigned writes = cores[0].lr_writes;
        here = 0;
        test_cpus[0].kicks = 0;
        vgic_refresh(&test_cpus[0]);
        assert_int_equal(cores[0].lr_writes, writes + (both ? 2 : 1));
        uint32_t first = guest_ack(0);
        assert_true(first == 3 || (both && first == 4));
        if (i % 2) { /* while it is being served: when that is over */
            icc(1, true, ICC_SGI1R, UINT64_C(3) << 24 | 1);
            here = 0;
            vgic_refresh(&test_cpus[0]);
            assert_int_equal(guest_sees(0), TEST_SPURIOUS);
        }
        guest_eoi(0, first);
        if (i % 2 || both) {
            assert_int_equal(guest_ack(0), both ? 7 - first : 3);
            guest_eoi(0, both ? 7 - first : 3);
        }
        assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    }
}

/* ---- the timers' physical interrupts ---------------------------------------------------------------------------------- */

static void timer_disabled_while_asserted(void **state)
{
    (void)state;
    machine_make(1, 4);
    timer_line(0, 0, true);
    guest_enter(0); /* no storm: guest_enter() counts */
    assert_true(cores[0].phys_active[0]);
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    assert_true(reg_read(0, 0, 0x10200, 4) & BIT(27));
    reg_write(0, 0, 0x10100, 4, BIT(27));
    assert_int_equal(guest_sees(0), 27);
    reg_write(0, 0, 0x10180, 4, BIT(27));
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    timer_line(0, 0, false);
    guest_leave(0);
    guest_enter(0);
    assert_false(cores[0].phys_active[0]);
    assert_false(reg_read(0, 0, 0x10200, 4) & BIT(27));
    reg_write(0, 0, 0x10100, 4, BIT(27));
    timer_line(0, 0, true);
    assert_int_equal(guest_ack(0), 27);
}

static void timer_line_that_falls_takes_its_interrupt_along(void **state)
{
    (void)state;
    machine_make(1, 4);
    reg_write(0, 0, 0x10100, 4, BIT(27));
    timer_line(0, 0, true);
    assert_int_equal(guest_sees(0), 27);
    timer_line(0, 0, false); /* the guest has it masked and stops the timer; seen at the next exit of any kind */
    guest_leave(0);
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    assert_false(cores[0].phys_active[0]);
}

static void timer_written_by_registers(void **state)
{
    (void)state;
    machine_make(2, 4);
    reg_write(0, 0, 0x10100, 4, BIT(27));
    reg_write(0, 0, 0x10200, 4, BIT(27)); /* ISPENDR: without the timer */
    guest_enter(0);
    assert_true(cores[0].phys_active[0]);
    assert_int_equal(guest_ack(0), 27);
    guest_eoi(0, 27);
    assert_false(cores[0].phys_active[0]);
    reg_write(0, 0, 0x10200, 4, BIT(27));
    reg_write(0, 0, 0x10280, 4, BIT(27)); /* and cleared: nothing is left behind */
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    assert_false(cores[0].phys_active[0]);
    timer_line(0, 0, true);
    assert_int_equal(guest_ack(0), 27);
    reg_write(1, 0, 0x10380, 4, BIT(27)); /* ICACTIVER by the other vCPU, timer still asserted: pending again */
    cores[0].depth = 0;
    machine_settle();
    assert_int_equal(guest_ack(0), 27);
    reg_write(0, 0, 0x10300, 4, BIT(27)); /* ISACTIVER of an active one */
    timer_line(0, 0, false);
    guest_eoi(0, 27);
    assert_false(cores[0].phys_active[0]);
    reg_write(0, 0, 0x10300, 4, BIT(27)); /* made active without an acknowledge: its timer does not interrupt */
    timer_line(0, 0, true);
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    assert_true(cores[0].phys_active[0]);
    reg_write(0, 0, 0x10380, 4, BIT(27));
    assert_int_equal(guest_ack(0), 27);
    reg_write(0, 0, 0x10200, 4, BIT(27)); /* active and made pending: delivered once more when it ends */
    timer_line(0, 0, false);
    guest_eoi(0, 27);
    assert_int_equal(guest_ack(0), 27);
    guest_eoi(0, 27);
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    assert_false(cores[0].phys_active[0]);
}

static void timer_of_a_vcpu_that_leaves_the_core(void **state)
{
    (void)state;
    machine_make(1, 4);
    reg_write(0, 0, 0x10100, 4, BIT(27));
    timer_line(0, 0, true);
    assert_int_equal(guest_ack(0), 27);
    guest_leave(0);
    vgic_put(&test_cpus[0]);
    assert_false(cores[0].phys_active[0]);
    for (unsigned n = 0; n < 4; n++)
        assert_int_equal(gicv3_lr_decode(cores[0].lr[n]).state, LR_INVALID);
    vgic_load(&test_cpus[0]);
    guest_enter(0);
    assert_true(cores[0].phys_active[0]); /* it is still being handled */
    guest_eoi(0, 27);
    timer_line(0, 0, false);
    assert_int_equal(guest_ack(0), 27);
    guest_eoi(0, 27);
    /* It comes due while the vCPU is away. */
    guest_leave(0);
    vgic_put(&test_cpus[0]);
    assert_false(vgic_wakes(&test_cpus[0], false));
    assert_false(vgic_hw_fired(&test_cpus[0], 27));
    assert_true(vgic_wakes(&test_cpus[0], false));
    timer_line(0, 0, true);
    vgic_load(&test_cpus[0]);
    assert_int_equal(guest_ack(0), 27);
    assert_true(cores[0].phys_active[0]);
}

/* ---- random traffic ------------------------------------------------------------------------------------------------- */

/* The model: an interrupt by its registers' definition. Private ones per vCPU, shared ones once. */
struct model {
    bool enabled, group1, edge, latch, active;
    uint8_t priority;
    uint32_t sources;
    unsigned target;
};
#define FIRST_SPI 40
#define SPI_COUNT 12
#define SGI_COUNT 6
static const uint32_t timer_intid[] = { 27, 30 };
static struct model ppis[TEST_CPUS][32], spis[SPI_COUNT];
static struct {
    uint32_t intid;
    uint8_t priority;
} stack[TEST_CPUS][64];
static unsigned depth[TEST_CPUS], cpu_total;
static unsigned dist_groups;
static bool split;

static struct model *model_of(unsigned cpu, uint32_t intid)
{
    return intid < 32 ? &ppis[cpu][intid] : &spis[intid - FIRST_SPI];
}

static uint32_t any_intid(void)
{
    unsigned n = (unsigned)rand() % (SPI_COUNT + SGI_COUNT + 2);
    return n < SPI_COUNT               ? FIRST_SPI + n
           : n < SPI_COUNT + SGI_COUNT ? n - SPI_COUNT
                                       : timer_intid[n - SPI_COUNT - SGI_COUNT];
}

static bool model_pending(unsigned cpu, uint32_t intid)
{
    const struct model *m = model_of(cpu, intid);
    if (intid == 27 || intid == 30)
        return m->latch || cores[cpu].line[intid == 30];
    return m->latch || (m->sources && !m->edge);
}

static bool model_offers(unsigned cpu, uint32_t intid)
{
    const struct model *m = model_of(cpu, intid);
    return model_pending(cpu, intid) && m->enabled && !m->active && (intid < 32 || m->target == cpu) &&
           (dist_groups >> m->group1 & 1) && (cores[cpu].vmcr >> m->group1 & 1) &&
           m->priority < field_get(VGIC_VMCR_PMR, cores[cpu].vmcr) &&
           (!depth[cpu] || m->priority < stack[cpu][depth[cpu] - 1].priority);
}

static unsigned model_best(unsigned cpu)
{
    unsigned best = 0x100;
    for (uint32_t i = 0; i < FIRST_SPI + SPI_COUNT; i++) {
        if (i >= SGI_COUNT && i != 27 && i != 30 && i < FIRST_SPI)
            continue;
        if (model_offers(cpu, i) && model_of(cpu, i)->priority < best)
            best = model_of(cpu, i)->priority;
    }
    return best;
}

static void check_delivery(unsigned cpu)
{
    uint32_t seen = guest_sees(cpu);
    unsigned best = model_best(cpu);
    if (seen == TEST_SPURIOUS) {
        assert_int_equal(best, 0x100);
        return;
    }
    assert_true(model_offers(cpu, seen));
    assert_int_equal(model_of(cpu, seen)->priority, best);
}

static void check_registers(unsigned reader, unsigned cpu)
{
    uint32_t pending = 0, active = 0, mask = (uint32_t)(BIT(SGI_COUNT) - 1) | (uint32_t)(BIT(27) | BIT(30));
    for (uint32_t i = 0; i < 32; i++) {
        if (!(mask & BIT(i)))
            continue;
        pending |= (uint32_t)model_pending(cpu, i) << i;
        if (reader != cpu && i >= 16 && ppis[cpu][i].active)
            mask &= ~(uint32_t)BIT(i); /* the line of a timer that is being handled is known on its own core only */
        active |= (uint32_t)ppis[cpu][i].active << i;
    }
    assert_int_equal(reg_read(reader, (int)cpu, 0x10200, 4) & mask, pending & mask);
    assert_int_equal(reg_read(reader, (int)cpu, 0x10300, 4), active);
    pending = active = 0;
    for (uint32_t i = 0; i < SPI_COUNT; i++) {
        pending |= (uint32_t)model_pending(0, FIRST_SPI + i) << (FIRST_SPI - 32 + i);
        active |= (uint32_t)spis[i].active << (FIRST_SPI - 32 + i);
    }
    assert_int_equal(reg_read(reader, GICD, 0x204, 4), pending);
    assert_int_equal(reg_read(reader, GICD, 0x304, 4), active);
}

/* A bit register of an interrupt: the frame and offset. */
static void bit_write(unsigned cpu, unsigned frame, uint32_t intid, uint32_t set)
{
    if (intid < 32)
        reg_write(cpu, (int)frame, 0x10000 + set, 4, BIT(intid));
    else
        reg_write(cpu, GICD, set + 4, 4, BIT(intid - 32));
}

static void step_register(unsigned cpu)
{
    unsigned frame = (unsigned)rand() % cpu_total;
    uint32_t intid = any_intid();
    struct model *m = model_of(frame, intid);
    switch (rand() % 7) {
    case 0:
    case 1:
        bit_write(cpu, frame, intid, 0x100);
        m->enabled = true;
        break;
    case 2:
        bit_write(cpu, frame, intid, 0x180);
        m->enabled = false;
        break;
    case 3:
        bit_write(cpu, frame, intid, 0x200);
        m->latch = true;
        break;
    case 4:
        bit_write(cpu, frame, intid, 0x280);
        m->latch = false;
        break;
    case 5:
        if (m->active)
            return;
        m->priority = (uint8_t)((unsigned)rand() % 16 * 16);
        reg_write(cpu, intid < 32 ? (int)frame : GICD, (intid < 32 ? 0x10400u : 0x400u) + intid, 1, m->priority);
        break;
    case 6:
        m->group1 = !m->group1;
        uint64_t old = intid < 32 ? reg_read(cpu, (int)frame, 0x10080, 4) : reg_read(cpu, GICD, 0x84, 4);
        reg_write(cpu, intid < 32 ? (int)frame : GICD, intid < 32 ? 0x10080 : 0x84, 4, old ^ BIT(intid % 32));
        break;
    }
}

static void step_split(unsigned cpu)
{
    uint32_t intid = any_intid();
    struct model *m = model_of(cpu, intid);
    switch (rand() % 4) {
    case 0:
        bit_write(cpu, cpu, intid, 0x300);
        m->active = true;
        break;
    case 1:
        bit_write(cpu, cpu, intid, 0x380);
        m->active = false;
        break;
    default:
        if (m->active)
            guest_dir(cpu, intid);
        m->active = false;
        break;
    }
}

static void step_guest(unsigned cpu)
{
    if (rand() % 2 && depth[cpu]) {
        uint32_t intid = stack[cpu][--depth[cpu]].intid;
        guest_eoi(cpu, intid);
        if (!split)
            model_of(cpu, intid)->active = false;
        return;
    }
    uint32_t seen = guest_ack(cpu);
    if (seen == TEST_SPURIOUS)
        return;
    struct model *m = model_of(cpu, seen);
    stack[cpu][depth[cpu]].priority = m->priority;
    stack[cpu][depth[cpu]++].intid = seen;
    m->active = true;
    m->latch = false;
}

static void step_interface(unsigned cpu)
{
    guest_enter(cpu);
    if (rand() % 2)
        cores[cpu].vmcr ^= rand() % 2 ? VGIC_VMCR_ENG0 : VGIC_VMCR_ENG1;
    else
        cores[cpu].vmcr = field_set(VGIC_VMCR_PMR, cores[cpu].vmcr, rand() % 4 ? 0xf8 : (unsigned)rand() % 16 * 16);
}

static void step_line(unsigned cpu)
{
    unsigned n = (unsigned)rand() % (SPI_COUNT + 2);
    bool high = rand() % 2;
    if (n >= SPI_COUNT) {
        timer_line(cpu, n - SPI_COUNT, high);
        guest_enter(cpu);
        guest_leave(cpu); /* a line that falls is noticed at the next exit */
        return;
    }
    struct model *m = &spis[n];
    uint32_t source = (uint32_t)BIT(rand() % 2), old = m->sources;
    m->sources = high ? old | source : old & ~source;
    if (m->edge && !old && m->sources)
        m->latch = true;
    here = cpu;
    guest_leave(cpu);
    device_line(FIRST_SPI + n, source, high);
}

static void step_other(unsigned cpu)
{
    unsigned n = (unsigned)rand() % SPI_COUNT, target = (unsigned)rand() % cpu_total;
    switch (rand() % 4) {
    case 0:
        reg_write(cpu, GICD, 0x6000 + 8 * (FIRST_SPI + n), 8, target);
        spis[n].target = target;
        break;
    case 1:
        dist_groups = rand() % 3 ? 3 : (unsigned)rand() % 4;
        reg_write(cpu, GICD, 0, 4, dist_groups);
        break;
    case 2:
        guest_leave(cpu);
        here = cpu;
        vgic_put(&test_cpus[cpu]);
        cores[cpu].hcr = VGIC_HCR_EN; /* gic_vcpu_load() */
        vgic_load(&test_cpus[cpu]);
        break;
    case 3:
        n = (unsigned)rand() % SGI_COUNT;
        icc(cpu, true, ICC_SGI1R, BIT(target) | (uint64_t)n << 24);
        ppis[target][n].latch = true;
        break;
    }
}

static void step(void)
{
    unsigned cpu = (unsigned)rand() % cpu_total;
    unsigned what = (unsigned)rand() % 100;
    if (what < 30)
        step_register(cpu);
    else if (what < 60)
        step_guest(cpu);
    else if (what < 80)
        step_line(cpu);
    else if (what < 85)
        step_interface(cpu);
    else if (what < 90 && split)
        step_split(cpu);
    else
        step_other(cpu);
    machine_settle();
}

static void traffic(unsigned cpus, unsigned lrs, bool split_eoi, unsigned seed)
{
    srand(seed);
    machine_make(cpus, lrs);
    cpu_total = cpus;
    split = split_eoi;
    dist_groups = 3;
    memset(ppis, 0, sizeof(ppis));
    memset(spis, 0, sizeof(spis));
    memset(depth, 0, sizeof(depth));
    for (unsigned c = 0; c < cpus; c++)
        for (unsigned i = 0; i < 32; i++)
            ppis[c][i] = (struct model){ .group1 = true, .edge = i < 16 };
    for (unsigned i = 0; i < SPI_COUNT; i++) {
        spis[i] = (struct model){ .group1 = true, .edge = i % 3 == 0 };
        if (spis[i].edge)
            reg_write(0, GICD, 0xc00 + (FIRST_SPI + i) / 16 * 4, 4,
                      reg_read(0, GICD, 0xc00 + (FIRST_SPI + i) / 16 * 4, 4) | BIT((FIRST_SPI + i) % 16 * 2 + 1));
    }
    for (unsigned c = 0; c < cpus; c++)
        if (split)
            cores[c].vmcr |= VGIC_VMCR_EOIM;
    for (unsigned i = 0; i < 4000; i++) {
        step();
        for (unsigned c = 0; c < cpus; c++)
            check_delivery(c);
        if (i % 16 == 0)
            check_registers((unsigned)rand() % cpus, (unsigned)rand() % cpus);
    }
    machine_free();
}

static void random_traffic(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 8; seed++) {
        traffic(1, 2, false, seed);
        traffic(1, 4, false, seed);
        traffic(3, 2, false, seed);
        traffic(4, 4, false, seed);
        traffic(4, 16, false, seed);
    }
}

/* Where list registers must not be linked to the machine's interrupts, and EL2 deactivates them. */
static void random_traffic_without_links(void **state)
{
    (void)state;
    test_links = false;
    for (unsigned seed = 1; seed <= 4; seed++) {
        traffic(1, 2, false, seed);
        traffic(3, 4, false, seed);
        traffic(2, 4, true, seed);
    }
    test_links = true;
}

static void random_traffic_with_split_deactivation(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 8; seed++) {
        traffic(1, 2, true, seed);
        traffic(2, 4, true, seed);
        traffic(4, 4, true, seed);
        traffic(3, 16, true, seed);
    }
}

/* Its line fell before the guest took it, and the guest waits then: the physical interrupt can fire again though no list register is written meanwhile. */
static void timer_line_falls_before_a_wait(void **state)
{
    (void)state;
    machine_make(1, 4);
    reg_write(0, 0, 0x10100, 4, BIT(27));
    timer_line(0, 0, true);
    machine_settle();
    assert_int_equal(guest_sees(0), 27);
    timer_line(0, 0, false);
    guest_leave(0);
    here = 0;
    assert_false(vgic_wakes(&test_cpus[0], false));
    assert_false(cores[0].phys_active[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(timer_line_falls_before_a_wait, teardown),
        cmocka_unit_test(choice_of_all),
        cmocka_unit_test(choice_of_pending),
        cmocka_unit_test(choice_keeps_one_that_may_preempt),
        cmocka_unit_test_teardown(nothing_changed_nothing_written, teardown),
        cmocka_unit_test_teardown(timer_fires_again_without_an_exit_between, teardown),
        cmocka_unit_test_teardown(sgi_to_itself_again, teardown),
        cmocka_unit_test_teardown(sgi_of_another_again, teardown),
        cmocka_unit_test_teardown(timer_disabled_while_asserted, teardown),
        cmocka_unit_test_teardown(timer_line_that_falls_takes_its_interrupt_along, teardown),
        cmocka_unit_test_teardown(timer_written_by_registers, teardown),
        cmocka_unit_test_teardown(timer_of_a_vcpu_that_leaves_the_core, teardown),
        cmocka_unit_test(random_traffic),
        cmocka_unit_test(random_traffic_with_split_deactivation),
        cmocka_unit_test(random_traffic_without_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
