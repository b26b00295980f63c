/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random traffic of threads, for test,seconds from the guest's start: four workers take mutexes, wait for each other, for timers, for the end of
 * children that they cancel, and deliver pulses; one answers them; one watches. `TRAFFIC good: ...` in the log, or `TRAFFIC fails: ...` with who waits for what.
 */
#include <errno.h>
#include "tests/vdev-traffic/traffic.h"

#define WATCH_PRIORITY 200
#define WORKER_PRIORITY 30

enum { OPT_SECONDS, OPT_SEED, OPT_INVERSION };
static const char *const traffic_options[] = { "test,seconds", "test,seed", "test,inversion", NULL };

static void traffic_timer(vdev_t *v, void *data, const struct guest_timer_data *tdp, guest_cpu *gcp)
{
    struct worker *w = data;
    (void)gcp;
    phase_assume_running();
    lock_acquire(&v->v_mtx);
    w->fired++;
    uint64_t ticks = w->timer_ticks;
    vdev_cond_signal(&w->told);
    lock_release(&v->v_mtx);
    if (tdp->guest_current - tdp->guest_notify_start < ticks)
        traffic_fails(v, "worker %u: its timer comes early", w->index);
}

static int traffic_pulse(vdev_t *v, int8_t code)
{
    struct traffic *t = traffic_of(v);
    uint64_t got = __atomic_add_fetch(&t->got[(uint8_t)code % PULSES], 1, __ATOMIC_SEQ_CST);
    if (got > __atomic_load_n(&t->sent[(uint8_t)code % PULSES], __ATOMIC_SEQ_CST))
        traffic_fails(v, "pulse %d comes more often than it was sent", code);
    thread_assume();
    if (vdev_mutex_lock(&t->mutex[0]) == EOK) /* or it is being ended */
        (void)vdev_mutex_unlock(&t->mutex[0]);
    return EOK;
}

static __startup int workers_prepare(struct vdev_builder *b)
{
    struct traffic *t = traffic_of(b->vdev);
    int err = EOK;
    for (unsigned code = 0; code < PULSES && !err; code++)
        err = vdev_pulse(b->vdev, (int8_t)code, 20 + 30 * code, &t->pulses[code]);
    for (unsigned m = 0; m < MUTEXES; m++)
        t->mutex[m].rank = m + 1;
    for (unsigned i = 0; i < WORKERS && !err; i++) {
        uint64_t resolution;
        t->workers[i].timer = guest_timer_create(NULL, b->vdev, &t->workers[i], &resolution);
        err = t->workers[i].timer ? EOK : (int)resolution;
    }
    return err;
}

static __startup int traffic_startup(struct vdev_builder *b, unsigned ctrl, const void *arg)
{
    struct traffic *t = traffic_of(b->vdev);
    if (ctrl == VDEV_CTRL_FIRST_OPTIDX + OPT_SECONDS)
        return vdev_option_u32(b, arg, &t->seconds);
    if (ctrl == VDEV_CTRL_FIRST_OPTIDX + OPT_SEED)
        return vdev_option_u32(b, arg, &t->seed);
    if (ctrl == VDEV_CTRL_FIRST_OPTIDX + OPT_INVERSION)
        return vdev_option_flag(b, arg, &t->inversion);
    return ctrl == VDEV_CTRL_OPTIONS_END ? workers_prepare(b) : EOK;
}

static __running int traffic_begin(vdev_t *v)
{
    struct traffic *t = traffic_of(v);
    struct vdev_thread_attr attr = { .priority = WORKER_PRIORITY };
    int err = vdev_thread_create(v, "server", &t->server, &attr, traffic_server, v);
    for (unsigned i = 0; i < WORKERS && !err; i++) {
        struct worker *w = &t->workers[i];
        w->vdev = v;
        w->index = i;
        w->random = UINT64_C(0x9e3779b97f4a7c15) * (t->seed * WORKERS + i + 1);
        w->does = "begins";
        w->since = vdev_clock_ns();
        attr.priority = WORKER_PRIORITY + 10 * (int)(i / 2);
        err = vdev_thread_create(v, "worker", &w->thread, &attr, traffic_worker, w);
    }
    attr.priority = WATCH_PRIORITY;
    return err ? err : vdev_thread_create(v, "watch", &t->watch, &attr, traffic_watch, v);
}

static int traffic_control(vdev_t *v, unsigned ctrl, const void *arg)
{
    (void)arg;
    phase_assume_running();
    if (ctrl != VDEV_CTRL_GUEST_STARTING)
        return EOK;
    return traffic_of(v)->inversion ? inversion_begin(v) : traffic_begin(v);
}

static const char *const traffic_compatible[] = { "test,traffic", NULL };

VDEV_FACTORY(traffic_factory) = {
    .abi = QVM_VDEV_ABI,
    .factory_flags = VFF_MUTEX | VFF_LOC_NO | VFF_INTR_NO,
    .name = "traffic",
    .compatible = traffic_compatible,
    .option_list = traffic_options,
    .extra_space = sizeof(struct traffic),
    .threads = THREADS,
    .startup = traffic_startup,
    .control = traffic_control,
    .pulse = traffic_pulse,
    .timer = traffic_timer,
};
