/* SPDX-License-Identifier: Apache-2.0 */
/* One core: low holds a mutex, middle computes all the while, high waits for the mutex. How long? */
#include "tests/vdev-traffic/traffic.h"

#define HELD_TURNS 20000
#define RIVAL_NS (2000 * MS_NS)

static struct vdev_mutex held;
static bool has; /* atomic */

static void compute(uint64_t turns)
{
    for (volatile uint64_t i = 0; i < turns; i++)
        ;
}

static void *low(void *vdev) NO_THREAD_SAFETY
{
    if (vdev_mutex_lock(&held))
        traffic_fails((vdev_t *)vdev, "low has no mutex");
    __atomic_store_n(&has, true, __ATOMIC_SEQ_CST);
    compute(HELD_TURNS);
    (void)vdev_mutex_unlock(&held);
    return NULL;
}

/* For ever, as far as the others are concerned. */
static void *middle(void *vdev)
{
    uint64_t until = vdev_clock_ns() + RIVAL_NS;
    (void)vdev;
    while (vdev_clock_ns() < until)
        compute(100);
    return NULL;
}

static void *high(void *vdev) NO_THREAD_SAFETY
{
    vdev_t *v = vdev;
    vdev_thread_t *rival;
    const struct vdev_thread_attr attr = { .priority = 40, .cores = 1 };
    phase_assume_running();
    while (!__atomic_load_n(&has, __ATOMIC_SEQ_CST))
        (void)vdev_thread_sleep_until(vdev_clock_ns() + MS_NS / 100);
    uint64_t from = vdev_clock_ns();
    if (vdev_thread_create(v, "middle", &rival, &attr, middle, v) || vdev_mutex_lock(&held))
        traffic_fails(v, "high has no mutex");
    (void)vdev_mutex_unlock(&held);
    vdev_logf(LOG_INFO, v, "INVERSION high waited %llu ns", (unsigned long long)(vdev_clock_ns() - from));
    guest_terminate(v->v_gsp, GTC_OFF);
    return NULL;
}

int inversion_begin(vdev_t *v)
{
    vdev_thread_t *t;
    struct vdev_thread_attr attr = { .priority = 60, .cores = 1 };
    int err = vdev_thread_create(v, "high", &t, &attr, high, v);
    attr.priority = 20;
    return err ? err : vdev_thread_create(v, "low", &t, &attr, low, v);
}
