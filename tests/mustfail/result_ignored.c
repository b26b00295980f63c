/* SPDX-License-Identifier: Apache-2.0 */
/* A result that can be an error is looked at. */
/* fails: ignoring return value of function declared with 'warn_unused_result' attribute */
#include "hyp/base/phase.h"

__must_check int region_add(void);
int vm_prepare(void);

int vm_prepare(void)
{
#if defined(MUST_COMPILE)
    return region_add();
#else
    region_add();
    return 0;
#endif
}
