# SPDX-License-Identifier: Apache-2.0
"""vCPUs storm one device register and a page of RAM while another changes regions: nothing lost, nothing stale, no deadlock."""
import os
import re

import pytest
from descriptions import vm, vms_write
from machine import ROOT

STORM = os.path.join(ROOT, "tests", "vdev-storm")
AT = 0x0A000000


@pytest.fixture
def with_storm(hypervisor_with):
    return hypervisor_with(VDEV_EXTERNAL='"tests/vdev-storm"')


# Four vCPUs hit and one flips (on four cores three do): 80,000 accesses to the register, and a million.
@pytest.mark.alone
@pytest.mark.parametrize("rounds", [20000, pytest.param(250000, marks=pytest.mark.full)])
def test_storm_while_regions_change(machine, image, with_storm, rounds):
    cpus = min(5, machine.target.cores)
    node = vm("stormy", "storm", cpus=cpus, bootargs=f"storm={AT:#x} rounds={rounds}",
              devices=f'storm@a000000 {{ compatible = "test,storm"; reg = <0x0 {AT:#x} 0x0 0x1000>; }};')
    started = machine("--bindings", STORM, *machine.target.cores_wanted(cpus), "--vms", vms_write(machine.folder / "vms.dts", node),
                      "--image", f"storm={image('storm.bin')}", hyp=with_storm, timeout=120 if rounds < 100000 else 600)
    assert started.wait() == 0, started.story()
    text = started.text("console.txt")
    end = re.search(r"STORM end: (\d+) hits of (\d+), (\d+) trapped, (\d+) flips, (\d+) lost, (\d+) stale", text)
    assert end, started.story()
    hits, wanted, trapped, flips, lost, stale = map(int, end.groups())
    assert hits == wanted == (cpus - 1) * rounds and trapped > 10 and flips > 10 and lost == stale == 0, end.group()
    # Calls and a system register that the vdev serves; what nobody serves, and what the hypervisor does, is as ever.
    assert "STORM register 0x123456789, sum 0x7000000005, nobody's 0xffffffffffffffff, PSCI 0x10001, flips equal 1" in text
