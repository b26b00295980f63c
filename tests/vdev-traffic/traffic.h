/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Random traffic of threads: what the files of this vdev share. */
#include "hyp/api/guest.h"
#include "hyp/api/thread.h"

#define WORKERS 4
#define MUTEXES 4
#define PULSES 3
#define THREADS (2 * WORKERS + 2)
#define MS_NS UINT64_C(1000000)

struct worker {
    /* set when it is made: */
    vdev_t *vdev;
    unsigned index;
    struct guest_timer *timer;
    vdev_thread_t *thread, *child;
    uint64_t random;
    /* its own; the watch reads them, atomic: */
    const char *does;
    uint64_t since, operations;
    /* the watch's: */
    uint64_t seen;
    unsigned looks;
    /* its own until it has ended: */
    uint64_t taken[MUTEXES], armed;
    unsigned child_does;
    /* under v_mtx: */
    uint64_t asked, answered, fired;
    uint64_t timer_ticks; /* set by the worker before it sets the timer */
    struct vdev_cond told;
};

struct traffic {
    /* set at startup, then const: */
    uint32_t seconds, seed;
    bool inversion; /* instead of the traffic */
    /* any thread, atomic: */
    bool stop, failed;
    uint64_t sent[PULSES];
    /* the pulse thread's; read, atomic: */
    uint64_t got[PULSES];
    /* under v_mtx: */
    struct vdev_cond asks, never;
    vdev_thread_t *server, *watch;
    struct worker workers[WORKERS];
    struct vdev_event pulses[PULSES];
    /* the watch's: */
    uint64_t ready_since[THREADS + 1];
    unsigned ready_looks[THREADS + 1];
    /* under mutex[i], with no help from atomics: */
    struct vdev_mutex mutex[MUTEXES];
    unsigned holder[MUTEXES]; /* index + 1 */
    uint64_t taken[MUTEXES];
    struct vdev_cond crowd; /* with the last mutex */
};

static inline struct traffic *traffic_of(const vdev_t *v)
{
    return v->v_device;
}

static inline bool traffic_stops(const struct traffic *t)
{
    return __atomic_load_n(&t->stop, __ATOMIC_RELAXED) || __atomic_load_n(&t->failed, __ATOMIC_RELAXED);
}

/* The test has failed, for this reason: told once for each. */
#define traffic_fails(v, ...) \
    do { \
        __atomic_store_n(&traffic_of(v)->failed, true, __ATOMIC_RELAXED); \
        vdev_logf(LOG_ERROR, v, "TRAFFIC fails: " __VA_ARGS__); \
    } while (0)

/* work.c */
void *traffic_worker(void *worker);
void *traffic_server(void *vdev);
/* inversion.c */
int inversion_begin(vdev_t *v) __running;
/* watch.c */
void *traffic_watch(void *vdev);
