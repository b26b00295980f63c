/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* SMCCC calls by HVC or SMC, and PSCI by HVC (DEN 0022, DEN 0028). */
#include "hyp/base/bits.h"

struct smccc_regs {
    uint64_t x[18];
};

void smccc_call_hvc(struct smccc_regs *in_out);
void smccc_call_smc(struct smccc_regs *in_out);

static inline int64_t hvc(uint64_t fid, uint64_t a, uint64_t b, uint64_t c)
{
    struct smccc_regs r = { { fid, a, b, c } };
    smccc_call_hvc(&r);
    return (int64_t)r.x[0];
}

static inline int64_t smc(uint64_t fid, uint64_t a, uint64_t b, uint64_t c)
{
    struct smccc_regs r = { { fid, a, b, c } };
    smccc_call_smc(&r);
    return (int64_t)r.x[0];
}

/* 32-bit ids; the 64-bit twins have bit 30. */
enum psci_fid {
    PSCI_VERSION = 0x84000000,
    PSCI_CPU_SUSPEND = 0x84000001,
    PSCI_CPU_OFF = 0x84000002,
    PSCI_CPU_ON = 0x84000003,
    PSCI_AFFINITY_INFO = 0x84000004,
    PSCI_MIGRATE = 0x84000005,
    PSCI_MIGRATE_INFO_TYPE = 0x84000006,
    PSCI_MIGRATE_INFO_UP_CPU = 0x84000007,
    PSCI_SYSTEM_OFF = 0x84000008,
    PSCI_SYSTEM_RESET = 0x84000009,
    PSCI_FEATURES = 0x8400000a,
    PSCI_CPU_FREEZE = 0x8400000b,
    PSCI_CPU_DEFAULT_SUSPEND = 0x8400000c,
    PSCI_NODE_HW_STATE = 0x8400000d,
    PSCI_SYSTEM_SUSPEND = 0x8400000e,
    PSCI_SET_SUSPEND_MODE = 0x8400000f,
    PSCI_STAT_RESIDENCY = 0x84000010,
    PSCI_STAT_COUNT = 0x84000011,
    PSCI_SYSTEM_RESET2 = 0x84000012,
    PSCI_MEM_PROTECT = 0x84000013,
    PSCI_MEM_PROTECT_CHECK_RANGE = 0x84000014,
    SMCCC_VERSION = 0x80000000,
    SMCCC_ARCH_FEATURES = 0x80000001,
    SMCCC_ARCH_SOC_ID = 0x80000002,
    SMCCC_ARCH_WORKAROUND_3 = 0x80003fff,
    SMCCC_ARCH_WORKAROUND_2 = 0x80007fff,
    SMCCC_ARCH_WORKAROUND_1 = 0x80008000,
};
#define FID_64 0x40000000u

enum psci_error {
    PSCI_SUCCESS = 0,
    PSCI_NOT_SUPPORTED = -1,
    PSCI_INVALID_PARAMETERS = -2,
    PSCI_DENIED = -3,
    PSCI_ALREADY_ON = -4,
    PSCI_ON_PENDING = -5,
    PSCI_INTERNAL_FAILURE = -6,
    PSCI_NOT_PRESENT = -7,
    PSCI_DISABLED = -8,
    PSCI_INVALID_ADDRESS = -9,
};

enum psci_affinity { AFFINITY_ON = 0, AFFINITY_OFF = 1, AFFINITY_ON_PENDING = 2 };

static inline int64_t psci_cpu_on(uint64_t mpidr, uint64_t entry, uint64_t context)
{
    return hvc(PSCI_CPU_ON | FID_64, mpidr, entry, context);
}

static inline int64_t psci_affinity_info(uint64_t mpidr)
{
    return hvc(PSCI_AFFINITY_INFO | FID_64, mpidr, 0, 0);
}

_Noreturn static inline void psci_system_off(void)
{
    for (;;)
        hvc(PSCI_SYSTEM_OFF, 0, 0, 0);
}
