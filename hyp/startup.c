/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/startup.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/vcpu_arch.h"

void startup_end(void) NO_THREAD_SAFETY
{
    core_fp_seal(); /* libfdt, the one user, was startup code */
    mmu_startup_end();
    __atomic_store_n(&machine_phase, PHASE_RUNNING, __ATOMIC_RELEASE);
}
