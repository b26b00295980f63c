# SPDX-License-Identifier: Apache-2.0
"""More vCPUs than cores, all of them busy: Linux boots, Debian's stress finishes, and no kernel has anything to say about it."""
import re

import pytest
from descriptions import linux_vm, vms_write
from linux import Linux

pytestmark = [pytest.mark.one_gic, pytest.mark.alone]
LONG = 1500  # seconds: turns are short beside what a loaded host leaves an emulated core, and boots with more vCPUs than cores then take minutes
STALLS = r"rcu.*(stall|detected)|soft lockup|hard LOCKUP|hung task|blocked for more than"


def floating(node, mask):
    """The VM node with its vCPUs on any core of the mask."""
    return re.sub(r"affinity = <[^>]*>;", f"runmask = <{mask:#x}>;", node)


@pytest.fixture
def boot(machine, image):
    def start(clock, cores, *nodes):
        options = ["--icount"] if clock == "icount" else []
        return machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), "--image", f"linux={image('Image-debian')}",
                       "--image", f"initrd={image('initrd-stress.cpio.gz')}", "--smp", cores, "--console", "mux", *options, timeout=LONG)
    return start


def load_vm(name, cpus, memory=160 << 20):
    """vCPU n on core n, beyond four on the same again. nokaslr: a machine that is the same on every run has no seed, and Linux would warn of that."""
    return linux_vm(name, cpus, [n % 4 for n in range(cpus)], memory, "console=ttyAMA0 nokaslr")


def front(guest, number):
    guest.machine.escape(str(number))
    guest.machine.send("\n")
    guest.login(LONG)


def load_begin(guest, cpus, seconds):
    """Computing on every CPU, memory given back and taken anew, and a process that only waits in between."""
    assert guest.run("nproc", timeout=LONG).strip() == str(cpus)
    guest.run(f"stress --cpu {cpus} --vm 1 --vm-bytes 16M --io 1 --timeout {seconds} >/tmp/said 2>&1 & true", timeout=LONG)


def load_end(guest, seconds):
    said = guest.run("wait; cat /tmp/said", timeout=LONG)
    took = re.search(r"successful run completed in (\d+)s", said)
    assert took and int(took[1]) >= seconds, said


def well(guest):
    stalls = [line for line in guest.run("dmesg", timeout=LONG).splitlines() if re.search(STALLS, line)]
    assert stalls == [] and guest.warnings() == []


# By the host's clock the cores run at the same time; by instructions the host's load is not seen, and a second is the same amount of work anywhere.
FULL = [pytest.param(form, *how, marks=pytest.mark.full) for form in ("floating", "pinned") for how in (("host", 30), ("icount", 5))]


@pytest.mark.parametrize("form,clock,seconds", FULL)
def test_three_vms_of_two_on_two_cores(boot, form, clock, seconds):
    nodes = [load_vm(f"linux{n}", 2) for n in (1, 2, 3)]
    started = boot(clock, 2, *(nodes if form == "pinned" else (floating(node, 0b11) for node in nodes)))
    guest = Linux(started)
    for step in (lambda: load_begin(guest, 2, seconds), lambda: load_end(guest, seconds), lambda: well(guest)):
        for number in (1, 2, 3):
            front(guest, number)
            step()
    for number in (1, 2, 3):
        front(guest, number)
        started.send("poweroff\n")
        started.expect_result(rf"^R vm linux{number} state=ended cause=off", LONG)
    assert started.wait() == 0, started.story()


@pytest.mark.parametrize("form,clock,seconds", [("floating", "host", 5), *FULL])
def test_eight_vcpus_on_four_cores(boot, form, clock, seconds):
    node = load_vm("linux", 8, 256 << 20)
    guest = Linux(boot(clock, 4, node if form == "pinned" else floating(node, 0xF)))
    guest.login(LONG)
    load_begin(guest, 8, seconds)
    load_end(guest, seconds)
    well(guest)
    guest.machine.send("poweroff\n")
    assert guest.machine.wait() == 0, guest.machine.story()
