/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Addresses are types: mixing a guest's (ipa_t), the machine's (pa_t) and EL2's own (va_t) does not compile. */
#include <stdint.h>

typedef struct {
    uint64_t raw;
} ipa_t; /* intermediate physical: what a guest believes is physical */
typedef struct {
    uint64_t raw;
} pa_t; /* physical: what the bus sees */
typedef struct {
    uint64_t raw;
} va_t; /* EL2 virtual */

#define IPA(x) ((ipa_t){ x })
#define PA(x) ((pa_t){ x })
#define VA(x) ((va_t){ x })

/* A piece of physical address space; size 0 is none. */
struct range {
    pa_t base;
    uint64_t size;
};

static inline ipa_t ipa_add(ipa_t a, uint64_t n)
{
    return IPA(a.raw + n);
}

static inline pa_t pa_add(pa_t a, uint64_t n)
{
    return PA(a.raw + n);
}

static inline va_t va_add(va_t a, uint64_t n)
{
    return VA(a.raw + n);
}

static inline void *va_ptr(va_t a)
{
    return (void *)(uintptr_t)a.raw;
}

static inline va_t va_of(const void *p)
{
    return VA((uintptr_t)p);
}
