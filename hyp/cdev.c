/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "hyp/api/cdev.h"
#include "hyp/api/guest.h"
#include "hyp/console.h"

#define NAME 40

static void input_ready(void *ctx)
{
    struct cdev_state *cs = ctx;
    cs->notify(cs->vdev, CDEV_EVENT_INPUT);
}

static void output_ready(void *ctx)
{
    struct cdev_state *cs = ctx;
    cs->notify(cs->vdev, CDEV_EVENT_OUTPUT);
}

static void line_break(void *ctx)
{
    struct cdev_state *cs = ctx;
    cs->notify(cs->vdev, CDEV_EVENT_BREAK);
}

int cdev_setup(struct vdev_builder *b, struct cdev_state *cs, cdev_notify notify)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    *cs = (struct cdev_state){ .vdev = b->vdev, .notify = notify };
    return EOK;
}

static __startup int backend_option(struct vdev_builder *b, struct cdev_state *cs, const struct vdev_option *o)
{
    const char *name;
    int err = vdev_option_string(b, o, &name);
    if (err)
        return err;
    cs->null = !strcmp(name, "null");
    if (!cs->null && strcmp(name, "console") != 0)
        return error_at(EINVAL, "%s: %s: no back end \"%s\"; there are \"console\" and \"null\"", b->path, o->name,
                        name);
    return EOK;
}

/* A VM's first console has the VM's name, any other its node's behind that. */
static __startup int console_open(struct vdev_builder *b, struct cdev_state *cs)
{
    const struct console_client client = { input_ready, output_ready, line_break, cs };
    const char *vm = guest_name(b->gsp);
    char name[NAME];
    if (console_port_exists(vm))
        sniprintf(name, sizeof(name), "%s/%s", vm, b->vdev->v_name);
    else
        sniprintf(name, sizeof(name), "%s", vm);
    cs->port = console_port_create(name, &client);
    return cs->port ? EOK : error_at(ENOMEM, "%s: armature,backend: no console for it", b->path);
}

int cdev_startup(struct vdev_builder *b, struct cdev_state *cs, unsigned ctrl, const void *arg)
{
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    if (ctrl == VDEV_CTRL_FIRST_OPTIDX + CDEV_OPT_BACKEND)
        return backend_option(b, cs, arg);
    if (ctrl == VDEV_CTRL_OPTIONS_END && !cs->null)
        return console_open(b, cs);
    return EOK;
}

static size_t port_available(const struct cdev_state *cs)
{
    return cs->port ? console_available(cs->port) : 0;
}

static size_t port_pending(const struct cdev_state *cs)
{
    return cs->port ? console_pending(cs->port) : 0;
}

int cdev_control(struct cdev_state *cs, unsigned ctrl, const void *arg)
{
    (void)arg;
    if (!phase_is(PHASE_RUNNING, cs->vdev->v_name))
        return EPERM;
    if (ctrl != VDEV_CTRL_STATUS)
        return EOK;
    return qvm_report(cs->vdev, "back end %s: %u bytes to read, %u to send", cs->port ? "console" : "null",
                      (unsigned)port_available(cs), (unsigned)port_pending(cs));
}

size_t cdev_read(struct cdev_state *cs, void *data, size_t n)
{
    if (!phase_is(PHASE_RUNNING, cs->vdev->v_name))
        return 0;
    return cs->port ? console_read(cs->port, data, n) : 0;
}

size_t cdev_write(struct cdev_state *cs, const void *data, size_t n)
{
    if (!phase_is(PHASE_RUNNING, cs->vdev->v_name))
        return 0;
    return cs->port ? console_write(cs->port, data, n) : n;
}

bool cdev_input_available(struct cdev_state *cs)
{
    return phase_is(PHASE_RUNNING, cs->vdev->v_name) && port_available(cs);
}

size_t cdev_input_num_available(struct cdev_state *cs)
{
    return phase_is(PHASE_RUNNING, cs->vdev->v_name) ? port_available(cs) : 0;
}

bool cdev_output_full(struct cdev_state *cs)
{
    return !phase_is(PHASE_RUNNING, cs->vdev->v_name) || (cs->port && !console_room(cs->port));
}

bool cdev_output_empty(struct cdev_state *cs)
{
    return !phase_is(PHASE_RUNNING, cs->vdev->v_name) || !port_pending(cs);
}

size_t cdev_output_num_pending(struct cdev_state *cs)
{
    return phase_is(PHASE_RUNNING, cs->vdev->v_name) ? port_pending(cs) : 0;
}
