# SPDX-License-Identifier: Apache-2.0
"""More vCPUs than cores: Linux stays well; shares follow priorities and budgets; a thread that computes holds nobody up for long."""
import re
import time

import pytest
from descriptions import linux_vm, vm, vms_write
from linux import Linux

STALLS = r"rcu.*(stall|detected)|soft lockup|hung task|hrtimer: interrupt took"


def floating(node, mask, extra=""):
    """The VM node with its vCPUs on any core of the mask."""
    return re.sub(r"affinity = <[^>]*>;", f"runmask = <{mask:#x}>; {extra}", node)


def start_linux(machine, image, nodes, cores):
    return machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), "--image", f"linux={image('Image-debian')}",
                   "--image", f"initrd={image('initrd.cpio.gz')}", *machine.target.cores_wanted(cores), "--console", "mux", timeout=240)


def well(guest, cpus, seconds):
    """All CPUs are busy for a while, and the kernel has nothing to say about it."""
    assert guest.run("nproc").strip() == str(cpus)
    guest.run(f"for c in $(seq 0 {cpus - 1}); do timeout {seconds} sh -c 'while :; do :; done' & done; wait; true", timeout=seconds * 10 + 60)
    stalls = [line for line in guest.run("dmesg").splitlines() if re.search(STALLS, line) and "took" not in line]
    assert stalls == []


@pytest.mark.needs(cores=4)
def test_eight_vcpus_on_four_cores(machine, image):
    started = start_linux(machine, image, [floating(linux_vm(cpus=8, affinity=range(8)), 0xF)], 4)
    guest = Linux(started)
    guest.login()
    well(guest, 8, 5)
    started.send("poweroff\n")
    assert started.wait() == 0, started.story()


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
    started = machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), "--image", f"fault={image('fault.bin')}", *machine.target.cores_wanted(1),
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


@pytest.mark.needs("icount")
@pytest.mark.parametrize("seconds", SECONDS)
def test_equals_take_turns(machine, image, seconds):
    one, two, three = shares(machine, image, seconds, *(spinner(name, "") for name in ("one", "two", "three")))
    whole = one + two + three
    assert all(abs(share / whole - 1 / 3) < 0.02 for share in (one, two, three)), (one, two, three)


@pytest.mark.needs("icount")
@pytest.mark.parametrize("seconds", SECONDS)
def test_budgets_are_kept(machine, image, seconds):
    limited, rest = shares(machine, image, seconds, spinner("limited", "priority = <30>; budget-us = <3000>; period-us = <10000>;"), spinner("rest", ""))
    assert abs(limited / (limited + rest) - 0.3) < 0.02, (limited, rest)
