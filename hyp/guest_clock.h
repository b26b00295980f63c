/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The guest's time, and its vdevs' timers on it. */
#include "hyp/alarm.h"
#include "hyp/vm.h"

struct guest_timer {
    struct alarm alarm;
    /* set at startup, then const: */
    vdev_t *vdev;
    guest_cpu *cpu; /* NULL: of the VM */
    void *data;
    struct guest_timer *next; /* of the same VM */
    /* under the VM's clock_lock: */
    bool set;
    bool host;    /* `due` is a count of the machine's */
    uint64_t due; /* guest's time; also of the last call */
    uint64_t host_start, guest_start;
    struct guest_timer_data last; /* what the last call gets; only its own core writes, before it calls */
    uint32_t calling;             /* timer() is under way; atomic */
};

/*
 * The guest's time goes on; stands still. Any core, vm->lock held. A vCPU in the guest reads the counter until it leaves, so before clock_stop() each is kicked,
 * and clock_left() says that it is out. Until the last of them is, the time has not stopped.
 */
void clock_start(struct guest_system *vm);
void clock_stop(struct guest_system *vm);
/* The vCPU is out of its guest, and was seen to stay out while its VM is paused. Its core, no lock held. */
void clock_left(struct guest_cpu *v);
/* The VM has ended: its time is 0, no timer is set, and no timer() under way when this returns. No lock held; waits for the functions themselves, on other cores. */
void clock_end(struct guest_system *vm) __running;
