# SPDX-License-Identifier: Apache-2.0
"""
What a board on a serial line does to those who drive it, rehearsed with QEMU behind a pseudo-terminal: noise, a lossy and slow line, power that is cut
at any moment, another medium, a board in another room.
"""
import os
import random
import shutil
import time

import pytest
from hil.environment import HERE, port_listens, rehearsal_end, rehearsal_start

labgrid = pytest.importorskip("labgrid")

pytestmark = pytest.mark.one_gic
ENVIRONMENTS = os.path.join(os.path.dirname(HERE), "env")
PORT = 4001


@pytest.fixture
def rehearsed(tmp_path, monkeypatch, hypervisor):
    """rehearsed(NAME of an environment file, arguments of rehearsal.py): a function that starts the board as a Machine; .strategy is its strategy."""
    from hil.serial_machine import SerialMachine
    servers, started, environments = [], [], []
    board = tmp_path / "board"
    monkeypatch.setenv("LG_BOARD", str(board))
    monkeypatch.setenv("LG_SYS", os.path.dirname(HERE))

    def serve(name, arguments, ser2net=None):
        rehearsal_start(servers, str(board), arguments, ser2net)
        environments.append(labgrid.Environment(os.path.join(ENVIRONMENTS, name + ".yaml")))
        strategy = environments[-1].get_target("main").get_driver("ArmatureStrategy", activate=False)

        def start(*arguments, timeout=90):
            folder = tmp_path / f"machine{len(started)}"
            started.append(SerialMachine(folder, arguments, strategy, hypervisor, timeout))
            return started[-1]
        start.strategy = strategy
        return start
    yield serve
    for each in started:
        each.end()
    for each in environments:
        each.cleanup()
    rehearsal_end(servers)


def rtos_works(started, image):
    started.expect(rb"rtos> ")
    started.send("echo over one wire\r")
    started.expect(rb"echo over one wire\r\nover one wire")
    started.send("off\r")
    assert started.wait() == 0, started.story()
    assert started.vm_state("guest") == "ended off", started.results()
    assert "powering off" in started.log()


def test_a_board_on_a_line(rehearsed, image):
    start = rehearsed("rehearsed-virt", "--board qemu-virt --noise")
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
    start = rehearsed("rehearsed-virt", "--board qemu-virt --noise")
    for _ in range(cuts):
        started = start("--kernel", image("rtos.elf"))
        time.sleep(dice.uniform(0, 6))
        started.end()
    rtos_works(start("--kernel", image("rtos.elf")), image)


@pytest.mark.full
@pytest.mark.parametrize("baud,loss", [(9600, 0), (115200, 0.001), (115200, 0.003)])
def test_u_boots_prompt_on_a_bad_line(rehearsed, image, baud, loss):
    """Prompts that come late or not, words with letters missing: tried again until a command was understood."""
    start = rehearsed("rehearsed-virt", f"--board qemu-virt --noise --baud {baud} --loss {loss} --seed 7")
    started = start("--kernel", image("rtos.elf"))
    started.end()
    start.strategy.transition("uboot")
    start.strategy.command("true", 20)
    start.strategy.transition("off")


def test_a_board_in_another_room(rehearsed, image):
    """Its line by ser2net, its files by TFTP through U-Boot's prompt."""
    if not shutil.which("ser2net"):
        pytest.skip("ser2net is not installed: tools/setup")
    assert not port_listens(PORT), f"somebody listens on port {PORT} already"
    start = rehearsed("rehearsed-remote", "--board qemu-virt --net --noise", PORT)
    rtos_works(start("--kernel", image("rtos.elf"), timeout=150), image)
