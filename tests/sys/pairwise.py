# SPDX-License-Identifier: Apache-2.0
"""A small set of combinations in which every pair of values of any two parameters occurs."""
import itertools


def pairs_of(combination):
    return {(i, a, j, b) for (i, a), (j, b) in itertools.combinations(enumerate(combination), 2)}


def pairs_missing(chosen, *parameters):
    """The pairs that a set lacks."""
    return set().union(*map(pairs_of, itertools.product(*parameters))) - set().union(*map(pairs_of, chosen))


def pairwise(*parameters):
    """Greedy: always the combination with the most pairs not had yet, the first of equals. The same input, the same set."""
    everything = list(itertools.product(*parameters))
    missing, chosen = pairs_missing([()], *parameters), []
    while missing:
        best = max(everything, key=lambda c: len(pairs_of(c) & missing))
        chosen.append(best)
        missing -= pairs_of(best)
    return chosen
