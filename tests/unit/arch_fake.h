/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A core that writes down what is done to it, and memory that is the host's. */
#include <stdbool.h>
#include <stdint.h>

struct fake_event {
    const char *what; /* a barrier, a TLBI, or the name of a register written */
    uint64_t value;
};
#define FAKE_EVENTS 4096
extern struct fake_event fake_events[FAKE_EVENTS];
extern unsigned fake_event_count; /* goes on counting when the table is full */

void fake_event(const char *what, uint64_t value);
/* Compares the events from `first` on with a NULL-terminated list of names. */
bool fake_events_are(unsigned first, const char *const *names);
/* The register of that name, 0 until written. */
uint64_t *fake_sysreg(const char *name);
void fake_sysreg_write(const char *name, uint64_t value);

/* What the running vCPU's own translation answers; NULL: it has none of any address. */
extern bool (*fake_translate)(uint64_t va, bool el0, bool write, uint64_t *ipa);

/* How many windows are open; how many were opened. */
extern unsigned fake_windows_open, fake_windows_opened;

/* The view area: which physical page each of its pages shows, 0: nothing. Filled by view_map(); never read through. */
#define FAKE_VIEWS 512
extern uint64_t fake_views[FAKE_VIEWS];
extern bool fake_views_writable[FAKE_VIEWS];
