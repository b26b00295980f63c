# SPDX-License-Identifier: Apache-2.0
"""Two Linux VMs that compute on one core: each sees as steal what the other had, by Arm's paravirtualized time."""
import re

from descriptions import vm, vms_write
from linux import Linux

PVTIME = 'pvtime { compatible = "armature,pvtime"; };'
LOAD = 6  # seconds


def times(guest):
    """(user + system, steal, all) of the CPU since boot, in hundredths of a second."""
    said = guest.run("grep '^cpu ' /proc/stat")  # and perhaps a word of the kernel's between
    fields = [int(n) for n in re.search(r"cpu +(\d+(?: \d+){7})", said)[1].split()]
    return fields[0] + fields[1] + fields[2] + fields[5] + fields[6], fields[7], sum(fields)


def front(machine, guest, number):
    machine.escape(str(number))
    machine.send("\n")
    guest.login(60)


def test_two_busy_vms_on_one_core(machine, image):
    nodes = [vm(name, "linux", "initrd", 1, (0,), (0x40000000, 192 << 20), "console=ttyAMA0", devices=devices)
             for name, devices in (("first", PVTIME), ("second", PVTIME), ("without", ""))]
    nodes[2] = nodes[2].replace("affinity = <0>", "affinity = <1>")
    description = vms_write(machine.folder / "vms.dts", *nodes)
    started = machine("--vms", description, "--image", f"linux={image('Image-debian')}", "--image", f"initrd={image('initrd.cpio.gz')}",
                      "--console", "mux", timeout=300)
    guest = Linux(started)
    guest.login()
    for number in (1, 2):
        front(started, guest, number)
        assert "using stolen time PV" in guest.run("dmesg | grep -i 'stolen time'")
    front(started, guest, 3)
    assert "stolen" not in guest.run("dmesg | grep -i stolen", check=False)
    # The second computes all the time; then the first does, beside it.
    front(started, guest, 2)
    guest.run("(while :; do :; done) & true")
    front(started, guest, 1)
    before = times(guest)
    guest.run(f"end=$(($(cut -d. -f1 /proc/uptime) + {LOAD})); while [ $(cut -d. -f1 /proc/uptime) -lt $end ]; do :; done", timeout=120)
    busy, steal, total = (after - first for after, first in zip(times(guest), before))
    # A tick that comes late, after another's turn, is counted as stolen whole: up to a tick of 4 ms in each 20 ms is in no sum.
    assert total > 80 * LOAD, (busy, steal, total)
    # Turns of 10 ms; a guest that waits for an event gives the rest of its own away.
    assert 0.35 < steal / total < 0.7, (busy, steal, total)
    assert busy + steal > 0.93 * total, (busy, steal, total)
    # What it waited while the first computed, and no more, was taken from the second.
    front(started, guest, 2)
    _, stolen_2, _ = times(guest)
    assert stolen_2 > 20 * LOAD
    guest.run("kill %1; wait; true", check=False)
    front(started, guest, 1)
    _, quiet_before, all_before = times(guest)
    guest.run("sleep 3", timeout=60)
    _, quiet_after, all_after = times(guest)
    assert quiet_after - quiet_before < 0.1 * (all_after - all_before)
    started.escape("0")
    started.send("status first\r")
    match = started.wait_for(started.said, r"vcpu 0 core 0 on[a-z ]*: ran \d+ ms, stolen (\d+) ms", 20)
    assert int(match[1]) >= 10 * steal * 0.9
    assert not re.search(r"state=(ended|restarting)", started.results())
