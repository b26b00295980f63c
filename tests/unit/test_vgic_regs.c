/* SPDX-License-Identifier: Apache-2.0 */
/* sources: vdevs/vgic/access.c vdevs/vgic/cpu.c vdevs/vgic/fill.c vdevs/vgic/fold.c vdevs/vgic/watch.c vdevs/vgic/dist.c vdevs/vgic/dist_v2.c vdevs/vgic/dist_v3.c vdevs/vgic/lr.c vdevs/vgic/pic.c vdevs/vgic/redist.c vdevs/vgic/route.c vdevs/vgic/sgi_v2.c vdevs/vgic/sgi_v3.c vdevs/vgic/sysreg.c vdevs/vgic/vgic.c vdevs/vgic/virq.c vdevs/vgic/words.c arch/arm64/gicv2_lr.c arch/arm64/gicv3_lr.c hyp/regs.c tests/unit/alloc_fake.c tests/unit/vgic_support.c */
/* The interrupt controller's registers, SGIs, routing and `interrupts` cells. Section numbers are of IHI 0069H. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/arm64/exit.h"
#include "tests/unit/vgic_support.h"
#include "vdevs/vgic/sgi_v3.h"

#define ICC_SGI1R SYSREG_ISS(3, 0, 12, 11, 5)
#define ICC_ASGI1R SYSREG_ISS(3, 0, 12, 11, 6)
#define ICC_SGI0R SYSREG_ISS(3, 0, 12, 11, 7)
#define ICC_SRE SYSREG_ISS(3, 0, 12, 12, 5)
#define ICC_CTLR SYSREG_ISS(3, 0, 12, 12, 4)
#define ICC_PMR SYSREG_ISS(3, 0, 4, 6, 0)
#define ICC_RPR SYSREG_ISS(3, 0, 12, 11, 3)
#define SGI_FRAME 0x10000u

static int setup(void **state)
{
    (void)state;
    machine_make(4, 4);
    return 0;
}

static int setup_reset(void **state)
{
    (void)state;
    machine_make_reset(4, 4);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    machine_free();
    return 0;
}

/* 12.9: what does not change. */
static void identification(void **state)
{
    (void)state;
    assert_int_equal(reg_read(0, GICD, 0x4, 4), 8 | 9 << 19 | 1 << 24); /* 256 SPIs, 10 bits, A3V */
    assert_int_equal(reg_read(0, GICD, 0x8, 4), 0x4100043b);
    assert_int_equal(reg_read(0, GICD, 0xffe8, 4), 0x3b);
    assert_int_equal(reg_read(0, 0, 0xffe8, 4), 0x3b);
    assert_int_equal(reg_read(0, GICD, 0xfff0, 4), 0x0d);
    reg_write(0, GICD, 0x4, 4, ~0u);
    assert_int_equal(reg_read(0, GICD, 0x4, 4), 8 | 9 << 19 | 1 << 24);
    assert_int_equal(reg_read(0, 0, 0x0, 4), 0); /* GICR_CTLR: no LPIs */
    for (uint32_t offset = 0x40; offset < 0x80; offset += 4) {
        assert_int_equal(reg_read(0, 0, offset, 4), 0);    /* GICR_SETLPIR ... GICR_PENDBASER */
        assert_int_equal(reg_read(0, GICD, offset, 4), 0); /* GICD_SETSPI_NSR ... */
    }
}

static void reset_state(void **state)
{
    (void)state;
    assert_int_equal(reg_read(0, GICD, 0, 4), 0x50); /* DS, ARE */
    for (unsigned n = 0; n <= 8; n++) {
        assert_int_equal(reg_read(0, GICD, 0x80 + 4 * n, 4), 0);
        assert_int_equal(reg_read(0, GICD, 0x100 + 4 * n, 4), 0);
        assert_int_equal(reg_read(0, GICD, 0x200 + 4 * n, 4), 0);
        assert_int_equal(reg_read(0, GICD, 0x300 + 4 * n, 4), 0);
    }
    assert_int_equal(reg_read(0, GICD, 0x400 + 40, 4), 0);
    assert_int_equal(reg_read(0, GICD, 0x6000 + 8 * 40, 8), 0);
    for (int f = 0; f < 4; f++) {
        assert_int_equal(reg_read(0, f, 0x14, 4), 0); /* awake, as after firmware */
        assert_int_equal(reg_read(0, f, SGI_FRAME + 0x80, 4), 0);
        assert_int_equal(reg_read(0, f, SGI_FRAME + 0x100, 4), 0);
        assert_int_equal(reg_read(0, f, SGI_FRAME + 0xc00, 4), 0xaaaaaaaa);
        assert_int_equal(reg_read(0, f, SGI_FRAME + 0xc04, 4), 0);
    }
}

/* 12.11.33 GICR_TYPER */
static void redistributor_typer(void **state)
{
    (void)state;
    for (unsigned f = 0; f < 4; f++) {
        uint64_t want = (uint64_t)f << 32 | f << 8 | (f == 3) << 4;
        assert_int_equal(reg_read(0, (int)f, 8, 8), want);
        assert_int_equal(reg_read(0, (int)f, 8, 4), want & ~0u);
        assert_int_equal(reg_read(0, (int)f, 12, 4), want >> 32);
    }
}

/* 12.11.35 GICR_WAKER: nothing is signalled to who sleeps, nothing is lost. */
static void redistributor_sleeps(void **state)
{
    (void)state;
    reg_write(0, 0, SGI_FRAME + 0x100, 4, 1);
    reg_write(1, 0, 0x14, 4, 2);
    assert_int_equal(reg_read(1, 0, 0x14, 4), 6);
    icc(1, true, ICC_SGI1R, 1);
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    assert_false(vgic_wakes(&test_cpus[0], false));
    assert_int_equal(reg_read(0, 0, SGI_FRAME + 0x200, 4), 1);
    reg_write(0, 0, 0x14, 4, 0);
    assert_int_equal(guest_ack(0), 0);
}

/* 12.1.3: access sizes. 12.9: the registers of interrupts 0 to 31 are GICR's. */
static void sizes_and_banked_words(void **state)
{
    (void)state;
    reg_write(0, GICD, 0x104, 4, 0xf0);
    assert_int_equal(reg_read(0, GICD, 0x104, 4), 0xf0);
    assert_int_equal(reg_read(0, GICD, 0x184, 4), 0xf0);
    assert_int_equal(reg_read(0, GICD, 0x104, 1), 0);
    assert_int_equal(reg_read(0, GICD, 0x104, 2), 0);
    assert_int_equal(reg_read(0, GICD, 0x100, 8), 0);
    reg_write(0, GICD, 0x104, 2, 0xffff);
    assert_int_equal(reg_read(0, GICD, 0x104, 4), 0xf0);
    reg_write(0, GICD, 0x184, 4, 0x30);
    assert_int_equal(reg_read(0, GICD, 0x104, 4), 0xc0);
    reg_write(0, GICD, 0x100, 4, ~0u);
    assert_int_equal(reg_read(0, GICD, 0x100, 4), 0);
    reg_write(0, GICD, 0x400, 4, ~0u);
    assert_int_equal(reg_read(0, GICD, 0x400, 4), 0);
    reg_write(0, GICD, 0x400 + 288, 4, ~0u); /* beyond the last interrupt */
    assert_int_equal(reg_read(0, GICD, 0x400 + 288, 4), 0);
    assert_int_equal(reg_read(0, GICD, 0x800 + 40, 4), 0); /* GICD_ITARGETSR: RES0 with affinity routing */
}

static void priorities_by_byte_and_word(void **state)
{
    (void)state;
    reg_write(0, GICD, 0x400 + 40, 4, 0xff806040);
    assert_int_equal(reg_read(0, GICD, 0x400 + 40, 4), 0xf8806040); /* five bits are there */
    reg_write(0, GICD, 0x400 + 42, 1, 0x17);
    assert_int_equal(reg_read(0, GICD, 0x400 + 42, 1), 0x10);
    assert_int_equal(reg_read(0, GICD, 0x400 + 40, 4), 0xf8106040);
    assert_int_equal(reg_read(0, GICD, 0x400 + 40, 2), 0);
    reg_write(1, 2, SGI_FRAME + 0x400 + 5, 1, 0xa0);
    assert_int_equal(reg_read(2, 2, SGI_FRAME + 0x404, 4), 0xa000);
    assert_int_equal(reg_read(2, 1, SGI_FRAME + 0x404, 4), 0);
}

static void configuration(void **state)
{
    (void)state;
    reg_write(0, GICD, 0xc00 + 4 * 2, 4, ~0u);
    assert_int_equal(reg_read(0, GICD, 0xc00 + 4 * 2, 4), 0xaaaaaaaa);
    reg_write(0, GICD, 0xc00, 4, ~0u);
    assert_int_equal(reg_read(0, GICD, 0xc00, 4), 0);
    reg_write(0, 0, SGI_FRAME + 0xc00, 4, 0); /* SGIs are edge-triggered */
    assert_int_equal(reg_read(0, 0, SGI_FRAME + 0xc00, 4), 0xaaaaaaaa);
    reg_write(0, 0, SGI_FRAME + 0xc04, 4, ~0u); /* the timers are level-sensitive */
    assert_int_equal(reg_read(0, 0, SGI_FRAME + 0xc04, 4), 0xaaaaaaaa & ~(2u << 22) & ~(2u << 28));
}

static void pending_of_level_and_edge(void **state)
{
    (void)state;
    reg_write(0, GICD, 0x400 + 33, 1, 0x80);
    reg_write(0, GICD, 0xc08, 4, 2); /* 32 is edge-triggered, 33 level-sensitive */
    reg_write(0, GICD, 0x104, 4, 3);
    device_line(32, 1, true);
    device_line(33, 1, true);
    assert_int_equal(reg_read(0, GICD, 0x204, 4), 3);
    reg_write(1, GICD, 0x284, 4, 3);
    assert_int_equal(reg_read(0, GICD, 0x284, 4), 2); /* the line holds it */
    device_line(32, 1, false);
    device_line(33, 1, false);
    assert_int_equal(reg_read(0, GICD, 0x204, 4), 0);
    reg_write(1, GICD, 0x204, 4, 3);
    machine_settle();
    assert_int_equal(guest_ack(0), 32);
    assert_int_equal(reg_read(2, GICD, 0x204, 4), 2);
    assert_int_equal(reg_read(2, GICD, 0x304, 4), 1);
    guest_eoi(0, 32);
    assert_int_equal(guest_ack(0), 33);
    guest_eoi(0, 33);
    assert_int_equal(reg_read(2, GICD, 0x204, 4), 0);
    assert_int_equal(reg_read(2, GICD, 0x304, 4), 0);
}

/* A line that stays high interrupts again after each EOI, and once it falls no more. */
static void level_stays_pending(void **state)
{
    (void)state;
    reg_write(0, GICD, 0x104, 4, BIT(8));
    device_line(40, 1, true);
    device_line(40, 2, true);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(guest_ack(0), 40);
        assert_int_equal(guest_sees(0), TEST_SPURIOUS);
        guest_eoi(0, 40);
    }
    device_line(40, 1, false);
    machine_settle();
    assert_int_equal(guest_ack(0), 40);
    device_line(40, 2, false);
    machine_settle();
    guest_eoi(0, 40);
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
}

static void disable_takes_it_back(void **state)
{
    (void)state;
    reg_write(0, GICD, 0x104, 4, BIT(8));
    device_line(40, 1, true);
    assert_int_equal(guest_sees(0), 40);
    reg_write(1, GICD, 0x184, 4, BIT(8)); /* from another vCPU: with the write it is off */
    assert_false(test_cpus[0].in_guest);
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    reg_write(1, GICD, 0x104, 4, BIT(8));
    assert_int_equal(guest_sees(0), 40);
    reg_write(1, GICD, 0, 4, 1); /* group 1 off */
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    assert_int_equal(reg_read(1, GICD, 0, 4), 0x51);
    reg_write(1, GICD, 0, 4, 2);
    assert_int_equal(guest_sees(0), 40);
}

static void active_from_another_vcpu(void **state)
{
    (void)state;
    reg_write(0, GICD, 0x104, 4, BIT(8));
    device_line(40, 1, true);
    assert_int_equal(guest_ack(0), 40);
    assert_int_equal(reg_read(3, GICD, 0x304, 4), BIT(8));
    reg_write(3, GICD, 0x384, 4, BIT(8));
    assert_int_equal(reg_read(3, GICD, 0x304, 4), 0);
    reg_write(3, GICD, 0x304, 4, BIT(9));
    assert_int_equal(reg_read(3, GICD, 0x384, 4), BIT(9));
    assert_int_equal(test_cpus[0].pauses, 0);
}

static void route_40_to_1(void)
{
    reg_write(1, GICD, 0x6000 + 8 * 40, 8, 1);
}

/* The vCPU that has it was told to fold when it had: nothing of it is in a list register behind that, so no fold follows. */
static void routing_between_fold_and_flush(void **state)
{
    (void)state;
    reg_write(0, GICD, 0x104, 4, BIT(8));
    device_line(40, 1, true);
    machine_settle();
    assert_int_equal(guest_sees(0), 40);
    guest_between(0, route_40_to_1);
    machine_settle();
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    assert_int_equal(guest_ack(1), 40);
}

/* 12.9.22 GICD_IROUTER */
static void routing(void **state)
{
    (void)state;
    const uint32_t at = 0x6000 + 8 * 40;
    reg_write(0, GICD, at, 8, ~UINT64_C(0));
    assert_int_equal(reg_read(0, GICD, at, 8), UINT64_C(0xff80ffffff));
    reg_write(0, GICD, at + 4, 4, 0);
    reg_write(0, GICD, at, 4, 2);
    assert_int_equal(reg_read(0, GICD, at, 4), 2);
    assert_int_equal(reg_read(0, GICD, at, 8), 2);
    reg_write(0, GICD, 0x104, 4, BIT(8));
    device_line(40, 1, true);
    machine_settle();
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    assert_int_equal(guest_sees(2), 40);
    reg_write(0, GICD, at, 8, 3); /* pending at vCPU 2: moves */
    assert_int_equal(guest_sees(2), TEST_SPURIOUS);
    assert_int_equal(guest_ack(3), 40);
    reg_write(0, GICD, at, 8, 1); /* active at vCPU 3: stays until it ends */
    assert_int_equal(guest_sees(1), TEST_SPURIOUS);
    guest_eoi(3, 40);
    assert_int_equal(guest_sees(3), TEST_SPURIOUS);
    assert_int_equal(guest_sees(1), 40);
    reg_write(0, GICD, at, 8, 9); /* nobody */
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(guest_sees(i), TEST_SPURIOUS);
    assert_int_equal(reg_read(0, GICD, 0x204, 4), BIT(8));
    reg_write(0, GICD, at, 8, 0);
    assert_int_equal(guest_ack(0), 40);
}

/* Interrupt_Routing_Mode: any that is awake. */
static void routing_one_of_n(void **state)
{
    (void)state;
    const uint32_t at = 0x6000 + 8 * 40;
    reg_write(0, GICD, 0x104, 4, BIT(8));
    reg_write(0, GICD, at, 8, BIT(31));
    assert_int_equal(reg_read(0, GICD, at, 8), BIT(31));
    reg_write(0, 0, 0x14, 4, 2);
    device_line(40, 1, true);
    machine_settle();
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    assert_int_equal(guest_sees(1), 40);
    reg_write(1, 1, 0x14, 4, 2); /* goes to sleep with it pending */
    machine_settle();
    assert_int_equal(guest_sees(1), TEST_SPURIOUS);
    assert_int_equal(guest_ack(2), 40);
}

/* Nor is one that is off, awake as its redistributor may be. */
static void routing_one_of_n_past_one_that_is_off(void **state)
{
    (void)state;
    reg_write(0, GICD, 0x104, 4, BIT(8));
    reg_write(0, GICD, 0x6000 + 8 * 40, 8, BIT(31));
    guest_leave(0);
    here = 0;
    vgic_put(&test_cpus[0]);
    vgic_off(&test_cpus[0]);
    device_line(40, 1, true);
    machine_settle();
    assert_int_equal(guest_ack(1), 40);
}

static void sgi_affinities(void **state)
{
    (void)state;
    assert_int_equal(sgi_affinity(1 << 3 | UINT64_C(5) << 24), 0);
    assert_int_equal(sgi_affinity(BIT(16) | 2), 0x100);                                 /* Aff1 */
    assert_int_equal(sgi_affinity(UINT64_C(1) << 44 | 2), 0x10);                        /* RS: Aff0 16 to 31 */
    assert_int_equal(sgi_affinity(BIT(48) | BIT(33) | 2), BIT(32) | UINT64_C(2) << 16); /* Aff3, Aff2 */
}

static void sgis_to_nobody(void **state)
{
    (void)state;
    static const uint64_t nobody[] = { 0, 1 << 7, BIT(16) | 1, BIT(32) | 1, BIT(44) | 1, BIT(48) | 1 };
    for (unsigned i = 0; i < ARRAY_LEN(nobody); i++)
        icc(1, true, ICC_SGI1R, nobody[i]);
    for (int f = 0; f < 4; f++)
        assert_int_equal(reg_read(0, f, SGI_FRAME + 0x200, 4), 0);
}

static void sgis_are_delivered(void **state)
{
    (void)state;
    for (int f = 0; f < 4; f++)
        reg_write(0, f, SGI_FRAME + 0x100, 4, 0xffff);
    icc(1, true, ICC_SGI1R, UINT64_C(5) << 24 | 0xf);
    machine_settle();
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(guest_ack(i), 5);
        guest_eoi(i, 5);
        assert_int_equal(guest_sees(i), TEST_SPURIOUS);
    }
    icc(1, true, ICC_SGI1R, BIT(40) | UINT64_C(6) << 24);
    machine_settle();
    assert_int_equal(guest_sees(1), TEST_SPURIOUS);
    for (unsigned i = 0; i < 4; i += 2) {
        assert_int_equal(guest_ack(i), 6);
        icc(1, true, ICC_SGI1R, UINT64_C(6) << 24 | BIT(i)); /* while it is handled: once more */
        guest_eoi(i, 6);
        assert_int_equal(guest_ack(i), 6);
        guest_eoi(i, 6);
        assert_int_equal(guest_sees(i), TEST_SPURIOUS);
    }
}

/* 12.1.10: with one security state ICC_SGI1R_EL1 makes pending what either group has, the other two group 0 only. */
static void sgi_groups(void **state)
{
    (void)state;
    static const uint32_t regs[] = { ICC_SGI1R, ICC_ASGI1R, ICC_SGI0R };
    reg_write(0, 2, SGI_FRAME + 0x80, 4, 1 << 1); /* SGI 0 in group 0, SGI 1 in group 1 */
    for (unsigned r = 0; r < 3; r++) {
        icc(0, true, regs[r], 1 << 2);
        icc(0, true, regs[r], UINT64_C(1) << 24 | 1 << 2);
        assert_int_equal(reg_read(0, 2, SGI_FRAME + 0x200, 4), r == 0 ? 3 : 1);
        reg_write(0, 2, SGI_FRAME + 0x280, 4, 3);
    }
}

static void trapped_registers(void **state)
{
    (void)state;
    assert_int_equal(icc(0, false, ICC_SRE, 0), 7);
    icc(0, true, ICC_SRE, 0);
    assert_int_equal(icc(0, false, ICC_SRE, 0), 7);
    icc(0, true, ICC_PMR, 0xf0);
    assert_int_equal(icc(0, false, ICC_PMR, 0), 0xf0);
    icc(0, true, ICC_CTLR, 2);
    assert_int_equal(icc(0, false, ICC_CTLR, 0), 2);
    assert_int_equal(icc(0, false, ICC_RPR, 0), 0xff);
    struct sysreg_access a = { .reg = ICC_SGI1R };
    assert_int_equal(vgic_sysreg(&test_cpus[0], &a), SYSREG_UNDEF); /* it is write-only */
}

static void wakes_as_the_cpu_interface_would(void **state)
{
    (void)state;
    reg_write(0, GICD, 0x104, 4, BIT(8));
    reg_write(0, GICD, 0x400 + 40, 1, 0x80);
    assert_false(vgic_wakes(&test_cpus[0], false));
    device_line(40, 1, true);
    here = 0;
    assert_true(vgic_wakes(&test_cpus[0], false));
    cores[0].vmcr = field_set(VGIC_VMCR_PMR, cores[0].vmcr, 0x80);
    assert_false(vgic_wakes(&test_cpus[0], false));
    cores[0].vmcr = field_set(VGIC_VMCR_PMR, cores[0].vmcr, 0xf8) & ~VGIC_VMCR_ENG1;
    assert_false(vgic_wakes(&test_cpus[0], false));
    cores[0].vmcr |= VGIC_VMCR_ENG1;
    assert_true(vgic_wakes(&test_cpus[0], false));
    here = 1; /* asked from elsewhere: as last seen */
    assert_true(vgic_wakes(&test_cpus[0], false));
    /* Powered down, its interface is off and has no say; what is forwarded to it asks for power. */
    here = 0;
    cores[0].vmcr = field_set(VGIC_VMCR_PMR, cores[0].vmcr, 0) & ~VGIC_VMCR_ENG1;
    assert_false(vgic_wakes(&test_cpus[0], false));
    assert_true(vgic_wakes(&test_cpus[0], true));
    reg_write(0, GICD, 0x184, 4, BIT(8));
    assert_false(vgic_wakes(&test_cpus[0], true));
    reg_write(0, GICD, 0x104, 4, BIT(8));
    assert_true(vgic_wakes(&test_cpus[0], true));
    cores[0].vmcr = field_set(VGIC_VMCR_PMR, cores[0].vmcr, 0xf8) | VGIC_VMCR_ENG1;
    reg_write(1, GICD, 0, 4, 1);
    assert_false(vgic_wakes(&test_cpus[0], false));
    assert_false(vgic_wakes(&test_cpus[0], true));
}

static int parse(uint32_t type, uint32_t number, uint32_t flags, struct guest_intr *out)
{
    const struct vdev_builder b = { .path = "/vm/uart" };
    test_log = "";
    return vgic_pic.parse(&b, (uint32_t[]){ type, number, flags }, 3, out);
}

static void cells_of_interrupts(void **state)
{
    (void)state;
    struct guest_intr line = { .param = 0 };
    char text[32];
    uint32_t cells[4];
    assert_int_equal(parse(0, 1, 4, &line), EOK);
    assert_int_equal(line.param, 33);
    assert_ptr_equal(line.pic, &test_gic);
    assert_int_equal(vgic_pic.table_spec(&line, cells), 3);
    assert_true(cells[0] == 0 && cells[1] == 1 && cells[2] == 4);
    vgic_pic.string(&line, text, sizeof(text));
    assert_string_equal(text, "SPI 1");
    assert_int_equal(parse(1, 11, 4, &line), EOK);
    assert_int_equal(line.param, 27);
    assert_int_equal(parse(1, 27, 4, &line), EINVAL);
    assert_non_null(strstr(test_log, "INTID 27 is PPI 11"));
    assert_int_equal(parse(0, 260, 4, &line), EINVAL);
    assert_non_null(strstr(test_log, "INTID 260 is SPI 228"));
    assert_int_equal(parse(0, 2000, 4, &line), EINVAL);
    assert_int_equal(parse(2, 1, 4, &line), EINVAL);
    assert_int_equal(parse(0, 1, 0, &line), EINVAL);
    assert_non_null(strstr(test_log, "/vm/uart"));
    assert_int_equal(vgic_pic.parse(&(const struct vdev_builder){ .path = "/x" }, cells, 2, &line), EINVAL);
    line = (struct guest_intr){ .param = 0 };
    assert_int_equal(vgic_pic.assign(&(const struct vdev_builder){ .path = "/x" }, &line), EOK);
    assert_int_equal(line.param, 32);
    assert_int_equal(vgic_pic.assign(&(const struct vdev_builder){ .path = "/x" }, &line), EOK);
    assert_int_equal(line.param, 34); /* 33 is taken */
    line.param = 32 + VGIC_SPIS - 1;
    assert_int_equal(vgic_pic.assign(&(const struct vdev_builder){ .path = "/x" }, &line), ENOSPC);
    line.param = 27;
    assert_int_equal(vgic_pic.signal(&line, GIS_ON), EINVAL);
}

/* A VM that restarts comes out as from startup, with a core still holding the vCPU's old list registers. */
static void reset_in_place(void **state)
{
    (void)state;
    reg_write(0, GICD, 0x400 + 40, 1, 0x80);
    reg_write(0, GICD, 0x104, 4, BIT(8));
    reg_write(0, 0, SGI_FRAME + 0x100, 4, BIT(27));
    timer_line(0, 0, true);
    device_line(40, 1, true);
    assert_int_equal(guest_ack(0), 27);
    guest_leave(0);
    timer_line(0, 0, false);
    vgic_reset(NULL);
    guest_enter(0);
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    for (unsigned n = 0; n < 4; n++)
        assert_int_equal(gic_lr_decode(cores[0].lr[n]).state, LR_INVALID);
    assert_false(cores[0].phys_active[0]);
    guest_leave(0);
    reset_state(state);
}

#define RESETS 3000

static void *line_toggle(void *stop)
{
    struct guest_intr line = { .pic = &test_gic, .param = 40, .src_id = 1 };
    for (bool high = true; !__atomic_load_n((bool *)stop, __ATOMIC_RELAXED); high = !high)
        (void)vgic_pic.signal(&line, high ? GIS_ON : GIS_OFF);
    return NULL;
}

/* A device's line rises and falls on another core, as a console's does, while its VM is reset. */
static void reset_while_a_line_moves(void **state)
{
    (void)state;
    struct vgic_cpu *cpu = machine_gic()->cpus[0];
    bool stop = false;
    pthread_t other;
    guest_leave(0);
    assert_int_equal(pthread_create(&other, NULL, line_toggle, &stop), 0);
    for (unsigned n = 0; n < RESETS; n++) {
        reg_write(1, GICD, 0x104, 4, BIT(8));
        vgic_reset(NULL);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_int_equal(cpu->queued, 0);
    assert_true(list_empty(&cpu->queue) && list_empty(&machine_virq(0, 40)->node));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(identification),
        cmocka_unit_test_setup_teardown(reset_state, setup_reset, teardown),
        TEST(redistributor_typer),
        TEST(redistributor_sleeps),
        TEST(sizes_and_banked_words),
        TEST(priorities_by_byte_and_word),
        TEST(configuration),
        TEST(pending_of_level_and_edge),
        TEST(level_stays_pending),
        TEST(disable_takes_it_back),
        TEST(active_from_another_vcpu),
        TEST(routing),
        TEST(routing_between_fold_and_flush),
        TEST(routing_one_of_n),
        TEST(routing_one_of_n_past_one_that_is_off),
        cmocka_unit_test(sgi_affinities),
        TEST(sgis_to_nobody),
        TEST(sgis_are_delivered),
        TEST(sgi_groups),
        TEST(trapped_registers),
        TEST(wakes_as_the_cpu_interface_would),
        TEST(cells_of_interrupts),
        TEST(reset_in_place),
        TEST(reset_while_a_line_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
