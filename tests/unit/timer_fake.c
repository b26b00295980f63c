/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/unit/timer_fake.h"

struct guest_timer {
    vdev_t *vdev;
    void *data;
};

uint64_t fake_time, fake_time_rate, fake_timer_due;
unsigned fake_timer_calls;
static struct guest_timer timer;

void fake_timer_forget(uint64_t rate)
{
    timer = (struct guest_timer){ 0 };
    fake_time = 0;
    fake_time_rate = rate;
    fake_timer_due = GUEST_TIMER_NEVER;
    fake_timer_calls = 0;
}

struct guest_timer *guest_timer_create(guest_cpu *gcp, vdev_t *vdp, void *data, uint64_t *resolution)
{
    assert_null(gcp);
    assert_null(timer.vdev);
    timer = (struct guest_timer){ vdp, data };
    *resolution = fake_time_rate;
    return &timer;
}

int guest_timer_notify(struct guest_timer *t, const struct guest_timer_data *tdp, uint64_t deadline)
{
    assert_ptr_equal(t, &timer);
    assert_true(!tdp || tdp == GUEST_TIMER_ABSOLUTE);
    fake_timer_due = tdp || deadline == GUEST_TIMER_NEVER ? deadline : fake_time + deadline;
    return EOK;
}

int guest_timer_state(struct guest_timer *t, struct guest_timer_data *out)
{
    assert_ptr_equal(t, &timer);
    *out = (struct guest_timer_data){ .guest_current = fake_time };
    return EOK;
}

void fake_time_run(uint64_t until, uint64_t late)
{
    while (fake_timer_due <= until) {
        fake_time = fake_timer_due > fake_time ? fake_timer_due : fake_time;
        fake_time += late;
        fake_timer_due = GUEST_TIMER_NEVER;
        fake_timer_calls++;
        struct guest_timer_data data = { .guest_current = fake_time };
        timer.vdev->v_factory->timer(timer.vdev, timer.data, &data, NULL);
        assert_int_equal(timer.vdev->v_mtx.next, timer.vdev->v_mtx.owner);
    }
    fake_time = until;
}
