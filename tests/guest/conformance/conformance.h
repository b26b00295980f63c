/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the subjects of the conformance guest share. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/exception.h"
#include "tests/guest/lib/gic.h"
#include "tests/guest/lib/mmu.h"
#include "tests/guest/lib/print.h"
#include "tests/guest/lib/psci.h"
#include "tests/guest/lib/regs.h"
#include "tests/guest/lib/tap.h"
#include "tests/guest/lib/timer.h"

/* Nothing is there on QEMU's virt machine, below RAM, in the guest's device mapping. */
#define NOWHERE UINT64_C(0x3f000000)
/* Nothing is there either, in the guest's Normal mapping: above any RAM these machines have. */
#define NOWHERE_NORMAL UINT64_C(0x380000000)

#define HYP_ONLY "what only the hypervisor promises (hyp=1)"
#define NEEDS_CORES "one core"
#define EMULATOR_GICV2 "the emulator's GICv2 acknowledges what its interface has disabled"
#define NOT_A_GICV3 "the machine has a GICv2"
#define NOT_A_GICV2 "the machine has a GICv3"

/* ESR of an UNDEFINED instruction: EC 0, IL 1, ISS 0. */
#define ESR_UNDEF ESR_IL
/* All of ESR but what the architecture leaves to the implementation for an external abort: EA, SET. */
#define ESR_ABORT_MASK (~(ISS_EA | FIELD(12, 11)))

static inline uint64_t esr_make(uint64_t ec, uint64_t iss)
{
    return ec << 26 | ESR_IL | iss;
}

/* One line for a whole exception: class, syndrome, address and return address; prints what differs. */
void check_undef(const struct exception *e, uint64_t elr, const char *section, const char *name);

/* Registers as the first instruction of the guest found them, taken before anything initialised them. */
void reset_capture(void);

/* A core ready to take interrupts: for cpu_call(). */
uint64_t core_gic_init(uint64_t unused);
/* Starts all cores and readies their interrupt interfaces. */
bool cores_ready(void);

static inline uint64_t idreg_field(uint64_t reg, unsigned int lo)
{
    return reg >> lo & 0xf;
}
