/* SPDX-License-Identifier: Apache-2.0 */
/* Names, state and lines of a guest. What ends, pauses or wakes it is elsewhere: it needs the cores. */
#include "hyp/api/guest.h"
#include "hyp/vm.h"

#include <errno.h>

unsigned guest_cpu_count(const guest_system *gsp)
{
    return gsp->cpu_count;
}

guest_cpu *guest_cpu_get(guest_system *gsp, unsigned index)
{
    return index < gsp->cpu_count ? gsp->cpus[index] : NULL;
}

unsigned guest_cpu_index(const guest_cpu *gcp)
{
    return gcp->index;
}

const char *guest_name(const guest_system *gsp)
{
    return gsp->name;
}

enum guest_power_state guest_power_state_current(const guest_system *gsp)
{
    switch (__atomic_load_n(&gsp->state, __ATOMIC_RELAXED)) {
    case VM_RUNNING: return GPS_ON;
    case VM_PAUSED: return GPS_PAUSED;
    case VM_CONFIGURED:
    case VM_ENDING:
    case VM_ENDED:
    case VM_REFUSED: break;
    }
    return GPS_OFF;
}

vdev_t *vintc_vdev(const guest_system *gsp)
{
    return gsp->intc_vdev;
}

guest_system *guest_cpu_system(const guest_cpu *gcp)
{
    return gcp->vm;
}

uint64_t guest_cpu_mpidr(const guest_cpu *gcp)
{
    return gcp->mpidr;
}

int guest_intr_signal(const struct guest_intr *gip, enum guest_intr_state state)
{
    if (!phase_is(PHASE_RUNNING, gip->pic ? gip->pic->v_name : "a line without controller"))
        return EPERM;
    if (!gip->pic)
        return EOK;
    const struct vdev_pic_functions *pic = gip->pic->v_factory->pic;
    int err = pic && pic->signal ? pic->signal(gip, state) : EINVAL;
    if (err)
        log_limited(&gip->pic->v_gsp->log_limit, LOG_WARN,
                    "vm %s: guest_intr_signal: INTID %u, state %u cannot be: it is no SPI, or no state of a line",
                    gip->pic->v_gsp->name, gip->param, (unsigned)state);
    return err;
}
