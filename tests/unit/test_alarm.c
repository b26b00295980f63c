/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/alarm.c */
/* Queues of alarms against a model that looks at all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "hyp/alarm.h"

static struct alarm_queue queue;
static struct alarm alarms[CONFIG_MAX_ALARMS];
static uint64_t model[CONFIG_MAX_ALARMS]; /* when each is due */

static int setup(void **state)
{
    (void)state;
    queue = (struct alarm_queue){ .first = ALARM_NEVER };
    for (unsigned i = 0; i < CONFIG_MAX_ALARMS; i++) {
        alarms[i] = (struct alarm){ 0 };
        model[i] = ALARM_NEVER;
    }
    return 0;
}

static uint64_t model_first(void)
{
    uint64_t first = ALARM_NEVER;
    for (unsigned i = 0; i < CONFIG_MAX_ALARMS; i++)
        first = model[i] < first ? model[i] : first;
    return first;
}

static void heap_is_sound(void)
{
    unsigned set = 0;
    for (unsigned i = 0; i < CONFIG_MAX_ALARMS; i++) {
        set += model[i] != ALARM_NEVER;
        assert_int_equal(alarms[i].place != 0, model[i] != ALARM_NEVER);
        if (alarms[i].place)
            assert_ptr_equal(queue.heap[alarms[i].place], &alarms[i]);
    }
    assert_int_equal(queue.count, set);
    for (unsigned i = 2; i <= queue.count; i++)
        assert_true(queue.heap[i / 2]->when <= queue.heap[i]->when);
    assert_int_equal(alarm_queue_first(&queue), model_first());
}

static void one_step(uint64_t now)
{
    unsigned i = (unsigned)rand() % CONFIG_MAX_ALARMS;
    uint64_t when = now + (uint64_t)(rand() % 1000);
    uint64_t before = model_first();
    switch (rand() % 4) {
    case 0:
    case 1:
        model[i] = when;
        assert_int_equal(alarm_queue_set(&queue, &alarms[i], when), model_first() < before);
        break;
    case 2:
        alarm_queue_cancel(&queue, &alarms[i]);
        model[i] = ALARM_NEVER;
        break;
    case 3:
        for (struct alarm *a; (a = alarm_queue_take(&queue, now));) {
            assert_true(model[a - alarms] == model_first() && model[a - alarms] <= now);
            model[a - alarms] = ALARM_NEVER;
        }
        assert_true(model_first() > now);
    }
}

static void a_random_walk(void **state)
{
    (void)state;
    srand(5);
    uint64_t now = 0;
    for (unsigned step = 0; step < 30000; step++) {
        now += (uint64_t)(rand() % 8);
        one_step(now);
        if (step % 16 == 0)
            heap_is_sound();
    }
}

static void full_and_in_falling_order(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CONFIG_MAX_ALARMS; i++) {
        model[i] = 5000 - i;
        assert_true(alarm_queue_set(&queue, &alarms[i], model[i]));
    }
    heap_is_sound();
    for (unsigned i = CONFIG_MAX_ALARMS; i-- > 0;) {
        assert_null(alarm_queue_take(&queue, model[i] - 1));
        assert_ptr_equal(alarm_queue_take(&queue, model[i]), &alarms[i]);
        model[i] = ALARM_NEVER;
    }
    heap_is_sound();
}

static void moved_later_and_cancelled_twice(void **state)
{
    (void)state;
    assert_true(alarm_queue_set(&queue, &alarms[0], 100));
    assert_false(alarm_queue_set(&queue, &alarms[1], 200));
    assert_false(alarm_queue_set(&queue, &alarms[0], 300)); /* the first deadline is later now */
    assert_int_equal(alarm_queue_first(&queue), 200);
    alarm_queue_cancel(&queue, &alarms[1]);
    alarm_queue_cancel(&queue, &alarms[1]);
    assert_int_equal(alarm_queue_first(&queue), 300);
    assert_false(alarm_queue_set(&queue, &alarms[0], ALARM_NEVER));
    assert_null(alarm_queue_take(&queue, ALARM_NEVER - 1));
    assert_int_equal(alarm_queue_first(&queue), ALARM_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_random_walk, setup),
        cmocka_unit_test_setup(full_and_in_falling_order, setup),
        cmocka_unit_test_setup(moved_later_and_cancelled_twice, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
