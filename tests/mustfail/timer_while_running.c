/* SPDX-License-Identifier: Apache-2.0 */
/* Timers are made at startup; a running device only sets them. */
/* fails: calling function 'guest_timer_create' requires holding phase 'STARTUP' exclusively */
#include "hyp/api/guest.h"
#include "hyp/api/vdev.h"

struct alarm_device {
    struct guest_timer *timer;
    uint64_t hz;
};

int alarm_create(vdev_t *v) __startup;
void alarm_register_write(const struct reg_access *a, uint64_t value) __running;

#if defined(MUST_COMPILE)
int alarm_create(vdev_t *v)
{
    struct alarm_device *d = v->v_device;
    d->timer = guest_timer_create(NULL, v, NULL, &d->hz);
    return d->timer ? EOK : (int)d->hz;
}

void alarm_register_write(const struct reg_access *a, uint64_t value)
{
    struct alarm_device *d = a->vdev->v_device;
    (void)guest_timer_notify(d->timer, NULL, value);
}
#else
void alarm_register_write(const struct reg_access *a, uint64_t value)
{
    struct alarm_device *d = a->vdev->v_device;
    d->timer = guest_timer_create(NULL, a->vdev, NULL, &d->hz);
    (void)guest_timer_notify(d->timer, NULL, value);
}
#endif
