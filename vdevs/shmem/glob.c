/* SPDX-License-Identifier: Apache-2.0 */
#include "vdevs/shmem/glob.h"

#include <stddef.h>

/* The character behind a set that begins at `[`; NULL: it has no end. A `]` that comes first is one of the set. */
static const char *set_end(const char *set)
{
    const char *at = set + 1 + (set[1] == '!');
    if (*at == ']')
        at++;
    while (*at && *at != ']')
        at++;
    return *at ? at + 1 : NULL;
}

static bool set_has(const char *set, const char *end, char c)
{
    bool inverted = set[1] == '!', has = false;
    for (const char *at = set + 1 + inverted; at < end - 1; at++) {
        bool range = at[1] == '-' && at + 2 < end - 1;
        has |= range ? at[0] <= c && c <= at[2] : *at == c;
        at += range ? 2 : 0;
    }
    return has != inverted;
}

/* One character against what stands at *pattern, which is no `*`; *pattern moves behind it. */
static bool one_matches(const char **pattern, char c)
{
    const char *at = *pattern, *end = *at == '[' ? set_end(at) : NULL;
    if (end) {
        *pattern = end;
        return set_has(at, end, c);
    }
    if (*at == '?') {
        *pattern = at + 1;
        return true;
    }
    if (*at == '\\' && at[1])
        at++;
    *pattern = at + 1;
    return *at == c;
}

bool glob_match(const char *pattern, const char *text)
{
    const char *star = NULL, *from = text; /* the last `*`, and where what it takes ends */
    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            from = text;
            continue;
        }
        if (*pattern && one_matches(&pattern, *text)) {
            text++;
            continue;
        }
        if (!star)
            return false;
        pattern = star;
        text = ++from;
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

bool glob_is_sound(const char *pattern)
{
    while (*pattern) {
        if (*pattern == '\\' && !pattern[1])
            return false;
        const char *end = *pattern == '[' ? set_end(pattern) : NULL;
        if (*pattern == '[' && !end)
            return false;
        pattern = end ? end : pattern + 1 + (*pattern == '\\');
    }
    return true;
}
