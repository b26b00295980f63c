/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Instruction-trap vdevs: a vdev that stands for an instruction instead of a place. It names at startup which system registers or which calls
 * (HVC, SMC; immediate 0) it serves; its callback gets each of them on the vCPU that executed it. DDI 0487 D17.2.37 (ESR_EL2.ISS of a trapped MSR/MRS), DEN 0028.
 */
#include "hyp/api/vdev.h"

enum guest_instr_type {
    GIT_ARM_SYSREG = 1, /* qualifier: GIT_SYSREG(); the callback's also has direction and Rt */
    GIT_ARM_HVC = 2,    /* qualifier: GIT_CALLS(); the callback's is the function identifier */
    GIT_ARM_SMC = 3,
    GIT_FLAG_NO_QUALIFIER = 0x8000, /* ORed: all of that type that nothing else serves */
};

/* op0:op1:CRn:CRm:op2 where ESR_ELx.ISS has them. */
#define GIT_SYSREG(op0, op1, crn, crm, op2) \
    ((uint64_t)(op0) << 20 | (uint64_t)(op2) << 17 | (uint64_t)(op1) << 14 | (uint64_t)(crn) << 10 | \
     (uint64_t)(crm) << 1)
/* The function identifiers first to last, both included. */
#define GIT_CALLS(first, last) ((uint64_t)(last) << 32 | (uint32_t)(first))

/* Of the qualifier that a GIT_ARM_SYSREG callback gets. */
static inline bool git_sysreg_is_read(uint64_t qualifier)
{
    return qualifier & 1;
}
/* Rt as the operand of guest_cpu_read() and guest_cpu_write(). */
static inline qvm_state_block git_sysreg_operand(uint64_t qualifier)
{
    return (qvm_state_block){ .type = QST_CPUREGS, .location = 8 * (qualifier >> 5 & 31), .length = 8 };
}
/* Register Xn: argument and result n of a call. */
static inline qvm_state_block git_call_operand(unsigned n)
{
    return (qvm_state_block){ .type = QST_CPUREGS, .location = 8 * n, .length = 8 };
}

/*
 * On the vCPU, running, no lock held; must not wait. VRS_NORMAL: done, the guest goes on behind the instruction; VRS_NO_ADVANCE: it executes it again; VRS_CONTINUE: not
 * mine, the next handler's, at last the VM's policy (a register: `unsupported register`; a call: NOT_SUPPORTED); VRS_BUS_ERROR: the instruction is undefined;
 * VRS_TERMINATE, VRS_ABORT and VRS_ERRNO as for an access.
 */
#define GUEST_INSTR_MAX 16 /* of one VM */
typedef enum vdev_ref_status (*guest_instr_callback)(vdev_t *v, guest_cpu *gcp, unsigned git, uint64_t qualifier);

/*
 * Makes the callback the one who is asked. At startup. EOK; EINVAL: a type that does not exist, an empty range, or what the hypervisor serves itself: identification, debug, timer and interrupt controller
 * registers, SMCCC's Arm Architecture and Standard Secure (PSCI) calls; ENOSPC: more than GUEST_INSTR_MAX in one VM. Traced. A register that the core does not
 * trap for a guest (docs/GUESTS.md lists what traps) never gets here.
 */
int guest_instr_register(struct vdev_builder *b, unsigned git, uint64_t qualifier,
                         guest_instr_callback callback) __startup __must_check;
