/* SPDX-License-Identifier: Apache-2.0 */
/* A VM's keeper and its vdevs' threads, for tests of what else happens in a VM's life. */
#include <setjmp.h>
#include "hyp/thread.h"
#include "hyp/vm_life.h"
#include "tests/unit/thread_fake.h"

static void *(*keeper)(void *arg);
static void *keeper_arg;
static unsigned signals;
static bool first_load;
static jmp_buf nothing_left;

void thread_signal(struct thread *t)
{
    (void)t;
    signals++;
}

void thread_wait_signal(struct thread *t)
{
    (void)t;
    if (!signals)
        longjmp(nothing_left, 1);
    signals--;
}

uint64_t vdev_clock_ns(void)
{
    return 0;
}

void (*fake_sleep)(void);
int vdev_thread_sleep_until(uint64_t when_ns)
{
    (void)when_ns;
    if (fake_sleep)
        fake_sleep();
    return 0;
}

void thread_begin(struct thread *t, const char *name, const struct vdev_sched *sched, void *(*fn)(void *arg), void *arg)
{
    (void)t;
    (void)name;
    (void)sched;
    keeper = fn;
    keeper_arg = arg;
}

void keeper_turn(struct guest_system *vm)
{
    vm_start(vm);
    first_load = true; /* that was long ago */
    if (!setjmp(nothing_left))
        keeper(keeper_arg);
}

void threads_start(struct guest_system *vm)
{
    (void)vm;
}

void threads_end(struct guest_system *vm)
{
    (void)vm;
}

__attribute__((weak)) void vm_loaded(struct guest_system *vm)
{
    (void)vm;
}

void vm_load(struct guest_system *vm)
{
    if (!first_load)
        vm_loaded(vm);
    first_load = false;
}

void steal_reset(struct guest_system *vm)
{
    (void)vm;
}
