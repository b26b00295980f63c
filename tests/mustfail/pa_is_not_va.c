/* SPDX-License-Identifier: Apache-2.0 */
/* A physical address is nothing that EL2 can follow. */
/* fails: passing 'pa_t' to parameter of incompatible type 'va_t' */
#include "hyp/base/addr.h"

void *ram_open(pa_t page, va_t mapped);

#if defined(MUST_COMPILE)
void *ram_open(pa_t page, va_t mapped)
{
    (void)page;
    return va_ptr(mapped);
}
#else
void *ram_open(pa_t page, va_t mapped)
{
    (void)mapped;
    return va_ptr(page);
}
#endif
