/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* One guest timer on a guest's time that the test moves. */
#include "hyp/api/guest.h"
#include "hyp/api/vdev.h"

extern uint64_t fake_time, fake_time_rate; /* the guest's time, its ticks a second */
extern uint64_t fake_timer_due;            /* GUEST_TIMER_NEVER: not set */
extern unsigned fake_timer_calls;

/* As if nothing had been made or had run. */
void fake_timer_forget(uint64_t rate);
/* Lets time pass; each call of the vdev's timer() comes `late` ticks after its deadline. */
void fake_time_run(uint64_t until, uint64_t late);
