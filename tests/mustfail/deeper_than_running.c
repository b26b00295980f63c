/* SPDX-License-Identifier: Apache-2.0 */
/* The phase is asked for at every step: a helper in between, which promises nothing, does not hide the mistake. */
/* fails: calling function 'line_raise' requires holding phase 'RUNNING' */
#include "hyp/base/phase.h"

void line_raise(void) __running;

#if defined(MUST_COMPILE)
void helper(void) __running;
#else
void helper(void);
#endif

void helper(void)
{
    line_raise();
}
