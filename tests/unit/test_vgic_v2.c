/* SPDX-License-Identifier: Apache-2.0 */
/* sources: vdevs/vgic/access.c vdevs/vgic/cpu.c vdevs/vgic/fill.c vdevs/vgic/fold.c vdevs/vgic/watch.c vdevs/vgic/dist.c vdevs/vgic/dist_v2.c vdevs/vgic/dist_v3.c vdevs/vgic/lr.c vdevs/vgic/pic.c vdevs/vgic/redist.c vdevs/vgic/route.c vdevs/vgic/sgi_v2.c vdevs/vgic/sgi_v3.c vdevs/vgic/sysreg.c vdevs/vgic/vgic.c vdevs/vgic/virq.c vdevs/vgic/words.c arch/arm64/gicv2_lr.c arch/arm64/gicv3_lr.c hyp/regs.c tests/unit/alloc_fake.c tests/unit/vgic_support.c */
/* A GICv2 for guests: registers, targets, SGIs by sender. Section numbers are of IHI 0048B. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/vgic_support.h"
#include "vdevs/vgic/sgi_v2.h"

#define SGIR 0xf00
#define CPENDSGIR 0xf10
#define SPENDSGIR 0xf20
#define ITARGETSR 0x800
#define OTHERS (1u << 24)
#define SELF (2u << 24)
#define FROM(cpu, sgi) ((uint32_t)(cpu) << 10 | (sgi))

static int make(unsigned cpus, bool reset)
{
    test_version = 2;
    (reset ? machine_make_reset : machine_make)(cpus, 4);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return make(4, false);
}

static int setup_reset(void **state)
{
    (void)state;
    return make(4, true);
}

static int setup_one(void **state)
{
    (void)state;
    return make(1, false);
}

static int teardown(void **state)
{
    (void)state;
    machine_free();
    return 0;
}

static void identification(void **state)
{
    (void)state;
    assert_int_equal(reg_read(0, GICD, 0x4, 4), 8 | 3 << 5); /* 4.3.2: 256 SPIs, 4 interfaces, no Security Extensions */
    reg_write(0, GICD, 0x4, 4, ~0u);
    assert_int_equal(reg_read(0, GICD, 0x4, 4), 8 | 3 << 5);
    assert_int_equal(reg_read(0, GICD, 0x8, 4), 0x4100043b);
    assert_int_equal(reg_read(0, GICD, 0xfe8, 4), 0x2b);
    assert_int_equal(reg_read(0, GICD, 0xff0, 4), 0x0d);
    for (uint32_t at = 0xd00; at < 0xf00; at += 4) /* PPISR, NSACR: not there */
        assert_int_equal(reg_read(0, GICD, at, 4), 0);
}

static void reset_state(void **state)
{
    (void)state;
    assert_int_equal(reg_read(0, GICD, 0, 4), 0);
    for (unsigned n = 0; n <= 8; n++) {
        assert_int_equal(reg_read(1, GICD, 0x80 + 4 * n, 4), 0);
        assert_int_equal(reg_read(1, GICD, 0x100 + 4 * n, 4), n ? 0 : 0xffff); /* SGIs are always enabled */
        assert_int_equal(reg_read(1, GICD, 0x200 + 4 * n, 4), 0);
        assert_int_equal(reg_read(1, GICD, 0x300 + 4 * n, 4), 0);
    }
    assert_int_equal(reg_read(1, GICD, 0xc00, 4), 0xaaaaaaaa);
    for (uint32_t at = 32; at < 288; at += 4)
        assert_int_equal(reg_read(1, GICD, ITARGETSR + at, 4), 0);
}

/* 4.3.12: each sees its own bit; SPIs take those that exist, by words and bytes. */
static void targets(void **state)
{
    (void)state;
    for (unsigned cpu = 0; cpu < 4; cpu++)
        for (uint32_t at = 0; at < 32; at += 4)
            assert_int_equal(reg_read(cpu, GICD, ITARGETSR + at, 4), 0x01010101u << cpu);
    reg_write(0, GICD, ITARGETSR, 4, ~0u);
    assert_int_equal(reg_read(0, GICD, ITARGETSR, 4), 0x01010101);
    reg_write(0, GICD, ITARGETSR + 40, 4, ~0u);
    assert_int_equal(reg_read(3, GICD, ITARGETSR + 40, 4), 0x0f0f0f0f);
    reg_write(0, GICD, ITARGETSR + 42, 1, 0xf4);
    assert_int_equal(reg_read(0, GICD, ITARGETSR + 40, 4), 0x0f040f0f);
    assert_int_equal(reg_read(0, GICD, ITARGETSR + 42, 1), 4);
    assert_int_equal(reg_read(0, GICD, ITARGETSR + 42, 2), 0); /* no such size */
}

static void one_cpu_has_no_targets(void **state)
{
    (void)state;
    reg_write(0, GICD, ITARGETSR + 40, 4, ~0u);
    assert_int_equal(reg_read(0, GICD, ITARGETSR + 40, 4), 0);
    assert_int_equal(reg_read(0, GICD, ITARGETSR, 4), 0);
    reg_write(0, GICD, 0x104, 4, 1u << 8);
    reg_write(0, GICD, 0x204, 4, 1u << 8);
    assert_int_equal(guest_ack(0), 40);
}

static void spi_goes_where_it_is_sent(void **state)
{
    (void)state;
    reg_write(0, GICD, 0x104, 4, 1u << 8);
    reg_write(0, GICD, 0x204, 4, 1u << 8);
    for (unsigned cpu = 0; cpu < 4; cpu++)
        assert_int_equal(guest_sees(cpu), TEST_SPURIOUS); /* nobody's */
    reg_write(0, GICD, ITARGETSR + 40, 1, 1u << 2);
    machine_settle();
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    assert_int_equal(guest_ack(2), 40);
    reg_write(0, GICD, ITARGETSR + 40, 1, 0xa); /* one of 1 and 3 */
    guest_eoi(2, 40);
    reg_write(0, GICD, 0x204, 4, 1u << 8);
    machine_settle();
    unsigned taken = (guest_ack(1) == 40) + (guest_ack(3) == 40);
    assert_int_equal(taken, 1);
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    assert_int_equal(guest_sees(2), TEST_SPURIOUS);
}

static void private_words_are_banked(void **state)
{
    (void)state;
    reg_write(1, GICD, 0x100, 4, 1u << 20);
    assert_int_equal(reg_read(1, GICD, 0x100, 4), 0xffff | 1u << 20);
    assert_int_equal(reg_read(0, GICD, 0x100, 4), 0xffff);
    reg_write(1, GICD, 0x180, 4, ~0u);
    assert_int_equal(reg_read(1, GICD, 0x180, 4), 0xffff);
    reg_write(2, GICD, 0x400 + 20, 1, 0x57);
    assert_int_equal(reg_read(2, GICD, 0x400 + 20, 4), 0x50); /* 5 bits */
    assert_int_equal(reg_read(1, GICD, 0x400 + 20, 4), 0);
    reg_write(2, GICD, 0x200, 4, 0xffff | 1u << 20); /* SGIs: 4.3.7 */
    assert_int_equal(reg_read(2, GICD, 0x200, 4), 1u << 20);
    reg_write(2, GICD, SPENDSGIR + 3, 1, 1);
    reg_write(2, GICD, 0x280, 4, ~0u);
    assert_int_equal(reg_read(2, GICD, 0x200, 4), 1u << 3);
    reg_write(2, GICD, 0xc00, 4, 0);
    assert_int_equal(reg_read(2, GICD, 0xc00, 4), 0xaaaaaaaa);
}

static void sgir_words(void **state)
{
    (void)state;
    assert_int_equal(sgir_targets(0x00ff0005, 1, 4), 0xf); /* the list, as far as there are CPUs */
    assert_int_equal(sgir_targets(0x00800005, 1, 8), 0x80);
    assert_int_equal(sgir_targets(0x00000005, 1, 4), 0);
    assert_int_equal(sgir_targets(OTHERS | 0x00ff0005, 1, 4), 0xd);
    assert_int_equal(sgir_targets(OTHERS, 0, 1), 0);
    assert_int_equal(sgir_targets(SELF | 0x00ff0005, 3, 4), 8);
    assert_int_equal(sgir_targets(OTHERS | SELF | 0x00ff0005, 1, 4), 0);
}

/* Several senders of one SGI: each arrives once, in turn, with its number. */
static void senders_one_by_one(void **state)
{
    (void)state;
    reg_write(3, GICD, SGIR, 4, 1u << 16 | 5);
    reg_write(1, GICD, SGIR, 4, 1u << 16 | 5);
    reg_write(0, GICD, SGIR, 4, SELF | 5);
    reg_write(1, GICD, SGIR, 4, 1u << 16 | 5); /* again before it was taken: one */
    machine_settle();
    assert_int_equal(reg_read(0, GICD, SPENDSGIR + 4, 4), 0x0b00);
    assert_int_equal(reg_read(0, GICD, CPENDSGIR + 5, 1), 0x0b);
    uint32_t seen = 0;
    for (unsigned i = 0; i < 3; i++) {
        uint32_t iar = guest_ack(0);
        assert_int_equal(iar & 0x3ff, 5);
        seen |= 1u << (iar >> 10);
        assert_int_equal(guest_sees(0), TEST_SPURIOUS); /* the same priority does not preempt */
        guest_eoi(0, iar);
    }
    assert_int_equal(seen, 0x0b);
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    assert_int_equal(reg_read(0, GICD, SPENDSGIR + 4, 4), 0);
}

static void sender_again_while_served(void **state)
{
    (void)state;
    reg_write(2, GICD, SGIR, 4, 1u << 16 | 7);
    assert_int_equal(guest_ack(0), FROM(2, 7));
    reg_write(2, GICD, SGIR, 4, 1u << 16 | 7);
    reg_write(3, GICD, SGIR, 4, 1u << 16 | 7);
    assert_int_equal(reg_read(0, GICD, SPENDSGIR + 7, 1), 0x0c);
    guest_eoi(0, FROM(2, 7));
    uint32_t first = guest_ack(0);
    guest_eoi(0, first);
    uint32_t second = guest_ack(0);
    guest_eoi(0, second);
    assert_int_equal((1u << (first >> 10)) | (1u << (second >> 10)), 0x0c);
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
}

/* Who sends all the time does not keep another out. */
static void senders_take_turns(void **state)
{
    (void)state;
    unsigned others = 0;
    reg_write(1, GICD, SGIR, 4, 1u << 16 | 2);
    reg_write(3, GICD, SGIR, 4, 1u << 16 | 2);
    for (unsigned i = 0; i < 4; i++) {
        uint32_t iar = guest_ack(0);
        others += iar == FROM(3, 2);
        reg_write(1, GICD, SGIR, 4, 1u << 16 | 2);
        guest_eoi(0, iar);
    }
    assert_int_equal(others, 1); /* in four rounds */
}

static void pending_by_registers(void **state)
{
    (void)state;
    reg_write(1, GICD, SPENDSGIR + 8, 4, 0xff0300ff); /* SGIs 8, 10, 11; of eight senders there are four */
    assert_int_equal(reg_read(1, GICD, SPENDSGIR + 8, 4), 0x0f03000f);
    assert_int_equal(reg_read(0, GICD, SPENDSGIR + 8, 4), 0); /* banked */
    reg_write(1, GICD, CPENDSGIR + 8, 4, 0x0f010007);
    assert_int_equal(reg_read(1, GICD, SPENDSGIR + 8, 4), 0x00020008);
    machine_settle();
    uint32_t a = guest_ack(1);
    guest_eoi(1, a);
    uint32_t b = guest_ack(1);
    guest_eoi(1, b);
    assert_true((a == FROM(3, 8) && b == FROM(1, 10)) || (a == FROM(1, 10) && b == FROM(3, 8)));
    assert_int_equal(guest_sees(1), TEST_SPURIOUS);
}

/* What the guest took between is known when it is taken back. */
static void clear_what_was_taken(void **state)
{
    (void)state;
    reg_write(1, GICD, SGIR, 4, 1u << 16 | 4);
    reg_write(2, GICD, SGIR, 4, 1u << 16 | 4);
    uint32_t first = guest_ack(0);
    reg_write(0, GICD, CPENDSGIR + 4, 1, 0xff);
    guest_eoi(0, first);
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    assert_int_equal(reg_read(0, GICD, 0x300, 4), 0);
}

/* GICC_DIR: with EOImode=1 it deactivates wherever it is; with EOImode=0 it does nothing. */
static void deactivation(void **state)
{
    (void)state;
    reg_write(0, GICD, ITARGETSR + 40, 1, 1);
    reg_write(0, GICD, 0x104, 4, 1u << 8);
    reg_write(0, GICD, 0x204, 4, 1u << 8);
    assert_int_equal(guest_ack(0), 40);
    guest_dir(1, 40);
    assert_int_equal(reg_read(0, GICD, 0x304, 4), 1u << 8);
    guest_eoi(0, 40);
    assert_int_equal(reg_read(0, GICD, 0x304, 4), 0);
    for (unsigned cpu = 0; cpu < 2; cpu++)
        cores[cpu].vmcr |= VGIC_VMCR_EOIM;
    reg_write(0, GICD, 0x204, 4, 1u << 8);
    assert_int_equal(guest_ack(0), 40);
    guest_eoi(0, 40);
    assert_int_equal(reg_read(0, GICD, 0x304, 4), 1u << 8);
    guest_dir(1, 40);
    assert_int_equal(reg_read(0, GICD, 0x304, 4), 0);
    reg_write(2, GICD, SGIR, 4, 1u << 16 | 6);
    reg_write(3, GICD, SGIR, 4, 1u << 16 | 6);
    uint32_t first = guest_ack(0);
    guest_eoi(0, first);
    assert_int_equal(guest_sees(0), TEST_SPURIOUS); /* active still */
    guest_dir(0, first);
    assert_int_equal(guest_ack(0), FROM(first >> 10 == 2 ? 3 : 2, 6));
}

/* Random senders, targets and registers on few list registers against a plain model: by target and SGI, who sent. */
static void random_senders(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 6; seed++) {
        uint8_t sent[4][4] = { { 0 } };
        uint32_t serving[4] = { TEST_SPURIOUS, TEST_SPURIOUS, TEST_SPURIOUS, TEST_SPURIOUS };
        srand(seed);
        test_links = seed & 1;
        test_version = 2;
        machine_make(4, 1 + seed % 4);
        for (unsigned i = 0; i < 5000; i++) {
            unsigned cpu = (unsigned)rand() % 4, sgi = (unsigned)rand() % 4, other = (unsigned)rand() % 4,
                     what = (unsigned)rand() % 10;
            if (what < 4) {
                reg_write(cpu, GICD, SGIR, 4, 1u << (16 + other) | sgi);
                sent[other][sgi] |= (uint8_t)(1u << cpu);
            } else if (what == 4) {
                reg_write(cpu, GICD, CPENDSGIR + sgi, 1, 1u << other);
                sent[cpu][sgi] &= (uint8_t) ~(1u << other);
            } else if (what == 5) {
                reg_write(cpu, GICD, SPENDSGIR + sgi, 1, 1u << other);
                sent[cpu][sgi] |= (uint8_t)(1u << other);
            } else if (what == 6) {
                assert_int_equal(reg_read(cpu, GICD, SPENDSGIR + sgi, 1), sent[cpu][sgi]);
            } else if (serving[cpu] != TEST_SPURIOUS) {
                guest_eoi(cpu, serving[cpu]);
                serving[cpu] = TEST_SPURIOUS;
            } else {
                uint32_t iar = serving[cpu] = guest_ack(cpu);
                bool any = sent[cpu][0] | sent[cpu][1] | sent[cpu][2] | sent[cpu][3];
                assert_int_equal(iar != TEST_SPURIOUS, any);
                if (any) {
                    assert_true(sent[cpu][iar & 3] & 1u << (iar >> 10));
                    sent[cpu][iar & 3] &= (uint8_t) ~(1u << (iar >> 10));
                }
            }
            machine_settle();
        }
        machine_free();
    }
    test_links = true;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(identification, setup, teardown),
        cmocka_unit_test_setup_teardown(reset_state, setup_reset, teardown),
        cmocka_unit_test_setup_teardown(targets, setup, teardown),
        cmocka_unit_test_setup_teardown(one_cpu_has_no_targets, setup_one, teardown),
        cmocka_unit_test_setup_teardown(spi_goes_where_it_is_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(private_words_are_banked, setup, teardown),
        cmocka_unit_test(sgir_words),
        cmocka_unit_test_setup_teardown(senders_one_by_one, setup, teardown),
        cmocka_unit_test_setup_teardown(sender_again_while_served, setup, teardown),
        cmocka_unit_test_setup_teardown(senders_take_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(pending_by_registers, setup, teardown),
        cmocka_unit_test_setup_teardown(clear_what_was_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(deactivation, setup, teardown),
        cmocka_unit_test(random_senders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
