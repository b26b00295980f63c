# SPDX-License-Identifier: Apache-2.0
"""The conformance guest on every core model, with 1 to 8 vCPUs, with and without icount: no check fails."""
import itertools
import re

import pytest
from descriptions import vm, vms_write
from pairwise import pairs_missing

MODELS, CPUS, ICOUNT = ("cortex-a53", "cortex-a72", "cortex-a76", "max"), (1, 2, 4, 8), (False, True)
# Every pair of values. Eight cores that run at once on two of the host's are slow: only one of the eights is without icount.
WITH_ICOUNT = {"cortex-a53": (2, 8), "cortex-a72": (1, 4), "cortex-a76": (2, 8), "max": (1, 4, 8)}
DEFAULT = [(model, cpus, cpus in WITH_ICOUNT[model]) for model in MODELS for cpus in CPUS]
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
    return len(numbers) - len(re.findall(r"^ok \d+ - .* # SKIP", text, re.M))


def test_the_default_set_has_all_pairs():
    assert not pairs_missing(DEFAULT, MODELS, CPUS, ICOUNT)


def marks(model, cpus, icount):
    needs = pytest.mark.needs(*(["icount"] if icount else []), *([] if model == "cortex-a72" else ["models"]), cores=cpus)
    return [needs] + ([pytest.mark.alone] if cpus > 2 and not icount else [])


@pytest.mark.parametrize("model, cpus, icount", [pytest.param(*c, marks=marks(*c)) for c in DEFAULT]
                         + [pytest.param(*c, marks=[*marks(*c), pytest.mark.full]) for c in REST])
def test_conformance(machine, image, model, cpus, icount):
    # Eight spinning vCPUs on a host of two cores: every lost turn is a whole slice of the host's.
    bootargs = "hyp=1 races=20 bank-rounds=2 routes=30" if cpus == 8 and not icount else "hyp=1"
    started = machine("--kernel", image("conformance.bin"), "--append", bootargs, "--cpu", model, "--cpus", cpus,
                      *machine.target.cores_wanted(max(4, cpus)), *(["--icount"] if icount else []), timeout=300)
    status = started.wait()
    assert tap_check(started) >= CHECKS_AT_LEAST
    assert status == 0, started.story()


@pytest.mark.parametrize("affinity", [(0, 0), pytest.param((0, 1, 1, 0), marks=pytest.mark.full)])
@pytest.mark.needs(cores=2)
def test_conformance_where_vcpus_share_a_core(machine, image, affinity):
    """What a vCPU has in the core's registers goes and comes with it."""
    node = vm("guest", "conformance", cpus=len(affinity), affinity=affinity, memory=(0x40000000, 256 << 20),
              bootargs="hyp=1 races=20 bank-rounds=2 routes=30")
    started = machine("--vms", vms_write(machine.folder / "vms.dts", node), "--image", f"conformance={image('conformance.bin')}", timeout=300)
    status = started.wait()
    assert tap_check(started) >= CHECKS_AT_LEAST
    assert status == 0, started.story()


@pytest.mark.full
@pytest.mark.needs(cores=2)
def test_sixteen_at_once_ten_thousand_times(machine, image):
    """Distinct priorities on the list registers there are, which take turns: in order each time, and none lost."""
    started = machine("--kernel", image("conformance.bin"), "--append", "hyp=1 subjects=priorities rounds=10000", "--cpus", 2, timeout=900)
    status = started.wait()
    assert tap_check(started) and status == 0, started.story()
    assert re.search(r"ok \d+ - sixteen at once, round after round: none lost", started.text("console.txt")), started.story()


@pytest.mark.full
@pytest.mark.alone
def test_cpu_on_raced_a_thousand_times(machine, image):
    started = machine("--kernel", image("conformance.bin"), "--append", "hyp=1 subjects=races races=1000 bank-rounds=10 routes=20000", "--cpus", 4,
                      timeout=900)
    status = started.wait()
    assert tap_check(started) and status == 0, started.story()
