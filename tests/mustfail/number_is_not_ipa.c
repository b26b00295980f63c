/* SPDX-License-Identifier: Apache-2.0 */
/* A number becomes a guest's address by name, IPA(). */
/* fails: passing 'uint64_t' .*to parameter of incompatible type 'ipa_t' */
#include "hyp/base/addr.h"

ipa_t region_end(uint64_t base, uint64_t size);

#if defined(MUST_COMPILE)
ipa_t region_end(uint64_t base, uint64_t size)
{
    return ipa_add(IPA(base), size);
}
#else
ipa_t region_end(uint64_t base, uint64_t size)
{
    return ipa_add(base, size);
}
#endif
