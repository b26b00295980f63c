/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Calls into the machine's firmware: SMCCC (DEN 0028) and PSCI (DEN 0022), and cores started by spin table. */
#include "arch/arm64/core_arch.h"
#include "hyp/base/addr.h"

enum firmware_conduit { FIRMWARE_NONE, FIRMWARE_SMC, FIRMWARE_HVC };

#define PSCI_VERSION 0x84000000u
#define PSCI_CPU_SUSPEND 0x84000001u
#define PSCI_CPU_OFF 0x84000002u
#define PSCI_CPU_ON 0x84000003u
#define PSCI_AFFINITY_INFO 0x84000004u
#define PSCI_MIGRATE 0x84000005u
#define PSCI_MIGRATE_INFO_TYPE 0x84000006u
#define PSCI_MIGRATE_INFO_UP_CPU 0x84000007u
#define PSCI_SYSTEM_OFF 0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u
#define PSCI_FEATURES 0x8400000au
#define PSCI_CPU_FREEZE 0x8400000bu
#define PSCI_CPU_DEFAULT_SUSPEND 0x8400000cu
#define PSCI_NODE_HW_STATE 0x8400000du
#define PSCI_SYSTEM_SUSPEND 0x8400000eu
#define PSCI_SET_SUSPEND_MODE 0x8400000fu
#define PSCI_STAT_RESIDENCY 0x84000010u
#define PSCI_STAT_COUNT 0x84000011u
#define PSCI_SYSTEM_RESET2 0x84000012u
#define PSCI_MEM_PROTECT 0x84000013u
#define PSCI_MEM_PROTECT_CHECK_RANGE 0x84000014u
#define SMCCC_VERSION 0x80000000u
#define SMCCC_ARCH_FEATURES 0x80000001u
#define SMCCC_ARCH_SOC_ID 0x80000002u
#define SMCCC_ARCH_WORKAROUND_1 0x80008000u
#define SMCCC_ARCH_WORKAROUND_2 0x80007fffu
#define SMCCC_ARCH_WORKAROUND_3 0x80003fffu
#define SMCCC_PV_TIME_FEATURES 0xc5000020u
#define SMCCC_64 0x40000000u

#define PSCI_SUCCESS 0
#define PSCI_NOT_SUPPORTED (-1)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_DENIED (-3)
#define PSCI_ALREADY_ON (-4)
#define PSCI_ON_PENDING (-5)
#define PSCI_INTERNAL_FAILURE (-6)
#define PSCI_NOT_PRESENT (-7)
#define PSCI_DISABLED (-8)
#define PSCI_INVALID_ADDRESS (-9)

/* By the tree: how firmware is called. Before that every call answers NOT_SUPPORTED. */
void firmware_init(enum firmware_conduit conduit) __startup;
/* x0 of the answer. */
int64_t firmware_call(uint64_t fn, uint64_t a, uint64_t b, uint64_t c);
/* Starts a core through PSCI; `args` is cleaned to the point of coherency here. PSCI's answer. */
int64_t firmware_cpu_on(uint32_t fn, uint64_t mpidr, const struct core_start_args *args) __startup;
/* Starts a core through its spin table's release address (mapped by the caller). */
void spin_table_release(volatile uint64_t *release, uint64_t mpidr, const struct core_start_args *args) __startup;
