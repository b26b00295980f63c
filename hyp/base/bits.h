/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Bits and fields. All constants are 64-bit, so that a shift never loses what a register has. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BIT(n) (UINT64_C(1) << (n))
/* The mask of register bits hi..lo, named as in the manual: FIELD(47, 40). */
#define FIELD(hi, lo) ((~UINT64_C(0) >> (63 - (hi))) & ~(BIT(lo) - 1))

/* The value that `mask` selects from `reg`, shifted down. */
static inline uint64_t field_get(uint64_t mask, uint64_t reg)
{
    return (reg & mask) / (mask & -mask);
}

/* `value` moved into `mask`'s place; what does not fit is cut off. */
static inline uint64_t field_make(uint64_t mask, uint64_t value)
{
    return (value * (mask & -mask)) & mask;
}

static inline uint64_t field_set(uint64_t mask, uint64_t reg, uint64_t value)
{
    return (reg & ~mask) | field_make(mask, value);
}

/* The number of the lowest bit that is set; one is. */
static inline unsigned bit_first(uint64_t v)
{
    return (unsigned)__builtin_ctzll(v);
}

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)
#define PAGE_SHIFT 12
#define PAGE_SIZE KIB(4)
#define BLOCK_SIZE MIB(2)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline uint64_t align_down(uint64_t v, uint64_t to)
{
    return v & ~(to - 1);
}

static inline uint64_t align_up(uint64_t v, uint64_t to)
{
    return (v + to - 1) & ~(to - 1);
}

static inline bool is_aligned(uint64_t v, uint64_t to)
{
    return (v & (to - 1)) == 0;
}

/* Do [a, a+alen) and [b, b+blen) share a byte? The caller knows that neither wraps. */
static inline bool ranges_overlap(uint64_t a, uint64_t alen, uint64_t b, uint64_t blen)
{
    return alen && blen && a < b + blen && b < a + alen;
}
