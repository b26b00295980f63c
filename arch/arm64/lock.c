/* SPDX-License-Identifier: Apache-2.0 */
#include "hyp/base/lock.h"
#include "arch/arm64/core_arch.h"

struct lock_record *lock_record_here(void)
{
    return IS_ENABLED(CONFIG_LOCK_RECORD) ? this_core_arch()->locks : NULL;
}
