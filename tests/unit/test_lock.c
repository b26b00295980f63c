/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/lock.c */
/* What a core holds, as builds with CONFIG_LOCK_RECORD write it down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "hyp/base/bits.h"
#include "hyp/base/lock.h"

#define LOCKS (2 * LOCK_RECORD_SIZE)
static struct spinlock locks[LOCKS];
static struct lock_record record;

/* There are no cores here, so nothing of this is asked. */
struct lock_record *lock_record_here(void)
{
    fail_msg("asked on the host");
    return NULL;
}

void lock_order_broken(const struct lock_held *held, const struct spinlock *l, uintptr_t at)
{
    (void)held, (void)l, (void)at;
    fail_msg("asked on the host");
    abort();
}

static int forget(void **state)
{
    (void)state;
    memset(&record, 0, sizeof(record));
    return 0;
}

static void is_held(unsigned first, unsigned last)
{
    for (unsigned i = 0; i < LOCKS; i++)
        assert_int_equal(lock_record_has(&record, &locks[i]), i >= first && i <= last);
    assert_int_equal(record.count, last - first + 1);
}

static void test_in_order(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        lock_record_take(&record, &locks[i], i);
    is_held(0, 2);
    for (unsigned i = 3; i > 0; i--)
        lock_record_drop(&record, &locks[i - 1]);
    assert_int_equal(record.count, 0);
    assert_false(lock_record_has(&record, &locks[0]));
    assert_int_equal(record.peak, 3);
}

static void test_in_another_order(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        lock_record_take(&record, &locks[i], i);
    lock_record_drop(&record, &locks[0]);
    is_held(1, 3);
    lock_record_drop(&record, &locks[3]);
    is_held(1, 2);
    lock_record_take(&record, &locks[3], 0);
    is_held(1, 3);
    assert_int_equal(record.peak, 4);
}

/* Those that found no place are counted, and go without disturbing the others. */
static void test_more_than_fit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LOCKS; i++)
        lock_record_take(&record, &locks[i], i);
    assert_int_equal(record.count, LOCKS);
    assert_true(lock_record_has(&record, &locks[LOCK_RECORD_SIZE - 1]));
    assert_false(lock_record_has(&record, &locks[LOCK_RECORD_SIZE]));
    for (unsigned i = LOCKS; i > 0; i--)
        lock_record_drop(&record, &locks[i - 1]);
    assert_int_equal(record.count, 0);
    lock_record_take(&record, &locks[5], 0);
    is_held(5, 5);
}

/* A core without a record, and a lock that was taken before there was one. */
static void test_what_was_not_recorded(void **state)
{
    (void)state;
    lock_record_take(NULL, &locks[0], 0);
    lock_record_drop(NULL, &locks[0]);
    assert_false(lock_record_has(NULL, &locks[0]));
    lock_record_drop(&record, &locks[0]);
    assert_int_equal(record.count, 0);
}

static const struct spinlock vm = { .rank = LOCK_VM }, nobody, sched = { .rank = LOCK_SCHED },
                             one = { .rank = LOCK_INTC_CPU, .number = 1 }, two = { .rank = LOCK_INTC_CPU, .number = 2 },
                             other_vm = { .rank = LOCK_VM };

static const struct spinlock *barred_by(const struct spinlock *l)
{
    const struct lock_held *held = lock_record_bars(&record, l);
    return held ? held->lock : NULL;
}

static void test_rising_ranks(void **state)
{
    (void)state;
    const struct spinlock *const rising[] = { &vm, &nobody, &one, &two, &sched };
    for (unsigned i = 0; i < ARRAY_LEN(rising); i++) {
        assert_null(barred_by(rising[i]));
        lock_record_take(&record, rising[i], 1 + i);
    }
    /* Whatever is taken now that comes before one of them is barred by the outermost such, which says where it was taken. */
    assert_ptr_equal(barred_by(&vm), &vm);
    assert_ptr_equal(barred_by(&two), &two);
    assert_ptr_equal(barred_by(&one), &one);
    assert_int_equal(lock_record_bars(&record, &one)->at, 3);
    lock_record_drop(&record, &one);
    assert_ptr_equal(barred_by(&one), &two);
    lock_record_drop(&record, &two);
    assert_ptr_equal(barred_by(&one), &sched);
    lock_record_drop(&record, &sched);
    assert_null(barred_by(&one));
}

/* Without numbers no two of a rank are held together, and no lock twice. */
static void test_equal_ranks(void **state)
{
    (void)state;
    lock_record_take(&record, &vm, 0);
    assert_ptr_equal(barred_by(&other_vm), &vm);
    assert_ptr_equal(barred_by(&vm), &vm);
    lock_record_drop(&record, &vm);
    assert_null(barred_by(&other_vm));
    assert_null(lock_record_bars(NULL, &vm));
}

/* What was taken out of order without waiting counts like any other. */
static void test_try_in_between(void **state)
{
    (void)state;
    lock_record_take(&record, &sched, 0);
    lock_record_take(&record, &vm, 0);
    assert_ptr_equal(barred_by(&nobody), &sched);
}

/* The host's locks are not recorded, so that every test links without it. */
static void test_nothing_is_known_here(void **state)
{
    (void)state;
    lock_acquire(&locks[0]);
    assert_false(lock_held_here(&locks[0]));
    assert_int_equal(locks_held_here(), 0);
    lock_release(&locks[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_in_order, forget),       cmocka_unit_test_setup(test_in_another_order, forget),
        cmocka_unit_test_setup(test_more_than_fit, forget),  cmocka_unit_test_setup(test_what_was_not_recorded, forget),
        cmocka_unit_test_setup(test_rising_ranks, forget),   cmocka_unit_test_setup(test_equal_ranks, forget),
        cmocka_unit_test_setup(test_try_in_between, forget), cmocka_unit_test(test_nothing_is_known_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
