/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>

/* Does the whole text match the shell pattern: `*` any characters, `?` one, `[a-z]` one of a set, `[!a-z]` one of no such set, `\` the next character as it is? Pure; takes at
 * most (length of pattern) x (length of text) steps. */
bool glob_match(const char *pattern, const char *text);
/* Is it a pattern: no set without its end, no `\` at the end? Pure. */
bool glob_is_sound(const char *pattern);
