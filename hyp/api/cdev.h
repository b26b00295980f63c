/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The character back end of a vdev: where its bytes go and come from, as the description's `armature,backend` says: "console"
 * (default) or "null" (takes everything, gives nothing). Shaped as QNX's cdev.h. All calls are thread safe and never wait;
 * from GUEST_CONFIGURED on unless said otherwise. The vdev hands every control code on, startup's to cdev_startup(), the others to
 * cdev_control().
 */
#include "hyp/api/vdev.h"

/* The first of the vdev's options are the back end's: .option_list = { CDEV_OPTION_NAMES, "own-option", NULL }. */
#define CDEV_OPTION_NAMES "armature,backend"
enum cdev_option {
    CDEV_OPT_BACKEND,
    CDEV_OPT_NUM_OPTS, /* where the vdev's own start */
};

enum cdev_event {
    CDEV_EVENT_INPUT = 1 << 0,  /* bytes can be read */
    CDEV_EVENT_OUTPUT = 1 << 1, /* there is room again after cdev_write() took less than it was given */
    CDEV_EVENT_BREAK = 1 << 2,  /* the line was held low */
};

/* Told on any core, with interrupts masked and no lock held. */
typedef void (*cdev_notify)(vdev_t *vdev, unsigned events);

struct console_port;

/* In the vdev's extra space. All set at startup, then const; the back end has its own lock. */
struct cdev_state {
    vdev_t *vdev;
    cdev_notify notify;
    struct console_port *port; /* NULL: the null back end */
    bool null;
};

/* Makes the back end's state: at OPTIONS_START. */
int cdev_setup(struct vdev_builder *b, struct cdev_state *cs, cdev_notify notify) __startup __must_check;
/* The back end's part of a control code of startup. EOK or a positive errno, traced with the node's path. */
int cdev_startup(struct vdev_builder *b, struct cdev_state *cs, unsigned ctrl, const void *arg) __startup __must_check;
/* The back end's part of any other control code. EOK. */
int cdev_control(struct cdev_state *cs, unsigned ctrl, const void *arg) __running;

/* Gives up to n bytes of input. */
size_t cdev_read(struct cdev_state *cs, void *data, size_t n) __running;
/* Takes up to n bytes; CDEV_EVENT_OUTPUT follows if it took fewer. */
size_t cdev_write(struct cdev_state *cs, const void *data, size_t n) __running;
/* Is there a byte to read? */
bool cdev_input_available(struct cdev_state *cs) __running;
/* How many bytes there are to read. */
size_t cdev_input_num_available(struct cdev_state *cs) __running;
/* Is it so that no byte more would be taken now? */
bool cdev_output_full(struct cdev_state *cs) __running;
/* Is all that was taken on its way, nothing queued? */
bool cdev_output_empty(struct cdev_state *cs) __running;
/* How many bytes were taken and still wait. */
size_t cdev_output_num_pending(struct cdev_state *cs) __running;
