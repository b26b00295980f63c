/* SPDX-License-Identifier: Apache-2.0 */
/* sources: vdevs/vgic/virq.c arch/arm64/gicv3_lr.c */
/* One virtual interrupt: what makes it pending, what a list register says of it, what comes back. And GICv3's list register words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arch/arm64/gicv3_lr.h"
#include "vdevs/vgic/vgic.h"

static struct vgic_cpu cpu;
static struct virq_bank bank;
static struct virq v, w;

static int setup(void **state)
{
    (void)state;
    memset(&cpu, 0, sizeof(cpu));
    memset(&v, 0, sizeof(v));
    memset(&w, 0, sizeof(w));
    list_init(&cpu.queue);
    bank = (struct virq_bank){ .enabled = ~0u };
    v.bank = w.bank = &bank;
    v.intid = 40;
    w.intid = 41;
    virq_reset(&v, &cpu);
    virq_reset(&w, &cpu);
    return 0;
}

static bool queued(const struct virq *x)
{
    return !list_empty(&x->node);
}

static void level_follows_its_line(void **state)
{
    (void)state;
    assert_true(virq_line(&v, 1, true));
    assert_true(virq_pending(&v) && queued(&v));
    assert_false(virq_line(&v, 2, true)); /* wired together: high already */
    assert_false(virq_line(&v, 1, false));
    assert_true(virq_pending(&v));
    (void)!virq_line(&v, 2, false);
    assert_false(virq_pending(&v) || queued(&v));
    assert_int_equal(cpu.queued, 0);
}

static void level_latch_stays_until_cleared_or_taken(void **state)
{
    (void)state;
    assert_true(virq_latch(&v));
    (void)!virq_line(&v, 1, true);
    (void)!virq_unlatch(&v);
    assert_true(virq_pending(&v)); /* the line still holds it */
    (void)!virq_latch(&v);
    (void)!virq_line(&v, 1, false);
    assert_true(virq_pending(&v));
    (void)!virq_unlatch(&v);
    assert_false(virq_pending(&v));
}

static void edge_is_latched_once(void **state)
{
    (void)state;
    bank.edge = ~0u;
    assert_true(virq_line(&v, 1, true));
    assert_false(virq_line(&v, 1, false));
    assert_true(virq_pending(&v));
    assert_false(virq_line(&v, 1, true)); /* pending already: edges merge */
    virq_fold(&v, LR_PENDING, LR_ACTIVE);
    assert_true(v.active && !virq_pending(&v));
}

static void edge_while_in_a_list_register(void **state)
{
    (void)state;
    bank.edge = ~0u;
    (void)!virq_latch(&v);
    v.lr = 3;
    assert_true(virq_latch(&v)); /* the guest may have taken the first */
    virq_fold(&v, LR_PENDING, LR_ACTIVE);
    assert_true(v.active && v.latch);
    virq_fold(&v, LR_PENDING_ACTIVE, LR_PENDING);
    assert_true(!v.active && v.latch);
    (void)!virq_latch(&v);
    virq_fold(&v, LR_PENDING, LR_PENDING); /* not taken: they merge */
    virq_fold(&v, LR_PENDING, LR_INVALID);
    assert_false(v.latch || v.active);
    (void)!virq_set_active(&v, true);
    (void)!virq_latch(&v); /* the copy is active only */
    virq_fold(&v, LR_ACTIVE, LR_INVALID);
    assert_true(v.latch && !v.active);
}

static void disabled_is_not_queued(void **state)
{
    (void)state;
    bank.enabled = 0;
    assert_false(virq_latch(&v));
    assert_true(virq_pending(&v) && !queued(&v));
    assert_true(virq_set_active(&v, true)); /* active ones are, enabled or not */
    assert_true(queued(&v));
    assert_false(virq_deliverable(&v, 3));
    bank.enabled = ~0u;
    assert_true(virq_deliverable(&v, 1));
    assert_false(virq_deliverable(&v, 2)); /* it is in group 0 */
    bank.group1 = ~0u;
    assert_true(virq_deliverable(&v, 2));
    v.nowhere = true;
    assert_false(virq_deliverable(&v, 3));
}

static void queue_is_in_priority_order(void **state)
{
    (void)state;
    v.priority = 0x80;
    w.priority = 0x80;
    (void)!virq_latch(&w);
    (void)!virq_latch(&v);
    assert_ptr_equal(cpu.queue.next, &v.node); /* equal: the lower INTID first */
    v.priority = 0x90;
    assert_true(virq_requeue(&v));
    assert_ptr_equal(cpu.queue.next, &w.node);
    assert_int_equal(cpu.queued, 2);
}

static void list_register_of_a_level(void **state)
{
    (void)state;
    (void)!virq_line(&v, 1, true);
    v.priority = 0x48;
    struct lr lr = virq_lr(&v, true);
    assert_int_equal(lr.state, LR_PENDING);
    assert_int_equal(lr.priority, 0x48);
    assert_true(lr.eoi_maint && !lr.hw && !lr.group1);
    v.active = true;
    assert_int_equal(virq_lr(&v, true).state, LR_PENDING_ACTIVE);
    (void)!virq_line(&v, 1, false);
    lr = virq_lr(&v, false);
    assert_int_equal(lr.state, LR_ACTIVE);
    assert_false(lr.eoi_maint); /* nothing to look at when it ends */
}

static void list_register_of_a_linked(void **state)
{
    (void)state;
    v.hw = v.link = true;
    v.pintid = 27;
    v.sources = 1;
    struct lr lr = virq_lr(&v, true);
    assert_true(lr.hw && lr.pintid == 27 && lr.state == LR_PENDING && !lr.eoi_maint);
    v.active = true;
    lr = virq_lr(&v, true);
    assert_true(lr.hw && lr.state == LR_ACTIVE); /* never both with hw */
    v.latch = true;
    lr = virq_lr(&v, true);
    assert_true(!lr.hw && lr.state == LR_PENDING_ACTIVE && lr.eoi_maint);
    v.latch = false;
    virq_fold(&v, LR_ACTIVE, LR_INVALID);
    assert_true(!v.active && !v.sources); /* the line shows again by the physical interrupt */
}

static void words_of_list_registers(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        struct lr lr = { .vintid = (uint16_t)(rand() % 1020),
                         .priority = (uint8_t)rand(),
                         .state = rand() & 3,
                         .group1 = rand() & 1,
                         .hw = rand() & 1 };
        if (lr.hw)
            lr.pintid = (uint16_t)(rand() % 1020);
        else
            lr.eoi_maint = rand() & 1;
        struct lr back = gicv3_lr_decode(gicv3_lr_encode(lr));
        assert_true(back.vintid == lr.vintid && back.pintid == lr.pintid && back.priority == lr.priority &&
                    back.state == lr.state && back.group1 == lr.group1 && back.hw == lr.hw &&
                    back.eoi_maint == lr.eoi_maint);
    }
    struct lr lr = { .vintid = 27, .pintid = 30, .priority = 0xa0, .state = LR_PENDING, .group1 = true, .hw = true };
    assert_int_equal(gicv3_lr_encode(lr), UINT64_C(0x70a0001e0000001b));
    lr = (struct lr){ .vintid = 33, .state = LR_PENDING_ACTIVE, .eoi_maint = true };
    assert_int_equal(gicv3_lr_encode(lr), UINT64_C(0xc000020000000021));
}

static void affinities(void **state)
{
    (void)state;
    uint64_t mpidr = UINT64_C(0x1281030201);
    assert_int_equal(gicv3_typer_affinity(mpidr), 0x12030201);
    assert_int_equal(gicv3_irouter(mpidr), UINT64_C(0x1200030201));
    assert_int_equal(gicv3_sgi1r(mpidr, 5), UINT64_C(0x0012000305020002));
    assert_int_equal(gicv3_sgi1r(0x13, 0), UINT64_C(0x0000100000000008)); /* Aff0 19: range 1, bit 3 */
    uint64_t apr[4] = { 0 };
    assert_int_equal(gicv3_active_priority(apr, 5), 0xff);
    apr[0] = BIT(20) | BIT(4);
    assert_int_equal(gicv3_active_priority(apr, 5), 0x20);
    apr[0] = 0;
    apr[1] = BIT(0);
    assert_int_equal(gicv3_active_priority(apr, 6), 0x80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(level_follows_its_line, setup),
        cmocka_unit_test_setup(level_latch_stays_until_cleared_or_taken, setup),
        cmocka_unit_test_setup(edge_is_latched_once, setup),
        cmocka_unit_test_setup(edge_while_in_a_list_register, setup),
        cmocka_unit_test_setup(disabled_is_not_queued, setup),
        cmocka_unit_test_setup(queue_is_in_priority_order, setup),
        cmocka_unit_test_setup(list_register_of_a_level, setup),
        cmocka_unit_test_setup(list_register_of_a_linked, setup),
        cmocka_unit_test(words_of_list_registers),
        cmocka_unit_test(affinities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
