/* SPDX-License-Identifier: Apache-2.0 */
/* The threads of a VM's vdevs: kept ready at startup, made and ended while it runs; pulses. */
#include "arch/arm64/timer.h"
#include "hyp/base/log.h"
#include "hyp/core.h"
#include "hyp/pool.h"
#include "hyp/thread.h"
#include "hyp/vdev_core.h"

#include <errno.h>

#define END_MS 1000 /* how long a thread may take to end by itself */
#define PRIORITY_MAX 255

static unsigned threads_of(const vdev_t *v)
{
    return v->v_factory->threads + (v->v_factory->pulse != NULL);
}

static struct thread *pulse_thread(const vdev_t *v)
{
    return &v->v_threads[v->v_factory->threads];
}

static __startup int vdev_threads_create(vdev_t *v)
{
    unsigned n = threads_of(v);
    int err = 0;
    if (!n)
        return 0;
    v->v_threads = hyp_alloc(n * sizeof(*v->v_threads), 16);
    if (!v->v_threads)
        return -ENOMEM;
    for (unsigned i = 0; i < n && !err; i++) {
        v->v_threads[i].vdev = v;
        list_init(&v->v_threads[i].events);
        err = thread_alloc(&v->v_threads[i], v->v_gsp, v->v_gsp->home);
    }
    return err;
}

int threads_create(struct guest_system *vm)
{
    int err = 0;
    for (unsigned i = 0; i < vm->vdev_count && !err; i++)
        err = vdev_threads_create(&vm->vdevs[i]);
    return err;
}

int vdev_thread_create(vdev_t *v, const char *name, vdev_thread_t **thr, const struct vdev_thread_attr *attr,
                       void *(*fn)(void *arg), void *arg)
{
    struct vdev_sched sched = v->v_sched;
    struct thread *t = NULL;
    if (!phase_is(PHASE_RUNNING, v->v_name))
        return EPERM;
    if (attr && attr->priority > PRIORITY_MAX)
        return EINVAL;
    if (attr && attr->priority >= 0)
        sched.priority = (uint8_t)attr->priority;
    if (attr && attr->cores)
        sched.cores = attr->cores;
    if (!(sched.cores & cores_up()))
        return EINVAL;
    lock_acquire(&sched_lock);
    bool ends = v->v_gsp->threads_end;
    for (unsigned i = 0; i < v->v_factory->threads && !t && !ends; i++)
        if (!v->v_threads[i].made)
            t = &v->v_threads[i];
    if (t) { /* claimed and begun in one: who ends the VM's threads finds none, or one that has begun */
        t->made = true;
        *thr = t;
        thread_begin_locked(t, name, &sched, fn, arg);
    }
    lock_release(&sched_lock);
    return t ? EOK : ends ? ENXIO : EAGAIN;
}

int vdev_pulse(vdev_t *v, int8_t code, unsigned priority, struct vdev_event *event)
{
    if (!v->v_factory->pulse || priority > PRIORITY_MAX) {
        vdev_logf(LOG_ERROR, v, "vdev_pulse refused: %s",
                  v->v_factory->pulse ? "priorities end at 255" : "its factory has no pulse()");
        return EINVAL;
    }
    *event = (struct vdev_event){ .vdev = v, .code = code, .priority = (uint8_t)priority };
    list_init(&event->node);
    return EOK;
}

static struct vdev_event *event_of(struct list *node)
{
    return container_of(node, struct vdev_event, node);
}

int vdev_event_deliver(struct vdev_event *e)
{
    if (!phase_is(PHASE_RUNNING, e->vdev->v_name))
        return EPERM;
    struct thread *t = pulse_thread(e->vdev);
    int err = EOK;
    lock_acquire(&sched_lock);
    if (!t->made || t->ended)
        err = ENXIO;
    else if (e->pending == UINT32_MAX)
        err = EAGAIN;
    else if (!e->pending++) {
        struct list *at = t->events.next;
        while (at != &t->events && event_of(at)->priority >= e->priority)
            at = at->next;
        list_insert_before(at, &e->node);
    }
    if (!err && e->priority > t->ctx.base)
        thread_base(t, e->priority);
    if (!err && t->waiting)
        sched_wake_locked(&t->ctx);
    lock_release(&sched_lock);
    return err;
}

/* The next pulse's code, once there is one. False: the thread is to end. */
static bool pulse_next(struct thread *t, int8_t *code)
{
    lock_acquire(&sched_lock);
    while (list_empty(&t->events) && !t->cancelled) {
        t->waiting = true;
        (void)thread_block(t, ALARM_NEVER);
        t->waiting = false;
    }
    bool any = !t->cancelled;
    if (any) {
        struct vdev_event *e = event_of(t->events.next);
        *code = e->code;
        sched_base_locked(&t->ctx, e->priority);
        if (!--e->pending)
            list_remove(&e->node);
    }
    lock_release(&sched_lock);
    return any;
}

static void *pulse_thread_main(void *arg)
{
    struct thread *t = arg;
    int8_t code = 0;
    while (pulse_next(t, &code)) {
        int err = t->vdev->v_factory->pulse(t->vdev, code);
        if (err)
            vdev_logf(LOG_ERROR, t->vdev, "pulse %d fails (error %d)", code, err);
    }
    return NULL;
}

static void threads_refuse(struct guest_system *vm, bool refuse)
{
    lock_acquire(&sched_lock);
    vm->threads_end = refuse;
    lock_release(&sched_lock);
}

void threads_start(struct guest_system *vm)
{
    threads_refuse(vm, false);
    for (unsigned i = 0; i < vm->vdev_count; i++) {
        vdev_t *v = &vm->vdevs[i];
        if (!v->v_factory->pulse)
            continue;
        pulse_thread(v)->made = true;
        thread_begin(pulse_thread(v), "pulses", &v->v_sched, pulse_thread_main, pulse_thread(v));
    }
}

static void events_drop(struct thread *t)
{
    lock_acquire(&sched_lock);
    while (!list_empty(&t->events)) {
        struct vdev_event *e = event_of(t->events.next);
        e->pending = 0;
        list_remove(&e->node);
    }
    lock_release(&sched_lock);
}

/* One whose cores never came up has nothing to end. */
static bool thread_has_ended(struct thread *t)
{
    lock_acquire(&sched_lock);
    bool ended = (t->ended && !t->ctx.held) || !(t->ctx.cores & cores_up());
    lock_release(&sched_lock);
    return ended;
}

static void wait_end(struct thread *t, uint64_t until) REQUIRES(MAY_BLOCK)
{
    while (!thread_has_ended(t) && timer_now() < until)
        (void)vdev_thread_sleep_until(vdev_clock_ns() + 1000000);
}

static void thread_finish(struct thread *t) REQUIRES(MAY_BLOCK)
{
    wait_end(t, timer_now() + timer_ms(END_MS));
    if (!thread_has_ended(t)) {
        vdev_logf(LOG_WARN, t->vdev, "its thread %s does not end: ended by force", t->name);
        t->killed = true;
        while (!thread_has_ended(t)) {
            sched_wake_urgent(&t->ctx);
            (void)vdev_thread_sleep_until(vdev_clock_ns() + 1000000);
        }
    }
    events_drop(t);
    t->made = false;
}

static __running void vdev_threads_cancel(const vdev_t *v)
{
    for (unsigned n = 0; n < threads_of(v); n++)
        if (v->v_threads[n].made)
            vdev_thread_cancel(&v->v_threads[n]);
}

static void vdev_threads_finish(const vdev_t *v) REQUIRES(MAY_BLOCK)
{
    for (unsigned n = 0; n < threads_of(v); n++)
        if (v->v_threads[n].made)
            thread_finish(&v->v_threads[n]);
}

/*
 * From the first of them on none is made any more: one that is about to end could leave another behind. All are cancelled before any is waited
 * for: one may need what another holds in its sleep.
 */
void threads_end(struct guest_system *vm)
{
    phase_assume_running();
    threads_refuse(vm, true);
    for (unsigned i = 0; i < vm->vdev_count; i++)
        vdev_threads_cancel(&vm->vdevs[i]);
    for (unsigned i = 0; i < vm->vdev_count; i++)
        vdev_threads_finish(&vm->vdevs[i]);
}
