/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/mmio.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "arch/arm64/exit.h"
#include "hyp/dispatch.h"

#define ESR_DABT ((uint64_t)EC_DABT_LOW << 26 | ESR_IL)
#define ISV BIT(24)

static uint64_t esr_make(unsigned sas, bool sse, unsigned srt, bool sf, bool wnr)
{
    return ESR_DABT | ISV | (uint64_t)sas << 22 | (uint64_t)sse << 21 | (uint64_t)srt << 16 | (uint64_t)sf << 15 |
           (uint64_t)wnr << 6 | 0x7; /* DFSC: translation fault, level 3 */
}

static void test_all_syndromes(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 1u << 10; bits++) {
        unsigned sas = bits & 3, srt = bits >> 5;
        bool sse = bits & 4, sf = bits & 8, wnr = bits & 16;
        struct mmio m;
        assert_int_equal(mmio_decode(esr_make(sas, sse, srt, sf, wnr), IPA(0x9000018), &m), MMIO_OK);
        assert_int_equal(m.ipa.raw, 0x9000018);
        assert_int_equal(m.size, 1 << sas);
        assert_int_equal(m.reg, srt);
        assert_int_equal(m.write, wnr);
        assert_int_equal(m.sign_extend, sse);
        assert_int_equal(m.wide, sf);
    }
}

static void test_known_instructions(void **state)
{
    struct mmio m;
    (void)state;
    /* str w1, [x0] and ldrsb x3, [x0] as the core reports them. */
    assert_int_equal(mmio_decode(0x93810047, IPA(0), &m), MMIO_OK);
    assert_true(m.write && m.size == 4 && m.reg == 1 && !m.wide && !m.sign_extend);
    assert_int_equal(mmio_decode(0x93238007, IPA(0), &m), MMIO_OK);
    assert_true(!m.write && m.size == 1 && m.reg == 3 && m.wide && m.sign_extend);
}

static void test_no_syndrome(void **state)
{
    struct mmio m;
    (void)state;
    assert_int_equal(mmio_decode(esr_make(2, 0, 1, 0, 0) & ~ISV, IPA(0), &m), MMIO_NO_SYNDROME);
    assert_int_equal(mmio_decode(esr_make(2, 0, 1, 0, 1) | BIT(8), IPA(0), &m), MMIO_NO_SYNDROME); /* DC by VA */
    assert_int_equal(mmio_decode(esr_make(2, 0, 1, 0, 0) | BIT(7), IPA(0), &m), MMIO_NO_SYNDROME); /* stage 1 walk */
    assert_int_equal(mmio_decode((esr_make(2, 0, 1, 0, 0) & FIELD(24, 0)) | (uint64_t)EC_IABT_LOW << 26, IPA(0), &m),
                     MMIO_NO_SYNDROME);
    assert_int_equal(mmio_decode((esr_make(2, 0, 1, 0, 0) & FIELD(24, 0)) | (uint64_t)EC_DABT_CUR << 26, IPA(0), &m),
                     MMIO_NO_SYNDROME);
}

static void test_extend(void **state)
{
    static const uint64_t values[] = { 0,           1,      0x7f,       0x80,       0xff,
                                       0x7fff,      0x8000, 0x7fffffff, 0x80000000, 0xdeadbeefcafef00d,
                                       ~UINT64_C(0) };
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(values); i++)
        for (unsigned size = 1; size <= 8; size *= 2)
            for (unsigned mode = 0; mode < 4; mode++) {
                struct mmio m = { .size = (uint8_t)size, .sign_extend = mode & 1, .wide = mode & 2 };
                uint64_t v = values[i], want = 0;
                switch (size) {
                case 1: want = m.sign_extend ? (uint64_t)(int8_t)v : (uint8_t)v; break;
                case 2: want = m.sign_extend ? (uint64_t)(int16_t)v : (uint16_t)v; break;
                case 4: want = m.sign_extend ? (uint64_t)(int32_t)v : (uint32_t)v; break;
                default: want = v; break;
                }
                assert_int_equal(mmio_extend(&m, v), m.wide ? want : (uint32_t)want);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_syndromes),
        cmocka_unit_test(test_known_instructions),
        cmocka_unit_test(test_no_syndrome),
        cmocka_unit_test(test_extend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
