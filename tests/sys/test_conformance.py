# SPDX-License-Identifier: Apache-2.0
"""The conformance guest on every core model, with 1 to 8 vCPUs, with and without icount: no check fails."""
import itertools
import re

import pytest
from pairwise import pairwise

MODELS, CPUS, ICOUNT = ("cortex-a53", "cortex-a72", "cortex-a76", "max"), (1, 2, 4, 8), (False, True)
DEFAULT = pairwise(MODELS, CPUS, ICOUNT)
REST = [c for c in itertools.product(MODELS, CPUS, ICOUNT) if c not in DEFAULT]
CHECKS_AT_LEAST = 300


def tap_check(machine):
    """Plan reached, numbers without a gap, nothing failed."""
    text = machine.text("console.txt").replace("\r\n", "\n")
    numbers = [int(n) for n in re.findall(r"\bok (\d+) - ", text)]
    plan = re.findall(r"^1\.\.(\d+)$", text, re.M)
    failed = re.findall(r"not ok .*(?:\n# got .*)?", text)
    assert not failed, "\n".join(failed)
    assert plan and numbers == list(range(1, int(plan[-1]) + 1)), machine.story()
    return len(numbers)


@pytest.mark.parametrize("model, cpus, icount", DEFAULT + [pytest.param(*c, marks=pytest.mark.full) for c in REST])
def test_conformance(machine, image, model, cpus, icount):
    started = machine("--kernel", image("conformance.bin"), "--append", "hyp=1", "--cpu", model, "--cpus", cpus,
                      "--smp", max(4, cpus), *(["--icount"] if icount else []), timeout=300)
    status = started.wait()
    assert tap_check(started) >= CHECKS_AT_LEAST
    assert status == 0, started.story()
