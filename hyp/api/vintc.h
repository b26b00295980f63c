/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the core loop asks of a VM's interrupt controller vdev. One a VM; registered at startup by its factory. All calls come from
 * the core that runs (or is about to run) the vCPU unless said otherwise; interrupts are masked.
 */
#include "hyp/api/vdev.h"

struct sysreg_access {
    uint32_t reg; /* op0:op1:CRn:CRm:op2 as ESR_ELx.ISS places them, SYSREG_ISS() */
    bool write;
    uint64_t value; /* written; or the answer to a read */
};
enum sysreg_result { SYSREG_DONE, SYSREG_UNDEF };

struct vintc_ops {
    /* The first word of vintc_cpu_data() is not 0 while flush has something to do. */
    /* Before each guest entry: list registers made to hold what should be seen. Must cost next to nothing when nothing changed. */
    void (*flush)(guest_cpu *gcp);
    /* After a full exit: what the guest did to the list registers folded back into the virqs. */
    void (*sync)(guest_cpu *gcp);
    /* Would an interrupt be signalled to this vCPU (WFI must not sleep)? Powered down its interface is off, and what is for it asks for power. Any core. */
    bool (*wakes)(guest_cpu *gcp, bool powered_down);
    /* The vCPU comes to / leaves this core. */
    void (*load)(guest_cpu *gcp);
    void (*unload)(guest_cpu *gcp);
    /* A hardware interrupt linked to a virtual one fired on this core for this vCPU (timers): acknowledged and dropped, not deactivated. Or, for a vCPU
     * that no core holds, its saved timer has come due (any core; nothing was acknowledged). True: it is in a list register, no flush is needed for it. */
    bool (*hw_fired)(guest_cpu *gcp, uint32_t intid);
    /* Between a quick exit and the entry: the same as sync and flush, when flush has something to do or the vCPU was kicked. */
    void (*refresh)(guest_cpu *gcp);
    /* A trapped write to ICC_SGI1R_EL1. false: the guest has no such register. */
    bool (*sgi)(guest_cpu *gcp, uint64_t value);
    /* A trapped ICC_* register. */
    enum sysreg_result (*sysreg)(guest_cpu *gcp, struct sysreg_access *a);
    /* It is off, and was unloaded: what may go to another goes there. On its core, before it can start again. */
    void (*off)(guest_cpu *gcp);
    /* The VM (re)starts: everything as after a cold reset. Called with no vCPU running. */
    void (*reset)(guest_system *gsp);
};

/* Makes `v` the VM's controller; its factory's pic table serves `interrupts` properties. EBUSY: there is one already. */
int vintc_register(struct vdev_builder *b, const struct vintc_ops *ops) __startup __must_check;
/* Makes the controller's private data of a vCPU: `bytes`, zeroed. NULL with a traced error. */
void *vintc_cpu_alloc(guest_cpu *gcp, size_t bytes) __startup;
/* Zeroed memory for the VM's life. NULL with a traced error. */
void *vdev_alloc(struct vdev_builder *b, size_t bytes) __startup;
/* Zeroed pages of 4 KiB for the VM's life, nothing else in them, for regions that the guest sees; *pa: where the machine has them. NULL with a traced error. */
void *vdev_alloc_pages(struct vdev_builder *b, unsigned pages, uint64_t *pa) __startup;
/* The controller's private data of a vCPU. */
static inline void *vintc_cpu_data(guest_cpu *gcp)
{
    return *(void **)gcp; /* first member of struct guest_cpu */
}
/* Is the pin of the VM's controller some vdev's already, or reserved by the description? For pic->assign(). */
bool vdev_pin_taken(const struct vdev_builder *b, uint32_t pin) __startup;
/* The VM's controller vdev; NULL before one registered. Any phase. */
vdev_t *vintc_vdev(const guest_system *gsp);
/* The VM that the vCPU belongs to. */
guest_system *guest_cpu_system(const guest_cpu *gcp);
/* The vCPU's MPIDR_EL1 as the guest reads it. */
uint64_t guest_cpu_mpidr(const guest_cpu *gcp);
/* The vCPU should look at its interrupts: wakes it if it sleeps, brings it out of the guest if it runs on another core. Any core. */
void guest_cpu_kick(guest_cpu *gcp);
/* Is the vCPU in (or entering) the guest on some core right now, so that list registers may be ahead of the virqs? Any core. */
bool guest_cpu_in_guest(const guest_cpu *gcp);
/* Brings the vCPU out of the guest and keeps it out until guest_cpu_resume(), its list registers folded: bounded wait for one exit.
 * Holds no lock. The caller is a vCPU's exit path; its own vCPU is out already. */
void guest_cpu_pause(guest_cpu *gcp) __running;
/* Lets it go on after as many guest_cpu_pause(). */
void guest_cpu_resume(guest_cpu *gcp) __running;
