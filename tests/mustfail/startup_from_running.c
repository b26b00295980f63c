/* SPDX-License-Identifier: Apache-2.0 */
/* Code that runs after startup_end() must not call what startup_end() unmaps. */
/* fails: calling function 'memory_hand_out' requires holding phase 'STARTUP' exclusively */
#include "hyp/base/phase.h"

void memory_hand_out(void) __startup;
void timer_fire(void) __running;
void machine_assemble(void) __startup;

void memory_hand_out(void)
{
}

#if defined(MUST_COMPILE)
void machine_assemble(void)
{
    memory_hand_out();
}
#else
void timer_fire(void)
{
    memory_hand_out();
}
#endif
