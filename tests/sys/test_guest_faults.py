# SPDX-License-Identifier: Apache-2.0
"""What one guest does wrong stays its own: it gets its answer, EL2 and the other VM go on."""
import re
import time

import pytest
from descriptions import rtos_vm, vm, vms_write


@pytest.fixture
def beside(machine, image):
    """The misbehaving guest on core 0, the bare-metal guest in front on core 1."""
    def start(do, vm_lines="", cpus=1):
        nodes = rtos_vm("good", affinity=(1,)), vm("bad", "fault", affinity=(0,), bootargs=f"do={do}", vm_lines=vm_lines)
        started = machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), "--image", f"rtos={image('rtos.elf')}",
                          "--image", f"fault={image('fault.bin')}", timeout=40)
        started.expect(rb"rtos> ")
        return started
    return start


def ticks(machine):
    machine.send("ticks\r")
    count = int(machine.expect(rb"(\d+) ticks at", 10)[1])
    machine.expect(rb"rtos> ", 10)
    return count


@pytest.mark.parametrize("deed", ["loop", "sleep", "storm", "fill", "jumpbare"])
def test_the_other_vm_goes_on(beside, deed):
    machine = beside(deed)
    first, limit = ticks(machine), time.monotonic() + 20
    while ticks(machine) - first <= 50:  # half a second's: a host that has other things to do takes longer
        assert time.monotonic() < limit, machine.story()
        machine.quiet(1)
    machine.send("off\r")
    machine.expect_result(r"^R vm good state=ended cause=off", 10)
    assert machine.vm_state("bad") == "running"  # its faults are its own: the guest has them injected, and goes on
    assert "R machine panic" not in machine.results()
    # The log names a cause where there is one, and does not drown in it.
    assert len(machine.log().splitlines()) < 200, machine.story()


def test_answers_to_what_a_guest_may_not_do(machine, image):
    """ESR as the architecture reports it, for this EL and a 32-bit instruction."""
    started = machine("--kernel", image("fault.bin"), "--append", "do=jump,load,store,undef,hvc,smc,sysreg", timeout=30)
    assert started.wait() == 0, started.story()
    text = started.text("console.txt")
    seen = {name: int(value, 16) for name, value in re.findall(r"FAULT (\w+): (?:ESR|x0) 0x([0-9a-f]+)", text)}
    assert seen["jump"] == 0x86000010 and seen["load"] == 0x96000010 and seen["store"] == 0x96000050, text
    assert seen["undef"] == seen["sysreg"] == 0x02000000, text
    assert seen["hvc"] == seen["smc"] == 0xFFFFFFFFFFFFFFFF, text
    assert len(re.findall("FAULT (?:jump|load|store): .* FAR 0x3f000000", text)) == 3


@pytest.mark.parametrize("policy, expected", [("ignore", "x0 0xffffffff"), ("fail", "ESR 0x96000010")])
def test_policy_for_accesses_to_nothing(machine, image, policy, expected):
    node = vm("guest", "fault", bootargs="do=load", vm_lines=f'armature,unsupported-reference = "{policy}";')
    started = machine("--vms", vms_write(machine.folder / "vms.dts", node), "--image", f"fault={image('fault.bin')}", timeout=30)
    assert started.wait() == 0, started.story()
    assert f"FAULT load: {expected}" in started.text("console.txt"), started.story()


def test_what_is_ignored_moves_its_base_register(machine, image):
    """A loop that copies from where nothing is comes to its end."""
    node = vm("guest", "fault", bootargs="do=moves", vm_lines='armature,unsupported-reference = "ignore";')
    started = machine("--vms", vms_write(machine.folder / "vms.dts", node), "--image", f"fault={image('fault.bin')}", timeout=30)
    assert started.wait() == 0, started.story()
    seen = re.findall(r"FAULT ([\w -]+): (0x[0-9a-f]+) (0x[0-9a-f]+) base (-?\d+)", started.text("console.txt"))
    ones = "0xffffffff"
    assert seen == [("post-index", ones, "0x0", "4"), ("pre-index", ones, "0x0", "0"), ("pair", ones, ones, "0"),
                    ("pair stored", ones, ones, "8")], started.story()


def test_policy_abort_ends_the_vm_alone(beside):
    machine = beside("load", 'armature,unsupported-reference = "abort";')
    machine.expect_result(r"^R vm bad state=ended cause=crash", 10)
    assert re.search(r"bad.*0x3f000000", machine.log()), machine.story()
    first = ticks(machine)
    machine.quiet(0.3)
    assert ticks(machine) > first
    machine.send("off\r")
    assert machine.wait() == 4, machine.story()


def test_accesses_to_nothing_are_counted_and_do_not_flood_the_log(beside):
    machine = beside("storm")
    machine.expect_log(r"bad.*0x3f000000", 10)
    machine.quiet(1)
    assert len(re.findall(r"0x3f000000", machine.log())) <= 20, machine.story()
    machine.escape("0")
    machine.expect(rb"armature> ")
    machine.send("status\r")
    assert int(machine.wait_for(machine.said, r"vm bad: running, [^\r\n]*, (\d+) accesses by policy", 10)[1]) > 20
