# SPDX-License-Identifier: Apache-2.0
"""
Faults of the very image under test (test_faults.py has more, of an image built for it). They are provoked from outside, through the
emulator's debugger port: the core is stopped at EL2 and sent astray.
"""
import os
import re
import subprocess

import pytest

STACK = 16384  # CONFIG_STACK_SIZE
ASTRAY = {
    "wild jump": (["set $pc = 0xdead000"], r"fault of the hypervisor on core 0: exception\n  instruction abort.*far 000000000dead000"),
    "wild pointer": (["set $pc = crc32_ieee", "set $x1 = 0xdead000", "set $x2 = 16"],
                     r"exception\n  data abort.*far 000000000dead000\n  at   \w+ crc32"),
    "stack overflow": ([f"set $sp = ((unsigned long)$sp & ~{STACK - 1:#x}ul) + 16", "set $pc = core_loop"], r"on core 0: stack overflow\n  data abort"),
    "overwritten frame": (["set $pc = __stack_chk_fail"], r"on core 0: a stack frame was overwritten"),
}


def send_astray(machine, hypervisor, commands, where="exit_dispatch"):
    """Lets the machine run until EL2 comes to `where`, then gives the debugger's commands and lets go."""
    port = machine.wait_for(lambda: machine.text("tool.txt"), r"target remote (127\.0\.0\.1:\d+)", 20)[1]
    script = ["set confirm off", "set pagination off", f"target remote {port}", f"hbreak {where}", "continue", "delete",
              *commands, "detach"]
    argv = ["gdb-multiarch", "-nx", "-batch", os.path.splitext(hypervisor)[0] + ".elf"]
    for line in script:
        argv += ["-ex", line]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=40,
                          check=False, text=True)
    assert "detached" in done.stdout and "rror" not in done.stdout, done.stdout


@pytest.mark.needs("debugger")
@pytest.mark.parametrize("name", list(ASTRAY))
def test_a_fault_is_reported_and_the_machine_parks(machine, image, hypervisor, name):
    commands, report = ASTRAY[name]
    started = machine("--kernel", image("rtos.elf"), "--console", "mux", "--gdb", *machine.target.cores_wanted(1), timeout=40)
    send_astray(started, hypervisor, commands)
    started.expect(rb"parked \(host option panic=park\)", 20)
    text = started.text("console.txt").replace("\r\n", "\n")
    screen = text[text.index("fault of the hypervisor"):]
    assert re.search(report, text), text
    assert screen.count("\n") < 40
    assert re.search(r"from \w+ \w+\+0x", screen) or name == "wild jump", text
    started.expect_result(r"^R machine panic", 5)
    assert started.wait() == 4


@pytest.mark.needs("debugger")
def test_a_fault_on_another_core_stops_all(machine, image, hypervisor):
    """The screen is one core's, whole; the console is silent after it."""
    started = machine("--kernel", image("rtos.elf"), "--cpus", 4, "--console", "mux", "--gdb", timeout=40)
    send_astray(started, hypervisor, ["set $pc = 0xdead000"])
    assert started.wait() == 4
    assert started.text("console.txt").endswith("  parked (host option panic=park)\r\n"), started.story()
