/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The guest as a whole: data movement by state blocks, interrupt lines, termination. QNX's names. */
#include "hyp/api/types.h"
#include "hyp/base/phase.h"

#define GXF_NONE 0
/* Fetch or store `len` bytes of the `n` blocks. EOK; -1: the guest's own translation refuses (QST_VIRTUAL), inject an exception; or an errno: EFAULT (no
 * memory of the guest's that permits it), EINVAL, ENOTSUP (a type that is not offered). gcp NULL: QST_HOST and QST_IMMEDIATE only.
 * Thread safe; a register block or a virtual address needs the caller to be on that vCPU's exit path. */
int guest_cpu_read(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n, void *data,
                   size_t len) __running __must_check;
int guest_cpu_write(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n, const void *data,
                    size_t len) __running __must_check;

/* Where the vCPU's stolen time is kept: for how long it could have run and did not, since its VM started. An aligned word of nanoseconds, little endian, written
 * each time it begins to run. Startup. EOK; EBUSY, traced: it has one already. */
int guest_cpu_stolen_to(guest_cpu *gcp, uint64_t *ns) __startup __must_check;
/* Fills the blocks with ones, extended as they say: what a read of nothing gives. Answers as guest_cpu_write(). */
int guest_write_all_ones(guest_cpu *gcp, unsigned flags, const qvm_state_block *blk, unsigned n) __running __must_check;

/* Drive an interrupt line. Any core; takes the controller's lock; level: GIS_ON until GIS_OFF. A line without controller: EOK. */
int guest_intr_signal(const struct guest_intr *gip, enum guest_intr_state state) __running;

/* What a controller tells of a line; a set. */
enum guest_intr_notification {
    GIN_UNMASK = 1, /* the guest is about to enable it: is it high still? */
    GIN_ACK = 2,    /* the guest has taken the interrupt and ended it: it is not active any more */
};
/* Told on any core, with interrupts masked and no lock held; must not wait. */
typedef void (*guest_intr_told)(void *data, enum guest_intr_notification which);
#define GUEST_INTR_WATCHED 16 /* lines of one VM */
struct vdev_builder;
/* `told` is called each time the guest does one of `which` (GIN_* ORed) with the line. At ASSIGN or later in startup. EOK; EINVAL (a line that its controller cannot watch), ENOSPC: traced
 * with the node's path. */
int guest_intr_watch(const struct vdev_builder *b, const struct guest_intr *gip, unsigned which, guest_intr_told told,
                     void *data) __startup __must_check;
/* A controller tells of its line `param`, to whoever watches it. No lock held. */
void guest_intr_notify(const vdev_t *pic, uint32_t param, enum guest_intr_notification which) __running;

/* Why a VM ended: 1-31 system, 32-63 vdev-defined. */
enum guest_cause {
    GTC_OFF = 1,
    GTC_RESET = 2,
    GTC_CRASH = 3,
    GTC_WATCHDOG = 4,
    GTC_REFUSED = 5,
    GTC_UNSUPPORTED = 6,
    GTC_CUSTOM_MIN = 32,
    GTC_MAX = 63,
};
/* Ends the VM now: all its vCPUs leave the guest and stay out; one that is being loaded ends where it would have started. The first cause counts. Any core; does not wait. */
void guest_terminate(guest_system *gsp, unsigned cause) __running;

/* Whether the guest runs. GPS_OFF: not started yet, ended, or between its end and its next start. */
enum guest_power_state { GPS_OFF, GPS_ON, GPS_PAUSED };
/* Its state now; a moment later it may be another. Any phase, any core. */
enum guest_power_state guest_power_state_current(const guest_system *gsp);

/* How many vCPUs the VM has. */
unsigned guest_cpu_count(const guest_system *gsp);
/* The vCPU of that index; NULL: there is none. */
guest_cpu *guest_cpu_get(guest_system *gsp, unsigned index);
/* Which of its VM's vCPUs it is. */
unsigned guest_cpu_index(const guest_cpu *gcp);
/* The VM's name, as in the description. */
const char *guest_name(const guest_system *gsp);

/*
 * A line of the VM's interrupt controller that no vdev has and the description does not reserve; it is the vdev's from then on. Startup, at
 * ASSIGN: all lines that the description gives are known by then. EOK; ENOSPC, traced with the node's path: no controller, or no free line.
 */
int guest_intr_assign(const struct vdev_builder *b, struct guest_intr *out) __startup __must_check;
/* One more than the controller's highest pin; 0 for a vdev that is none. Any phase, any core. */
unsigned guest_intr_num_pins(const vdev_t *pic);
/* The line's name for people, as its controller writes it ("SPI 5"); "none" if it has no controller. snprintf-like. Any phase, any core. */
int guest_intr_string(const struct guest_intr *gip, char *buf, size_t n);
/*
 * A place for a vdev: `size` bytes at a multiple of `align` (a power of two, at least a page) that no region, vdev or `reg` has and the description
 * does not reserve. Sets nothing: the caller puts it into v_block, and later calls see it there. Startup, at ASSIGN. QSL_NO_LOCATION: none is free
 * (not traced).
 */
uint64_t guest_space_find_free(const struct vdev_builder *b, uint64_t size, uint64_t align) __startup;

/*
 * Time as the guest has it: a count at the machine's counter's rate, 0 when the VM starts, that stands still while the VM is paused. With armature,counter = "own"
 * that is what the guest reads from its counters. Before its VM starts, and from its end to its restart, it is 0 and stands still.
 */
struct guest_timer_data {
    uint64_t host_notify_start;  /* the machine's counter when the timer was set ... */
    uint64_t host_current;       /* ... and now, or when it came to its deadline */
    uint64_t guest_notify_start; /* the guest's time when it was set; of a series: the deadline before */
    uint64_t guest_current;
};
struct guest_timer;
#define GUEST_TIMER_ABSOLUTE ((const struct guest_timer_data *)-1)
#define GUEST_TIMER_HOST ((const struct guest_timer_data *)-2) /* ours: at a count of the machine's counter */
#define GUEST_TIMER_NEVER (~UINT64_C(0))                       /* as a deadline: the timer is not set any more */
/*
 * A timer on the guest's time. `gcp`: of that vCPU, or NULL: of the VM. `data` is what the factory's timer() gets. It fires on the core that the vCPU (the
 * VM's first) had when the VM was built, wherever vCPUs run now. Startup. The counter's rate in Hz comes into *resolution; NULL: cannot be, and a positive errno, traced, does:
 * EPERM (phase), ENOMEM, E2BIG (CONFIG_MAX_ALARMS).
 */
struct guest_timer *guest_timer_create(guest_cpu *gcp, vdev_t *vdp, void *data,
                                       uint64_t *resolution) __startup __must_check;
/*
 * Sets it, wherever it was set to: the factory's timer() is called once, at the deadline or as soon as may be after it. tdp NULL: `deadline` ticks from now. GUEST_TIMER_ABSOLUTE: at
 * that guest time. GUEST_TIMER_HOST: when the machine's counter is there, and the guest's time runs. What the timer's last call of timer() got: so long after the deadline of that call, which makes a series without drift; calls that are late do not move it, those that were missed
 * follow at once. A clock that stands still: the deadline counts when it runs again. Running, any core, v_mtx may be held; never blocks. A call of timer() that is under way on another core is not stopped: it
 * finds out under v_mtx. EOK; EPERM; EINVAL, traced: the factory has no timer(), or tdp is none of these.
 */
int guest_timer_notify(struct guest_timer *t, const struct guest_timer_data *tdp, uint64_t deadline) __running;
/* Now, and since when the timer is set, or was last; of one that never was, from 0 on. Running, any core, v_mtx may be held. EOK or EPERM. */
int guest_timer_state(struct guest_timer *t, struct guest_timer_data *out) __running;
/*
 * Stops the guest's time, and lets it go on after as many guest_clock_start(). Its vCPUs stay out of the guest meanwhile, so that none reads a counter that belies it. Running, any core, no lock held; does not wait:
 * a vCPU on another core may be in its guest for the time of a kick, and the time stops when the last one is out; started again before, it has not stopped. EOK; ESRCH: the VM is not up; EINVAL: no guest_clock_stop() to undo.
 */
int guest_clock_stop(guest_system *gsp) __running;
int guest_clock_start(guest_system *gsp) __running;

/*
 * The date: seconds since 1970-01-01 00:00 UTC, as the machine's clock said at startup (to a second), counted on since by its counter. False: it has no clock, and they count from startup on. *next: the machine's
 * count (GUEST_TIMER_HOST) at which the next second begins; each later one comes a timer's *resolution after it. Any phase, any core.
 */
bool host_date(uint64_t *seconds, uint64_t *next);
