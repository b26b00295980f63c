/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/base/lock.c */
/* What a core holds, as builds with CONFIG_LOCK_RECORD write it down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
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
        lock_record_take(&record, &locks[i]);
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
        lock_record_take(&record, &locks[i]);
    lock_record_drop(&record, &locks[0]);
    is_held(1, 3);
    lock_record_drop(&record, &locks[3]);
    is_held(1, 2);
    lock_record_take(&record, &locks[3]);
    is_held(1, 3);
    assert_int_equal(record.peak, 4);
}

/* Those that found no place are counted, and go without disturbing the others. */
static void test_more_than_fit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LOCKS; i++)
        lock_record_take(&record, &locks[i]);
    assert_int_equal(record.count, LOCKS);
    assert_true(lock_record_has(&record, &locks[LOCK_RECORD_SIZE - 1]));
    assert_false(lock_record_has(&record, &locks[LOCK_RECORD_SIZE]));
    for (unsigned i = LOCKS; i > 0; i--)
        lock_record_drop(&record, &locks[i - 1]);
    assert_int_equal(record.count, 0);
    lock_record_take(&record, &locks[5]);
    is_held(5, 5);
}

/* A core without a record, and a lock that was taken before there was one. */
static void test_what_was_not_recorded(void **state)
{
    (void)state;
    lock_record_take(NULL, &locks[0]);
    lock_record_drop(NULL, &locks[0]);
    assert_false(lock_record_has(NULL, &locks[0]));
    lock_record_drop(&record, &locks[0]);
    assert_int_equal(record.count, 0);
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
        cmocka_unit_test_setup(test_in_order, forget),      cmocka_unit_test_setup(test_in_another_order, forget),
        cmocka_unit_test_setup(test_more_than_fit, forget), cmocka_unit_test_setup(test_what_was_not_recorded, forget),
        cmocka_unit_test(test_nothing_is_known_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
