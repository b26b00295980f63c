/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "hyp/base/bits.h"
#include "hyp/nearest.h"

#define NEAREST_MAX 48

static __startup unsigned nearest_least(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;

    return least < c ? least : c;
}

/* Levenshtein's distance, one row of the table at a time. */
unsigned nearest_distance(const char *a, const char *b)
{
    size_t la = strnlen(a, NEAREST_MAX - 1), lb = strnlen(b, NEAREST_MAX - 1);
    unsigned row[NEAREST_MAX];

    for (size_t j = 0; j <= lb; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= la; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned above = row[j];
            row[j] = nearest_least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[lb];
}

struct nearest nearest_to(const char *word)
{
    /* Half of the word wrong is no misspelling any more. */
    return (struct nearest){ .word = word, .distance = (unsigned)strnlen(word, NEAREST_MAX) / 2 + 1 };
}

void nearest_offer(struct nearest *n, const char *known)
{
    unsigned distance = nearest_distance(n->word, known);

    if (distance < n->distance) {
        n->distance = distance;
        n->best = known;
    }
}
