# SPDX-License-Identifier: Apache-2.0
"""
The suite sees what it is there for, on whatever it runs: a hypervisor that loses interrupts, whose second core stops, or whose vCPUs live in different
times (CONFIG_TEST_FAULTS, test-fault=) fails the check that is meant for it; without the boot argument the same image passes all of them.
"""
import re

import pytest
from test_conformance import tap_check

CPUS = 4
# Of the fault: the subject and the names of the checks that must notice, by the GIC's version where they differ.
PROVOKED = {
    "dropped-interrupt": {3: ("sgi", "none lost, none too many"), 2: ("sgiv2", "one SGI from all cores at once: each sender's arrives")},
    # It stops at one of its exits: which check that is in depends on how many there were.
    "stuck-core": dict.fromkeys((2, 3), ("secondary", "(with interrupts pending the core starts|its banked registers were kept)")),
    "timer-offset": dict.fromkeys((2, 3), ("counters", "the virtual offset is the same on every core")),
}


@pytest.fixture
def faulty(hypervisor_with):
    return hypervisor_with(TEST_FAULTS="y")


def start(machine, image, hyp, subjects, *arguments):
    return machine("--kernel", image("conformance.bin"), "--append", f"hyp=1 subjects={subjects}", "--cpus", CPUS,
                   *machine.target.cores_wanted(CPUS), *arguments, hyp=hyp, timeout=120)


@pytest.mark.needs(cores=CPUS)
def test_nothing_is_provoked_unasked(machine, image, faulty):
    subjects, checks = zip(*(by_gic[machine.target.gic] for by_gic in PROVOKED.values()))
    started = start(machine, image, faulty, ",".join(subjects))
    assert started.wait() == 0 and tap_check(started)
    for check in checks:
        assert re.search(rf"^ok \d+ - {check}", started.text("console.txt"), re.M), started.story()


@pytest.mark.needs(cores=CPUS)
@pytest.mark.parametrize("fault", list(PROVOKED))
def test_provoked_fault_is_caught(machine, image, faulty, fault):
    subject, check = PROVOKED[fault][machine.target.gic]
    started = start(machine, image, faulty, subject, "--host-args", f"test-fault={fault}")
    started.expect(rf"not ok \d+ - {check}", 100)
