/* SPDX-License-Identifier: Apache-2.0 */
/* sources: vdevs/vgic/access.c vdevs/vgic/cpu.c vdevs/vgic/fill.c vdevs/vgic/fold.c vdevs/vgic/watch.c vdevs/vgic/dist.c vdevs/vgic/dist_v2.c vdevs/vgic/dist_v3.c vdevs/vgic/lr.c vdevs/vgic/pic.c vdevs/vgic/redist.c vdevs/vgic/route.c vdevs/vgic/sgi_v2.c vdevs/vgic/sgi_v3.c vdevs/vgic/sysreg.c vdevs/vgic/vgic.c vdevs/vgic/virq.c vdevs/vgic/words.c arch/arm64/gicv2_lr.c arch/arm64/gicv3_lr.c hyp/regs.c tests/unit/alloc_fake.c tests/unit/vgic_support.c */
/* Shared interrupts whose end somebody waits for: told once for each, however the guest ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "tests/unit/vgic_support.h"

#define INTID 40
#define ISENABLER 0x100
#define ICENABLER 0x180
#define ISPENDR 0x200
#define ISACTIVER 0x300
#define ICACTIVER 0x380
#define WORD 4 /* of INTIDs 32 to 63 */
#define IROUTER 0x6000

static int setup(void **state)
{
    (void)state;
    struct guest_intr line = { .pic = &test_gic, .param = INTID };
    machine_make(2, 4);
    assert_int_equal(vgic_pic.notify(&line, GIN_ACK | GIN_UNMASK), EOK);
    memset(test_told, 0, sizeof(test_told));
    test_told_param = 0;
    reg_write(0, GICD, ISENABLER + WORD, 4, 1 << (INTID - 32));
    assert_true(test_told[0] == 1 && test_told_param == INTID);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    machine_free();
    return 0;
}

static void assert_ended(unsigned times)
{
    machine_settle();
    assert_int_equal(test_told[1], times);
}

static void by_its_end(void **state)
{
    (void)state;
    device_line(INTID, 1, true);
    machine_settle();
    assert_int_equal(guest_ack(0), INTID);
    assert_ended(0);
    guest_eoi(0, INTID);
    assert_ended(1);
    /* The line is high still: once more. */
    assert_int_equal(guest_ack(0), INTID);
    device_line(INTID, 1, false);
    guest_eoi(0, INTID);
    assert_ended(2);
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    assert_ended(2);
}

static void by_icactiver(void **state)
{
    (void)state;
    device_line(INTID, 1, true);
    machine_settle();
    assert_int_equal(guest_ack(0), INTID);
    device_line(INTID, 1, false);
    reg_write(1, GICD, ICACTIVER + WORD, 4, 1 << (INTID - 32)); /* another vCPU */
    assert_ended(1);
    reg_write(0, GICD, ISACTIVER + WORD, 4, 1 << (INTID - 32));
    assert_ended(1);
    reg_write(0, GICD, ICACTIVER + WORD, 4, 1 << (INTID - 32));
    assert_ended(2);
    reg_write(0, GICD, ICACTIVER + WORD, 4, 1 << (INTID - 32));
    assert_ended(2);
}

static void of_an_edge(void **state)
{
    (void)state;
    reg_write(0, GICD, ICENABLER + WORD, 4, 1 << (INTID - 32));
    reg_write(0, GICD, 0xc00 + 8, 4, 2u << 2 * (INTID - 32));
    reg_write(0, GICD, ISENABLER + WORD, 4, 1 << (INTID - 32));
    device_line(INTID, 1, true);
    machine_settle();
    assert_int_equal(guest_ack(0), INTID);
    guest_eoi(0, INTID);
    assert_ended(1);
}

static void others_are_nobodys(void **state)
{
    (void)state;
    reg_write(0, GICD, ISENABLER + WORD, 4, 2 << (INTID - 32));
    device_line(INTID + 1, 1, true);
    machine_settle();
    assert_int_equal(guest_ack(0), INTID + 1);
    device_line(INTID + 1, 1, false);
    guest_eoi(0, INTID + 1);
    assert_ended(0);
    assert_int_equal(test_told[0], 1);
}

static void after_it_went_to_another_vcpu(void **state)
{
    (void)state;
    reg_write(0, GICD, IROUTER + 8 * INTID, 8, 1);
    device_line(INTID, 1, true);
    machine_settle();
    assert_int_equal(guest_ack(1), INTID);
    reg_write(0, GICD, IROUTER + 8 * INTID, 8, 0); /* while it is active */
    device_line(INTID, 1, false);
    guest_eoi(1, INTID);
    assert_ended(1);
}

/* A reset forgets what was going on, not who waits. */
static void over_a_reset(void **state)
{
    (void)state;
    device_line(INTID, 1, true);
    machine_settle();
    assert_int_equal(guest_ack(0), INTID);
    vgic_reset(NULL);
    assert_ended(0);
    assert_true(machine_virq(0, INTID)->watched && !machine_virq(0, INTID)->done);
}

static void what_cannot_be_watched(void **state)
{
    struct guest_intr line = { .pic = &test_gic, .param = 27 };
    (void)state;
    assert_int_equal(vgic_pic.notify(&line, GIN_ACK), EINVAL);
    line.param = VGIC_PRIVATE + VGIC_SPIS;
    assert_int_equal(vgic_pic.notify(&line, GIN_ACK), EINVAL);
    line.param = INTID;
    assert_int_equal(vgic_pic.notify(&line, 4), EINVAL);
    assert_int_equal(vgic_pic.notify(&line, GIN_ACK), EOK); /* watched already */
    for (unsigned i = 1; i < VGIC_WATCHED; i++) {
        line.param = INTID + i;
        assert_int_equal(vgic_pic.notify(&line, GIN_ACK), EOK);
    }
    line.param = INTID + VGIC_WATCHED;
    assert_int_equal(vgic_pic.notify(&line, GIN_ACK), ENOSPC);
}

static void edge_by_config(void)
{
    reg_write(0, GICD, ICENABLER + WORD, 4, 1 << (INTID - 32));
    reg_write(0, GICD, 0xc00 + INTID / 16 * 4, 4, 2u << 2 * (INTID % 16));
}

/* A driver drops what came before it was there; who masked the machine's interrupt hears of that, or it never came again. */
static void an_edge_that_is_dropped(void **state)
{
    (void)state;
    edge_by_config();
    device_line(INTID, 1, true);
    machine_settle();
    reg_write(0, GICD, 0x280 + WORD, 4, 1 << (INTID - 32));
    reg_write(0, GICD, ISENABLER + WORD, 4, 1 << (INTID - 32));
    machine_settle();
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    assert_ended(1);
}

/* It came while it was level, as out of reset, and is one by edge then: pending or not, it is nobody's only if nobody is told. */
static void an_edge_before_it_was_one(void **state)
{
    (void)state;
    reg_write(0, GICD, ICENABLER + WORD, 4, 1 << (INTID - 32));
    device_line(INTID, 1, true);
    machine_settle();
    edge_by_config();
    reg_write(0, GICD, ISENABLER + WORD, 4, 1 << (INTID - 32));
    machine_settle();
    assert_int_equal(guest_sees(0), TEST_SPURIOUS);
    assert_ended(1);
}

/* Something else is written to the list registers while the guest serves it: it is not pending beside active, as its line may have fallen since. */
static void once_though_another_came_meanwhile(void **state)
{
    (void)state;
    reg_write(0, 0, 0x10100, 4, 1 << 1);
    device_line(INTID, 1, true);
    machine_settle();
    assert_int_equal(guest_ack(0), INTID);
    reg_write(1, 0, 0x10200, 4, 1 << 1); /* SGI 1 of another vCPU */
    machine_settle();
    guest_eoi(0, INTID);
    assert_ended(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_its_end, setup, teardown),
        cmocka_unit_test_setup_teardown(by_icactiver, setup, teardown),
        cmocka_unit_test_setup_teardown(of_an_edge, setup, teardown),
        cmocka_unit_test_setup_teardown(others_are_nobodys, setup, teardown),
        cmocka_unit_test_setup_teardown(after_it_went_to_another_vcpu, setup, teardown),
        cmocka_unit_test_setup_teardown(over_a_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(an_edge_that_is_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(an_edge_before_it_was_one, setup, teardown),
        cmocka_unit_test_setup_teardown(once_though_another_came_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_watched, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
