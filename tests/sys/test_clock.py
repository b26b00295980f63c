# SPDX-License-Identifier: Apache-2.0
"""A VM is paused and resumed from the hypervisor's console; with a clock of its own it does not notice."""
import re
import time

import pytest
from descriptions import vm, vms_write
from stub import tree_of_the_machine
from test_conformance import CHECKS_AT_LEAST, tap_check

PAUSE = 5


@pytest.mark.needs(memory=512)
def test_conformance_with_own_clock(machine, image):
    """All that the manual says of counters and timers holds with an offset as well."""
    description = vms_write(machine.folder / "vms.dts",
                            vm("guest", "kernel", cpus=2, memory=(0x40000000, 512 << 20), bootargs="hyp=1 races=10 bank-rounds=5",
                               vm_lines='armature,counter = "own";'))
    started = machine("--vms", description, "--image", f"kernel={image('conformance.bin')}", timeout=300)
    status = started.wait()
    assert tap_check(started) >= CHECKS_AT_LEAST
    assert status == 0, started.story()


@pytest.mark.one_gic
@pytest.mark.parametrize("rate", [None, 31250000])
def test_rate_that_the_tree_must_tell(machine, linux, rate):
    """Where CNTFRQ_EL0, which guests read, is not what the machine's tree says, theirs says it too: Linux goes by that."""
    tree = tree_of_the_machine(machine, [["-tx", "/timer", "clock-frequency", f"{rate:x}"]] if rate else [])
    guest = linux("--host-dtb", tree)
    said = guest.run("od -An -tx1 /proc/device-tree/timer/clock-frequency 2>&1", check=False)
    assert rate.to_bytes(4, "big").hex(" ") in said if rate else "No such file" in said, said
    mhz = (rate or 62500000) / 1e6
    assert f"at {mhz:.2f}MHz" in guest.run("dmesg | grep arch_timer"), guest.machine.story()


def uptime(machine):
    machine.escape("1")
    machine.send("\ruptime\r")
    match = machine.expect(rb"up (\d+)\.(\d+) s", 20)
    machine.expect(rb"rtos> ", 20)
    return int(match[1]) + float(b"0." + match[2])


def command(machine, line, answer):
    machine.escape("0")
    machine.send(line + "\r")
    machine.expect(answer, 20)


def test_pause_stops_own_clock(machine, image):
    description = vms_write(machine.folder / "vms.dts", vm("rtos", "rtos", vm_lines='armature,counter = "own";'))
    started = machine("--vms", description, "--image", f"rtos={image('rtos.elf')}", "--console", "mux", timeout=120)
    started.expect(rb"rtos> ", 30)
    begin, first = time.monotonic(), uptime(started)
    command(started, "pause rtos", rb"vm rtos: paused")
    command(started, "pause rtos", rb"vm rtos: refused: it is not running")
    time.sleep(PAUSE)
    command(started, "resume rtos", rb"vm rtos: resumed")
    command(started, "resume nothing", rb"vm nothing: no such VM")
    second = uptime(started)
    assert first < second <= first + (time.monotonic() - begin) - PAUSE
    started.send("off\r")
    assert started.wait() == 0, started.story()


@pytest.mark.needs(cores=3)
def test_own_clock_never_runs_backwards(machine, image):
    """Nor for one core by what another read last. Who pauses is on another core: the VM's own run on until they are told."""
    description = vms_write(machine.folder / "vms.dts",
                            vm("back", "back", cpus=2, affinity=(1, 2), bootargs="seconds=2", vm_lines='armature,counter = "own";'))
    started = machine("--vms", description, "--image", f"back={image('back.bin')}", "--console", "mux", timeout=120)
    started.expect(rb"BACK start 1", 30)
    for _ in range(20):
        command(started, "pause back", rb"vm back: paused")
        command(started, "resume back", rb"vm back: resumed")
    started.escape("1")
    started.expect(rb"BACK end", 60)
    counts = re.findall(rb"BACK core (\d+): (\d+) times", started.before)
    assert [int(core) for core, _ in counts] == [0, 1]
    assert not any(int(times) for _, times in counts), started.before
