/* SPDX-License-Identifier: Apache-2.0 */
/* A guest's physical address is not the machine's. */
/* fails: passing 'ipa_t' to parameter of incompatible type 'pa_t' */
#include "hyp/base/addr.h"

void page_scrub(pa_t page);
void page_give(ipa_t seen, pa_t real);

void page_give(ipa_t seen, pa_t real)
{
#if defined(MUST_COMPILE)
    (void)seen;
    page_scrub(real);
#else
    (void)real;
    page_scrub(seen);
#endif
}
