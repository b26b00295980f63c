/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A string built in a fixed buffer: always terminated, what does not fit is cut off. Any phase. */
#include "hyp/base/bits.h"

struct text {
    char *at;
    size_t size, length;
    bool cut; /* something did not fit */
};

static inline struct text text_in(char *buffer, size_t size)
{
    buffer[0] = 0;
    return (struct text){ .at = buffer, .size = size };
}

static inline void text_char(struct text *t, char c)
{
    if (t->length + 1 >= t->size) {
        t->cut = true;
        return;
    }
    t->at[t->length++] = c;
    t->at[t->length] = 0;
}

/* At most `max` bytes of `s`, up to its NUL. */
static inline void text_bytes(struct text *t, const char *s, size_t max)
{
    for (; max && *s; s++, max--)
        text_char(t, *s);
}

static inline void text_string(struct text *t, const char *s)
{
    text_bytes(t, s, SIZE_MAX);
}

/* Lower case, no prefix, no leading zeros: as unit addresses are written. */
static inline void text_hex(struct text *t, uint64_t v)
{
    int digit = 15;
    while (digit && !(v >> (4 * digit)))
        digit--;
    for (; digit >= 0; digit--)
        text_char(t, "0123456789abcdef"[v >> (4 * digit) & 15]);
}

static inline void text_decimal(struct text *t, uint64_t v)
{
    uint64_t unit = 1;
    while (v / unit > 9)
        unit *= 10;
    for (; unit; unit /= 10)
        text_char(t, (char)('0' + v / unit % 10));
}
