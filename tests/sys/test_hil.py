# SPDX-License-Identifier: Apache-2.0
"""
What a board on a serial line does to those who drive it, rehearsed with QEMU behind a pseudo-terminal: noise, a lossy and slow line, power that is cut
at any moment, another medium, a board in another room.
"""
import contextlib
import os
import random
import shutil
import time

import pytest
from hil.environment import HERE, Environment, variables_set
from target import DEFAULT

labgrid = pytest.importorskip("labgrid")

pytestmark = pytest.mark.one_gic
ENVIRONMENTS = os.path.join(os.path.dirname(HERE), "env")
BOARD = "--board qemu-virt --noise"


@pytest.fixture
def rehearsed(tmp_path, monkeypatch, hypervisor):
    """rehearsed(NAME of an environment file, arguments of rehearsal.py): a function that starts the board as a Machine; .strategy is its strategy."""
    from hil.serial_machine import SerialMachine
    count = iter(range(1000))
    monkeypatch.setenv("LG_BOARD", str(tmp_path / "board"))
    variables_set()

    def serve(name, arguments):
        environment = Environment(name, labgrid.Environment(os.path.join(ENVIRONMENTS, name + ".yaml")))
        environment.rehearse = arguments
        ending.callback(environment.close)

        def start(*arguments, timeout=90):
            started = SerialMachine(tmp_path / f"machine{next(count)}", arguments, start.strategy, DEFAULT, hypervisor, timeout)
            ending.callback(started.end)
            return started
        start.strategy = environment.strategy()
        return start
    with contextlib.ExitStack() as ending:
        yield serve


def rtos_works(started, image):
    started.expect(rb"rtos> ")
    started.send("echo over one wire\r")
    started.expect(rb"echo over one wire\r\nover one wire")
    started.send("off\r")
    assert started.wait() == 0, started.story()
    assert started.vm_state("guest") == "ended off", started.results()
    assert "powering off" in started.log()


def test_a_board_on_a_line(rehearsed, image):
    start = rehearsed("rehearsed-virt", BOARD)
    rtos_works(start("--kernel", image("rtos.elf")), image)
    started = start("--kernel", image("rtos.elf"))  # the medium is written anew, and the VM resets in place
    started.expect(rb"rtos> ")
    started.send("reset\r")
    started.expect_result(r"R vm guest state=restarting cause=reset")
    started.expect(rb"rtos> ")
    started.send("off\r")
    assert started.wait() == 0, started.story()


@pytest.mark.parametrize("cuts", [3, pytest.param(20, marks=pytest.mark.full)])
def test_power_cut_at_any_moment(rehearsed, image, cuts):
    """However far the start had come, the next one is a start like any other."""
    dice = random.Random(cuts)
    start = rehearsed("rehearsed-virt", BOARD)
    start("--kernel", image("rtos.elf")).end()  # its medium stays in the slot
    for _ in range(cuts):
        start.strategy.start()
        time.sleep(dice.uniform(0, 6))
        start.strategy.transition("off")
    rtos_works(start("--kernel", image("rtos.elf")), image)


@pytest.mark.full
@pytest.mark.parametrize("baud,loss", [(9600, 0), (115200, 0.001), (115200, 0.003)])
def test_u_boots_prompt_on_a_bad_line(rehearsed, image, baud, loss):
    """Prompts that come late or not, words with letters missing: tried again until a command was understood."""
    start = rehearsed("rehearsed-virt", f"{BOARD} --baud {baud} --loss {loss} --seed 7")
    start("--kernel", image("rtos.elf")).end()
    start.strategy.transition("uboot")
    start.strategy.command("true", 20)
    start.strategy.command("setenv bootargs 'console=mux log=info'", 20)
    start.strategy.command("printenv bootargs", 20, "bootargs=console=mux log=info")
    start.strategy.transition("off")


def test_what_is_typed_early_is_no_answer_to_u_boot(rehearsed, image):
    """Nor is what a test types lost: it waits until a guest is there. The reader and the one who types do not disturb each other."""
    start = rehearsed("rehearsed-virt", BOARD)
    started = start("--kernel", image("rtos.elf"))
    for number in range(40):
        started.send(f"echo line {number}\r")
    started.expect(rb"\nline 39\r\n")
    assert "stop autoboot" in started.text("raw.txt") and "Unknown command" not in started.text("raw.txt"), started.story()
    started.send("off\r")
    assert started.wait() == 0, started.story()


def test_a_refusal_is_what_the_tool_says(rehearsed, tmp_path):
    start = rehearsed("rehearsed-virt", BOARD)
    started = start("--kernel", tmp_path / "nothing")
    assert started.over() and started.wait() == 2
    assert "--kernel" in started.text("tool.txt") and str(tmp_path / "nothing") in started.text("tool.txt")


def test_a_board_that_never_starts(rehearsed, image):
    """The failure says what came over the line, and leaves the board off."""
    start = rehearsed("rehearsed-virt", f"{BOARD} --gic 1")
    with pytest.raises(AssertionError, match="(?s)the power switch: .*gic-version.*--- raw.txt"):
        start("--kernel", image("rtos.elf"))
    assert start.strategy.status.name == "off"


def test_a_board_in_another_room(rehearsed, image):
    """Its line by ser2net, its files by TFTP through U-Boot's prompt."""
    if not shutil.which("ser2net"):
        pytest.skip("ser2net is not installed: tools/setup")
    start = rehearsed("rehearsed-remote", f"{BOARD} --net")
    rtos_works(start("--kernel", image("rtos.elf"), timeout=150), image)
