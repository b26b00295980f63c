/* SPDX-License-Identifier: Apache-2.0 */
/* A VM's keeper and its vdevs' threads, for tests of what else happens in a VM's life. */
#include "hyp/thread.h"
#include "hyp/vm_life.h"

void thread_signal(struct thread *t)
{
    (void)t;
}

void thread_wait_signal(struct thread *t)
{
    (void)t;
}

void thread_begin(struct thread *t, const char *name, const struct vdev_sched *sched, void *(*fn)(void *arg), void *arg)
{
    (void)t;
    (void)name;
    (void)sched;
    (void)fn;
    (void)arg;
}

void threads_start(struct guest_system *vm)
{
    (void)vm;
}

void threads_end(struct guest_system *vm)
{
    (void)vm;
}

void vm_load(struct guest_system *vm)
{
    (void)vm;
}

void steal_reset(struct guest_system *vm)
{
    (void)vm;
}
