/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/api/wdog.h"
#include "hyp/api/guest.h"
#include "hyp/dump.h"

#include <errno.h>
#include <string.h>

static __startup int action_set(const struct vdev_builder *b, struct wdog_state *ws, const struct vdev_option *o,
                                enum wdog_action action)
{
    static const char *const names[] = { "terminate", "interrupt" };
    if (ws->ws_action & WDOG_ACTION_INTR && action != WDOG_ACTION_INTR)
        return error_at(EINVAL, "%s: %s: \"%s\" after \"%s\"", b->path, o->name, names[action],
                        names[WDOG_ACTION_INTR]);
    ws->ws_action |= action;
    return EOK;
}

int wdog_option(const struct vdev_builder *b, struct wdog_state *ws, const struct vdev_option *o)
{
    const char *word = NULL;
    if (!phase_is(PHASE_STARTUP, b->path))
        return EPERM;
    int err = vdev_option_string(b, o, &word);
    if (err)
        return err;
    if (!strcmp(word, "dump"))
        ws->ws_action |= WDOG_ACTION_FLAG_DUMP;
    else if (!strcmp(word, "terminate"))
        return action_set(b, ws, o, WDOG_ACTION_TERMINATE);
    else if (!strcmp(word, "interrupt"))
        return action_set(b, ws, o, WDOG_ACTION_INTR);
    else
        return error_at(EINVAL, "%s: %s: \"%.24s\" is none of terminate, interrupt, dump", b->path, o->name, word);
    return EOK;
}

void wdog_bite(vdev_t *v, struct wdog_state *ws)
{
    if (!phase_is(PHASE_RUNNING, v->v_name))
        return;
    bool interrupt = ws->ws_action & WDOG_ACTION_INTR;
    bool told = log_allowed(&ws->limit);
    uint32_t bites = __atomic_add_fetch(&ws->bites, 1, __ATOMIC_RELAXED);
    if (told)
        vdev_logf(LOG_WARN, v, "the guest did not serve it in time (%u): %s", bites,
                  interrupt ? "interrupt" : "the VM ends");
    if (told && ws->ws_action & WDOG_ACTION_FLAG_DUMP)
        vm_dump(v->v_gsp);
    if (!interrupt) {
        guest_terminate(v->v_gsp, GTC_WATCHDOG);
        return;
    }
    guest_intr_signal(&v->v_intr, GIS_OFF);
    guest_intr_signal(&v->v_intr, GIS_ON);
}
