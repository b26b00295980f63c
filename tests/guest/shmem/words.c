/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/guest/shmem/client.h"

static const char *rest; /* of the line */

void line_set(const char *line)
{
    rest = line;
}

void word_next(char *to, unsigned int size)
{
    unsigned int n = 0;
    while (*rest == ' ')
        rest++;
    for (; *rest && *rest != ' '; rest++)
        if (n < size - 1)
            to[n++] = *rest;
    to[n] = 0;
}

uint64_t number_next(void)
{
    char word[32];
    uint64_t n = 0, base = 10, i = 0;
    word_next(word, sizeof(word));
    if (word[0] == '0' && word[1] == 'x') {
        base = 16;
        i = 2;
    }
    for (; word[i]; i++)
        n = n * base + (uint64_t)(word[i] <= '9' ? word[i] - '0' : word[i] - 'a' + 10);
    return n;
}
