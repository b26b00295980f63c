/* SPDX-License-Identifier: Apache-2.0 */
/* What the compiler calls for copies and clears; and cache maintenance by address. */
#include "tests/guest/lib/regs.h"

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

void *memcpy(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((volatile char *)to)[i] = ((const char *)from)[i];
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    if ((uintptr_t)to <= (uintptr_t)from)
        return memcpy(to, from, n);
    while (n--)
        ((volatile char *)to)[n] = ((const char *)from)[n];
    return to;
}

void *memset(void *to, int c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((volatile char *)to)[i] = (char)c;
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    for (size_t i = 0; i < n; i++) {
        if (x[i] != y[i])
            return x[i] - y[i];
    }
    return 0;
}

void dcache_clean_invalidate(uint64_t start, uint64_t len)
{
    uint64_t line = dcache_line();
    for (uint64_t a = align_down(start, line); a < start + len; a += line)
        __asm__ volatile("dc civac, %0" ::"r"(a) : "memory");
    dsb(sy);
}

void icache_sync(uint64_t start, uint64_t len)
{
    uint64_t line = dcache_line();
    for (uint64_t a = align_down(start, line); a < start + len; a += line)
        __asm__ volatile("dc cvau, %0" ::"r"(a) : "memory");
    dsb(ish);
    line = icache_line();
    for (uint64_t a = align_down(start, line); a < start + len; a += line)
        __asm__ volatile("ic ivau, %0" ::"r"(a) : "memory");
    dsb(ish);
    isb();
}
