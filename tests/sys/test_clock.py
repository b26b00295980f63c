# SPDX-License-Identifier: Apache-2.0
"""A VM is paused and resumed from the hypervisor's console; with a clock of its own it does not notice."""
import time

import pytest
from descriptions import vm, vms_write
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
