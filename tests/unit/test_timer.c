/* SPDX-License-Identifier: Apache-2.0 */
/* sources: arch/arm64/timer_vcpu.c */
/* When a vCPU's timers assert their lines, from its saved registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "arch/arm64/timer.h"

#define ON 1
#define MASKED 3
#define NEVER (~UINT64_C(0))

static void off_or_masked_never_asserts(void **state)
{
    (void)state;
    struct timer_vcpu t = { .cntv_ctl = 0, .cntp_ctl = MASKED };
    assert_int_equal(timer_vcpu_deadline(&t, 1000), NEVER);
    assert_false(timer_vcpu_virt_asserted(&t, 1000) || timer_vcpu_phys_asserted(&t, 1000));
}

static void the_earlier_of_the_two(void **state)
{
    (void)state;
    struct timer_vcpu t = { .cntv_ctl = ON, .cntv_cval = 2000, .cntp_ctl = ON, .cntp_cval = 1500 };
    assert_int_equal(timer_vcpu_deadline(&t, 1000), 1500);
    t.cntvoff = (uint64_t)-600; /* the virtual count is ahead by 600 */
    assert_int_equal(timer_vcpu_deadline(&t, 1000), 1400);
    assert_int_equal(timer_vcpu_deadline(&t, 1450), 1450);
    assert_true(timer_vcpu_virt_asserted(&t, 1400));
    assert_false(timer_vcpu_virt_asserted(&t, 1399) || timer_vcpu_phys_asserted(&t, 1499));
    assert_true(timer_vcpu_phys_asserted(&t, 1500));
}

/* DDI 0487 D11.2.4: counts and compare values are unsigned. */
static void extremes(void **state)
{
    (void)state;
    struct timer_vcpu t = { .cntv_ctl = ON, .cntv_cval = ~UINT64_C(0) };
    assert_int_equal(timer_vcpu_deadline(&t, 1000), NEVER);
    t.cntv_cval = 0;
    assert_int_equal(timer_vcpu_deadline(&t, 1000), 1000);
    t.cntvoff = 5000; /* the virtual count has not begun: it is huge, so the condition is met */
    assert_int_equal(timer_vcpu_deadline(&t, 1000), 1000);
    t.cntvoff = 100;
    t.cntv_cval = UINT64_C(1) << 63;
    assert_int_equal(timer_vcpu_deadline(&t, 1000), (UINT64_C(1) << 63) + 100);
    t.cntv_cval = ~UINT64_C(0) - 50; /* beyond the physical counter's end */
    assert_int_equal(timer_vcpu_deadline(&t, 1000), NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_or_masked_never_asserts),
        cmocka_unit_test(the_earlier_of_the_two),
        cmocka_unit_test(extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
