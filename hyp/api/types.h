/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The vdev API's basic types, with QNX's names. No functions. */
#include "hyp/base/bits.h"
#include "hyp/base/phase.h"

#define EOK 0

/* What kind of data element a state block points at. */
enum qvm_state_type {
    QST_MEMORY = 0,  /* guest-physical address */
    QST_VIRTUAL = 1, /* guest-virtual address, as the vCPU translates it now */
    QST_CPUREGS = 2, /* byte offset in the vCPU's general registers: 8 * n for Xn, 8 * 31 is the zero register */
    QST_FPUREGS = 3,
    QST_HOST = 4,        /* EL2 address */
    QST_IMMEDIATE = 7,   /* location is the value itself */
    QST_ARM_SR = 0x8000, /* AArch64 system register; location as ESR_ELx.ISS of a trapped MSR/MRS orders op0..CRm */
    QST_NO_TYPE = 0xffff,
};

#define QSL_NO_LOCATION (~UINT64_C(0)) /* not placed yet */
/* Flags: bits 0-3: sign extend from the element's length to so many bytes; bits 4-7: zero extend likewise. */
#define QSF_SIGN_EXTEND(bytes) ((uint16_t)(bytes))
#define QSF_ZERO_EXTEND(bytes) ((uint16_t)((bytes) << 4))
#define QSF_REVERSE 0x100 /* ours: the vCPU accesses memory big-endian; the element's bytes are reversed on the way */

/* A typed pointer to some data element: one routine moves data between memory, registers and immediates. */
struct qvm_state_block {
    uint64_t location;
    uint64_t length;
    uint16_t type; /* enum qvm_state_type */
    uint16_t flags;
    uint32_t spare;
};
typedef struct qvm_state_block qvm_state_block;

typedef struct guest_cpu guest_cpu; /* a vCPU */
/* A VM. Holding it, in REQUIRES(gsp), is holding its gasp_lock(). */
struct CAPABILITY("guest address space") guest_system;
typedef struct guest_system guest_system;
typedef struct vdev_s vdev_t;

/* A line into an interrupt controller: which one, which pin, and which of the sources wired together on it. */
struct guest_intr {
    vdev_t *pic;     /* NULL: none assigned */
    uint32_t param;  /* the pin: on a GIC the INTID */
    uint32_t src_id; /* one bit a source: the pin is high while any is */
};
typedef struct guest_intr guest_intr;
enum guest_intr_state { GIS_NOP = 0, GIS_ON = 1, GIS_OFF = 2, GIS_ISR = 4 };
