/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/startup.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/vcpu_arch.h"
#include "hyp/base/log.h"

static enum phase phase; /* changed once, by startup_end() */

enum phase phase_now(void)
{
    return __atomic_load_n(&phase, __ATOMIC_ACQUIRE);
}

bool phase_check(enum phase want, const char *function)
{
    if (phase_now() == want)
        return true;
    log_line(LOG_INTERNAL, "%s refused: only while %s", function, want == PHASE_STARTUP ? "starting up" : "running");
    return false;
}

void startup_end(void) NO_THREAD_SAFETY
{
    core_fp_seal(); /* libfdt, the one user, was startup code */
    mmu_startup_end();
    __atomic_store_n(&phase, PHASE_RUNNING, __ATOMIC_RELEASE);
}
