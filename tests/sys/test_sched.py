# SPDX-License-Identifier: Apache-2.0
"""More vCPUs than cores: shares follow priorities and budgets, counted in the guests' own seconds."""
import re
import time

import pytest
from descriptions import vm, vms_write

def share_of(machine, name):
    """Milliseconds that the VM's first vCPU ran."""
    machine.send("status\r")
    match = machine.expect(rb"vm %b:[^\n]*\n[^\n]*ran (\d+) ms" % name.encode(), 30)
    return int(match[1])


def spinner(name, lines):
    return vm(name, "fault", affinity=(0,), bootargs="do=loop", vm_lines=lines)


def shares(machine, image, seconds, *nodes):
    """How long each VM of one core ran within so many guest seconds."""
    names = [re.search(r"(\w+) \{", node)[1] for node in nodes]
    started = machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), "--image", f"fault={image('fault.bin')}", "--smp", 1,
                      "--icount", "--console", "mux", timeout=60 + 60 * seconds)
    started.expect(rb"FAULT loop", 60)
    started.escape("0")
    before = [share_of(started, name) for name in names]
    total = before
    while sum(total) - sum(before) < seconds * 1000:
        time.sleep(2)
        total = [share_of(started, name) for name in names]
    started.end()
    return [b - a for a, b in zip(before, total)]


SECONDS = [2, pytest.param(10, marks=pytest.mark.full)]


@pytest.mark.one_gic
@pytest.mark.parametrize("seconds", SECONDS)
def test_equals_take_turns(machine, image, seconds):
    one, two, three = shares(machine, image, seconds, *(spinner(name, "") for name in ("one", "two", "three")))
    whole = one + two + three
    assert all(abs(share / whole - 1 / 3) < 0.02 for share in (one, two, three)), (one, two, three)


@pytest.mark.one_gic
@pytest.mark.parametrize("seconds", SECONDS)
def test_budgets_are_kept(machine, image, seconds):
    limited, rest = shares(machine, image, seconds, spinner("limited", "priority = <30>; budget-us = <3000>; period-us = <10000>;"), spinner("rest", ""))
    assert abs(limited / (limited + rest) - 0.3) < 0.02, (limited, rest)
