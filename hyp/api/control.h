/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * For vdevs that keep QNX's one control function for all codes:
 *
 *     VDEV_ONE_CONTROL int my_control(vdev_t *v, unsigned ctrl, const char *arg)
 *     {
 *         switch (ctrl) { ... }
 *     }
 *     VDEV_CONTROL_ENTRIES(my_control)
 *     VDEV_FACTORY(my_factory) = { ..., .startup = my_control_startup, .control = my_control_running };
 *
 * The compiler puts a copy of the function into each of the two entries. In the one that stays, each call has its code as a constant, so what belongs
 * to other codes is gone: `make check-startup` still finds each function of startup that a code of the running phase would reach, and what is called at a wrong
 * time is refused as ever. clang's analysis sees nothing of such a function. Functions of its own that it calls at startup are marked __startup.
 *
 * `arg`: an option's value as text, or NULL, as vdev_option_text() has it; of GEN_FDT and BUTTON the structs that startup() and control() get, as pointers
 * to char. vdev_builder_of(v) is the builder that functions of startup want.
 */
#include "hyp/api/vdev.h"

#define VDEV_ONE_CONTROL static inline __attribute__((always_inline)) NO_THREAD_SAFETY
#define VDEV_OPTION_TEXT_SIZE 24

#define VDEV_CONTROL_ENTRIES(fn) \
    static __startup int fn##_startup(struct vdev_builder *b, unsigned ctrl, const void *arg) \
    { \
        char text[VDEV_OPTION_TEXT_SIZE]; \
        const char *value = arg; \
        int err = EOK; \
        if (ctrl >= VDEV_CTRL_FIRST_OPTIDX) \
            err = vdev_option_text(b, arg, text, sizeof(text), &value); \
        return err ? err : fn(b->vdev, ctrl, value); \
    } \
    static int fn##_running(vdev_t *v, unsigned ctrl, const void *arg) \
    { \
        switch (ctrl) { \
        case VDEV_CTRL_GUEST_CONFIGURED: return fn(v, VDEV_CTRL_GUEST_CONFIGURED, arg); \
        case VDEV_CTRL_GUEST_STARTING: return fn(v, VDEV_CTRL_GUEST_STARTING, arg); \
        case VDEV_CTRL_RESET: return fn(v, VDEV_CTRL_RESET, arg); \
        case VDEV_CTRL_STATUS: return fn(v, VDEV_CTRL_STATUS, arg); \
        case VDEV_CTRL_BUTTON: return fn(v, VDEV_CTRL_BUTTON, arg); \
        case VDEV_CTRL_TERMINATE: return fn(v, VDEV_CTRL_TERMINATE, arg); \
        } \
        return EOK; \
    }
