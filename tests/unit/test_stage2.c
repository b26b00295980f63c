/* SPDX-License-Identifier: Apache-2.0 */
/* sources: arch/arm64/stage2.c tests/unit/arch_fake.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "arch/arm64/stage2.h"
#include "tests/unit/arch_fake.h"

/* DDI 0487, VTCR_EL2: the size of a start level's space, and what one table of it resolves. */
static void check_consistent(const struct stage2_config *c, unsigned parange)
{
    unsigned t0sz = (unsigned)field_get(FIELD(5, 0), c->vtcr), sl0 = (unsigned)field_get(FIELD(7, 6), c->vtcr);
    unsigned start = 2 - sl0, resolved = 39 - 9 * start + 9;
    assert_int_equal(64 - t0sz, c->ipa_bits);
    assert_int_equal(start, c->start_level);
    /* AArch64.S2InconsistentSL(): 4 more bits than a table resolves, or down to two entries. */
    assert_in_range(c->ipa_bits, resolved - 9 + 1, resolved + 4);
    assert_true(start > 0 || stage2_pa_bits(parange) >= 44);
    assert_int_equal(c->root_pages, c->ipa_bits > resolved ? 1u << (c->ipa_bits - resolved) : 1);
    assert_in_range(c->root_pages, 1, 16);
    assert_int_equal(field_get(FIELD(18, 16), c->vtcr), parange > 5 ? 5 : parange);
    /* RES1 bit 31; write-back write-allocate inner shareable walks; 4 KiB; 8-bit VMID; no hardware updates. */
    assert_int_equal(c->vtcr & ~(FIELD(18, 16) | FIELD(7, 0)), 0x80003500);
}

static void test_config_all(void **state)
{
    (void)state;
    for (unsigned parange = 0; parange <= 6; parange++)
        for (unsigned bits = 0; bits <= 64; bits++) {
            struct stage2_config c;
            int err = stage2_config(bits, parange, &c);
            if (bits < 25)
                assert_int_equal(err, -EINVAL);
            else if (bits > stage2_pa_bits(parange))
                assert_int_equal(err, -ERANGE);
            else {
                assert_int_equal(err, 0);
                assert_int_equal(c.ipa_bits, bits);
                check_consistent(&c, parange);
            }
        }
}

static void test_config_known(void **state)
{
    struct stage2_config c;
    (void)state;
    /* Cortex-A72: PARange 44 bits. */
    assert_int_equal(stage2_config(40, 4, &c), 0);
    assert_int_equal(c.vtcr, 0x80043558);
    assert_int_equal(c.start_level, 1);
    assert_int_equal(c.root_pages, 2);
    assert_int_equal(stage2_config(32, 4, &c), 0);
    assert_int_equal(c.vtcr, 0x80043560);
    assert_int_equal(c.start_level, 1);
    assert_int_equal(c.root_pages, 1);
    assert_int_equal(stage2_config(44, 4, &c), 0);
    assert_int_equal(c.vtcr, 0x80043594);
    assert_int_equal(c.start_level, 0);
    assert_int_equal(c.root_pages, 1);
    /* Cortex-A53: 40 bits. */
    assert_int_equal(stage2_config(40, 2, &c), 0);
    assert_int_equal(c.vtcr, 0x80023558);
    assert_int_equal(stage2_config(42, 3, &c), 0);
    assert_int_equal(c.root_pages, 8);
    assert_int_equal(stage2_config(30, 0, &c), 0);
    assert_int_equal(c.start_level, 2);
}

static void test_granule(void **state)
{
    (void)state;
    assert_true(stage2_granule_ok(0));
    assert_false(stage2_granule_ok(UINT64_C(0xf) << 28));
    assert_false(stage2_granule_ok(UINT64_C(1) << 40));
    assert_true(stage2_granule_ok(UINT64_C(0xf) << 28 | UINT64_C(2) << 40));
}

static void test_vttbr(void **state)
{
    (void)state;
    assert_int_equal(stage2_vttbr(PA(0x12345000), 7), UINT64_C(0x0007000012345000));
}

static pa_t root_pa(struct pt *pt, const uint64_t *table)
{
    (void)pt;
    (void)table;
    return PA(0x40000000);
}

static const struct pt_ops ops = { .table_pa = root_pa };

static void test_invalidate_own(void **state)
{
    struct pt pt = { .ops = &ops, .vmid = 3 };
    (void)state;
    *fake_sysreg("vttbr_el2") = stage2_vttbr(PA(0x40000000), 3);
    unsigned at = fake_event_count;
    stage2_invalidate(&pt, MIB(2), 2 * PAGE_SIZE);
    assert_true(fake_events_are(
        at, (const char *const[]){ "tlbi ipas2e1is", "tlbi ipas2e1is", "dsb ish", "tlbi vmalle1is", "dsb ish", NULL }));
    assert_int_equal(fake_events[at].value, MIB(2));
    assert_int_equal(fake_events[at + 1].value, MIB(2) + PAGE_SIZE);
    at = fake_event_count;
    stage2_invalidate(&pt, MIB(2), MIB(2));
    assert_true(fake_events_are(at, (const char *const[]){ "tlbi vmalls12e1is", "dsb ish", NULL }));
}

static void test_invalidate_foreign(void **state)
{
    struct pt pt = { .ops = &ops, .vmid = 3 };
    uint64_t loaded = stage2_vttbr(PA(0x50000000), 2);
    (void)state;
    *fake_sysreg("vttbr_el2") = loaded;
    *fake_sysreg("tcr_el1") = 0x1234;
    *fake_sysreg("sctlr_el1") = 0x30d00800;
    unsigned at = fake_event_count;
    stage2_invalidate(&pt, 0, PAGE_SIZE);
    assert_true(
        fake_events_are(at, (const char *const[]){ "tcr_el1", "isb", "sctlr_el1", "isb", "vttbr_el2", "isb",
                                                   "tlbi ipas2e1is", "dsb ish", "tlbi vmalle1is", "dsb ish",
                                                   "vttbr_el2", "isb", "sctlr_el1", "isb", "tcr_el1", "isb", NULL }));
    assert_int_equal(fake_events[at].value, 0x1234 | BIT(7) | BIT(23));
    assert_int_equal(fake_events[at + 2].value, 0x30d00801);
    assert_int_equal(fake_events[at + 4].value, stage2_vttbr(PA(0x40000000), 3));
    assert_int_equal(*fake_sysreg("vttbr_el2"), loaded);
    assert_int_equal(*fake_sysreg("sctlr_el1"), 0x30d00800);
    assert_int_equal(*fake_sysreg("tcr_el1"), 0x1234);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_all),     cmocka_unit_test(test_config_known),
        cmocka_unit_test(test_granule),        cmocka_unit_test(test_vttbr),
        cmocka_unit_test(test_invalidate_own), cmocka_unit_test(test_invalidate_foreign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
