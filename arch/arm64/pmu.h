/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The Performance Monitors of a vCPU that has them (DDI 0487 D13): its registers are the core's while it is loaded, and count nothing while it is not. No
 * overflow interrupt. What EL2 does for the guest is counted where the guest's filters (NSH) ask for it.
 */
#include "hyp/base/bits.h"

#define PMU_EVENT_COUNTERS 31 /* at most; PMCR_EL0.N says how many there are */

struct vcpu_pmu {
    uint64_t control, enabled, interrupts, overflow, select, user;
    uint64_t cycles, cycles_filter;
    uint64_t count[PMU_EVENT_COUNTERS], type[PMU_EVENT_COUNTERS];
};

/* ID_AA64DFR0_EL1.PMUVer as a guest may see it of this core's; 0: it has none that is architected. */
uint64_t pmu_version(void);
/* Loaded or taken out of this core, interrupts masked. */
void pmu_vcpu_load(const struct vcpu_pmu *p);
void pmu_vcpu_save(struct vcpu_pmu *p);
