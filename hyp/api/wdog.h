/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What watchdog vdevs share: what happens to the VM when one is not served in time. Shaped as QNX's wdog.h. */
#include "hyp/api/vdev.h"

enum wdog_action {
    WDOG_ACTION_TERMINATE, /* the VM ends: GTC_WATCHDOG; armature,on-crash says what then */
    WDOG_ACTION_INTR,      /* an edge on the vdev's interrupt line */
};
#define WDOG_ACTION_FLAG_DUMP 0x100 /* ORed: before that, the log has the registers of all vCPUs and what they did */

/* In the vdev's extra space; zeroed it ends the VM. */
struct wdog_state {
    unsigned ws_action; /* set at startup, then const */
    /* any core: */
    struct log_limit limit; /* guests cause the lines */
    uint32_t bites;         /* atomic */
};

/* The option for the factory's list, repeatable (.option_strings): armature,action = "dump", "terminate". */
#define WDOG_OPTION_NAME "armature,action"
/* Takes an occurrence of it: "terminate" (what it is without), "interrupt", "dump". EOK; EINVAL, traced: another word, or one that contradicts one before. */
int wdog_option(const struct vdev_builder *b, struct wdog_state *ws,
                const struct vdev_option *o) __startup __must_check;
/*
 * The guest did not serve it: does what ws_action says, with a line in the log. Any core, no lock held; does not wait: the vCPUs leave the guest, and are
 * dumped, each on its core. With WDOG_ACTION_INTR the line is off, then on; the caller, who knows what it should be, drives it again under v_mtx.
 */
void wdog_bite(vdev_t *v, struct wdog_state *ws) __running;
