/* SPDX-License-Identifier: Apache-2.0 */
/* sources: arch/arm64/gicv2_lr.c */
/* GICv2's words: list registers, targets, GICD_SGIR, where GICC's pages lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "arch/arm64/gicv2_lr.h"

/* IHI 0048 5.3.9, bit by bit. */
static void list_register_words(void **state)
{
    (void)state;
    struct lr sgi = { .vintid = 5, .priority = 0xa0, .state = LR_PENDING, .source = 6 };
    assert_int_equal(gicv2_lr_encode(sgi), 5 | 6 << 10 | 0x14u << 23 | 1u << 28);
    sgi.eoi_maint = true;
    sgi.group1 = true;
    assert_int_equal(gicv2_lr_encode(sgi), 5 | 6 << 10 | 1u << 19 | 0x14u << 23 | 1u << 28 | 1u << 30);
    struct lr timer = { .vintid = 27, .pintid = 27, .priority = 8, .state = LR_PENDING_ACTIVE, .hw = true };
    assert_int_equal(gicv2_lr_encode(timer), 27 | 27 << 10 | 1u << 23 | 3u << 28 | 1u << 31);
    /* What a link excludes is not written, and a physical INTID is not taken for EOI or a sender. */
    timer.pintid = 1019;
    timer.eoi_maint = true;
    timer.source = 7;
    assert_int_equal(gicv2_lr_encode(timer), 27 | 1019u << 10 | 1u << 23 | 3u << 28 | 1u << 31);
    struct lr back = gicv2_lr_decode(gicv2_lr_encode(timer));
    assert_true(back.hw && back.pintid == 1019 && !back.eoi_maint && back.source == 0);
}

static void list_register_words_come_back(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 1u << 14; n++) {
        struct lr lr = { .vintid = (uint16_t)(n * 37 % 1020), .priority = (uint8_t)(n % 32 * 8), .state = n >> 5 & 3 };
        lr.group1 = n >> 7 & 1;
        lr.hw = n >> 8 & 1;
        lr.pintid = lr.hw ? (uint16_t)(n * 101 % 1020) : 0;
        lr.eoi_maint = !lr.hw && (n >> 9 & 1);
        lr.source = lr.hw ? 0 : n >> 10 & 7;
        struct lr back = gicv2_lr_decode(gicv2_lr_encode(lr));
        assert_memory_equal(&back, &lr, sizeof(lr));
    }
}

static void target_bits(void **state)
{
    (void)state;
    uint32_t words[8] = { 0 };
    assert_int_equal(gicv2_target(words), 1); /* one core: RAZ/WI */
    for (unsigned i = 0; i < 8; i++)
        words[i] = 0x04040404;
    assert_int_equal(gicv2_target(words), 4);
    memset(words, 0, sizeof(words));
    words[6] = 0x80000000; /* a single PPI is implemented */
    assert_int_equal(gicv2_target(words), 0x80);
    assert_int_equal(gicv2_sgir(0x80, 3), 0x00800003);
}

static void where_the_cpu_interface_lies(void **state)
{
    const uint32_t gic400 = 0x0202143b;
    (void)state;
    assert_int_equal(gicv2_cpu_offset(KIB(8), gic400, gic400), 0);
    assert_int_equal(gicv2_cpu_offset(KIB(64), gic400, gic400), 0);
    assert_int_equal(gicv2_cpu_offset(KIB(128), gic400, gic400), 0xf000);
    assert_int_equal(gicv2_cpu_offset(KIB(128), gic400, 0), 0);
    assert_int_equal(gicv2_cpu_offset(KIB(128), 0, 0), 0); /* nothing there at all */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_register_words),
        cmocka_unit_test(list_register_words_come_back),
        cmocka_unit_test(target_bits),
        cmocka_unit_test(where_the_cpu_interface_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
