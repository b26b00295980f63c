/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Guest accesses to where no memory is: found in the address space, performed by a vdev, written back. */
#include "hyp/api/vdev.h"
#include "hyp/aspace.h"

/* A decoded access. Pure data, made from ESR_EL2.ISS by mmio_decode(). */
struct mmio {
    ipa_t ipa;
    uint8_t size; /* 1, 2, 4, 8 */
    bool write;
    bool sign_extend; /* SSE */
    bool wide;        /* SF: the register is 64 bits wide */
    bool reverse;     /* the vCPU accesses memory big-endian; set by the caller */
    uint8_t reg;      /* SRT, 31 is XZR */
};
enum mmio_decoded { MMIO_OK, MMIO_NO_SYNDROME };
/* DDI 0487 D17.2.37 ISS encoding for a Data Abort. Pure. */
enum mmio_decoded mmio_decode(uint64_t esr, ipa_t ipa, struct mmio *out);
/* The value as the destination register gets it: zero or sign extended to 32 or 64 bits. Pure. */
uint64_t mmio_extend(const struct mmio *m, uint64_t value);

/* The element's bytes the other way round if the access is big-endian. Pure. */
uint64_t mmio_reverse(const struct mmio *m, uint64_t value);

/* Performs it on the region's vdev: register table or vread/vwrite. VRS_CONTINUE: the region has nobody for it, the VM's `unsupported` policy applies.
 * `value`: in for writes, out for reads (extended). Registers are the caller's. */
enum vdev_ref_status dispatch_mmio(const struct region *r, guest_cpu *gcp, const struct mmio *m,
                                   uint64_t *value) __running;
