/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* "Did you mean": the known name that a misspelt one is nearest to. */
#include "hyp/base/phase.h"

struct nearest {
    const char *word;  /* what was written */
    const char *best;  /* NULL: nothing is near enough */
    unsigned distance; /* of best */
};

struct nearest nearest_to(const char *word) __startup;
/* Offers a known name. */
void nearest_offer(struct nearest *n, const char *known) __startup;
/* Insertions, deletions and substitutions from a to b, in their first 47 characters. Pure. */
unsigned nearest_distance(const char *a, const char *b) __startup;
