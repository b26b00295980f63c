# SPDX-License-Identifier: Apache-2.0
"""
Faults of the hypervisor itself, provoked by it (CONFIG_TEST_FAULTS): each ends in one screen with the cause, the function and
the core, and in a state that the results channel and the exit status tell.
"""
import re

import pytest
from descriptions import rtos_vm, vm, vms_write

# The lines behind the title, as far as they are the fault's own. `function` is where it happened.
FAULTS = {
    "wild-pointer": ("exception", r"  data abort, translation fault: esr 96000044, far 000000000dead000\n  at   \w+ fault_wild_pointer\+"),
    "stack-overflow": ("stack overflow", r"  data abort, translation fault: esr 960000\w\w, far 0000f0004\w+\n  at   \w+ fault_stack_overflow"),
    "assert": (r"assertion failed at hyp/test_fault.c:\d+: v->vm == NULL", r"  from \w+ fault_assert"),
    "serror": ("SError", r"  SError: esr be000000\n  at   \w+ fault_serror\+"),
    "write-text": ("exception", r"  data abort, permission fault: esr 9600004f, far 0000f00000000000\n  at   \w+ fault_write_text\+"),
    "exec-data": ("exception", r"  instruction abort, permission fault: esr 8600000f, far (\w+)\n  at   \1\n  lr   \w+ core_loop\+"),
    "stack-protector": (r"a stack frame was overwritten \(stack protector\)", r"  from \w+ __stack_chk_fail\+\w+\n  from \w+ fault_stack_protector"),
    "lock-order": ("lock order: VM 0 wanted in fault_lock_inner_first, SCHED 0 held since fault_lock_inner_first", r"  from \w+ lock_order_broken\+"),
    "lock-twice": ("lock order: VM 0 wanted in fault_lock_twice, VM 0 held since fault_lock_twice, the same lock", r"  from \w+ lock_order_broken\+"),
}
SCREEN = 40  # lines


@pytest.fixture
def faulty(hypervisor_with):
    return hypervisor_with(TEST_FAULTS="y")


def screen_of(machine):
    text = machine.text("console.txt").replace("\r\n", "\n")
    assert "fault of the hypervisor" in text, machine.story()
    return text[text.rindex("\nArmature ") + 1:]


@pytest.mark.parametrize("name", list(FAULTS))
def test_one_screen_and_parked(machine, image, faulty, name):
    cause, details = FAULTS[name]
    started = machine("--kernel", image("rtos.elf"), "--host-args", f"test-fault={name}", hyp=faulty, timeout=30)
    assert started.wait() == 4, started.story()
    screen = screen_of(started)
    assert re.match(rf"Armature \S+: fault of the hypervisor on core 0: {cause}\n{details}", screen), started.story()
    assert re.search(r"^  vm guest vcpu 0: pc [0-9a-f]{16} pstate [0-9a-f]+\n  exits: irq \d+, abort \d+\+\d+, ", screen, re.M)
    assert screen.endswith("  parked (host option panic=park)\n") and screen.count("\n") < SCREEN, screen
    assert started.results().splitlines()[-1] == "R machine panic"
    if "raw-console" in machine.target.features:  # else the log is on the wire that has the screen
        assert re.search(rf"fault of the hypervisor on core 0: {cause}", started.log()), started.story()


def test_the_way_there_is_shown(machine, image, faulty):
    """From the fault to the entry from assembly, each with its name."""
    started = machine("--kernel", image("rtos.elf"), "--host-args", "test-fault=wild-pointer", hyp=faulty, timeout=30)
    started.wait()
    way = re.findall(r"^  (?:at|from) +\w+ (\w+)\+0x", screen_of(started), re.M)
    assert way[0] == "fault_wild_pointer" and way[-4:] == ["core_loop", "hyp_run", "hyp_main", "hyp_start"], way


@pytest.mark.parametrize("name", ["stack-overflow", "write-text"])
def test_on_another_core_while_a_vm_runs_elsewhere(machine, image, faulty, name):
    """It is that core's stack and name; the other VM's core stops, the screen is whole."""
    nodes = rtos_vm("beside", affinity=(1,)), vm("busy", "fault", affinity=(2,), bootargs="do=storm")
    started = machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), "--image", f"rtos={image('rtos.elf')}",
                      "--image", f"fault={image('fault.bin')}", "--host-args", f"test-fault={name}", hyp=faulty, timeout=30)
    assert started.wait() == 4, started.story()
    screen = screen_of(started)
    title = re.match(r"Armature \S+: fault of the hypervisor on core (\d): (.*)\n", screen)
    assert title[1] in "12" and title[2] == FAULTS[name][0], screen
    assert re.search(r"  from \w+ hyp_secondary\+", screen) or name == "stack-overflow", screen
    assert f"  vm {'beside' if title[1] == '1' else 'busy'} vcpu 0: " in screen, screen
    assert screen.endswith("  parked (host option panic=park)\n"), screen


@pytest.mark.needs("reset-ends")
def test_reset_by_option(machine, image, faulty):
    started = machine("--kernel", image("rtos.elf"), "--host-args", "test-fault=assert panic=reset", hyp=faulty, timeout=30)
    assert started.wait() == 4, started.story()
    assert screen_of(started).endswith("  resetting (host option panic=reset)\n"), started.story()


def test_the_option_is_not_there_in_others(machine, image):
    started = machine("--kernel", image("rtos.elf"), "--host-args", "test-fault=assert", timeout=30)
    started.expect_log(r'bootargs: unknown word "test-fault=assert"', 10)
    started.expect(rb"rtos> ")
    started.send("off\r")
    assert started.wait() == 0, started.story()
