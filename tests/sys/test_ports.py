# SPDX-License-Identifier: Apache-2.0
"""Boards that were ported by docs/PORTING.md alone, each on QEMU's machine of it: their own images, to a Linux guest's prompt."""
import os
import subprocess

import pytest
from conftest import make
from descriptions import linux_vm, rtos_vm, vms_write
from linux import NOT_A_FAULT, Linux
from machine import ROOT
from test_conformance import tap_check

pytestmark = pytest.mark.one_gic
SEEDLESS = (r"KASLR disabled due to lack of seed", "the board's tree has no rng-seed, so the guest gets none")


def image_built(config):
    make(f"CONFIG={config}", f"build/{config}/armature.bin")
    subprocess.run([os.path.join(ROOT, "tools", "fetch"), "linux"], check=True, timeout=600)  # the boards' trees
    return os.path.join(ROOT, "build", config, "armature.bin")


@pytest.fixture(scope="session")
def zcu102():
    return image_built("zcu102")


@pytest.fixture(scope="session")
def versal_virt():
    return image_built("versal_virt")


def two_vms(folder, image, cores):
    """Linux on the last two cores, the bare-metal guest on the first: --vms and the images."""
    description = vms_write(folder / "two.dts", linux_vm(cpus=2, affinity=(cores - 2, cores - 1)), rtos_vm(affinity=(0,)))
    images = {"linux": "Image-debian", "initrd": "initrd.cpio.gz", "rtos": "rtos.elf"}
    return ("--vms", description, *(part for name, file in images.items() for part in ("--image", f"{name}={image(file)}")))


def both_work_and_end(started):
    """The console takes input by its interrupt, the guests have their interrupts and cores, and the last end powers off."""
    guest = Linux(started)
    guest.login()
    assert guest.run("nproc").strip() == "2"
    assert all(n > 0 for n in guest.ticks())
    assert not guest.warnings((*NOT_A_FAULT, SEEDLESS))
    assert guest.run("echo 0123456789abcdefghijklmnopqrstuvwxyz | md5sum").startswith("030f331ba568f55bedf7356e11a2c628")
    started.escape("2")
    started.send("\r")
    started.expect(rb"rtos> ")
    started.send("ticks\r")
    assert int(started.expect(rb"(\d+) ticks at 100 Hz")[1]) > 20
    started.send("off\r")
    started.expect_result(r"R vm rtos state=ended cause=off")
    started.escape("1")
    started.send("poweroff\n")
    assert started.wait() == 0, started.story()


def test_zcu102_two_vms(machine, image, zcu102):
    started = machine("--gic", 2, "--board", "zcu102", *two_vms(machine.folder, image, 4), "--console", "mux", hyp=zcu102, timeout=90)
    started.expect_log(r"on ZCU102 \(ZynqMP ZCU102 Rev1.0\)")
    started.expect_log(r"4 cores, 2048 MiB of memory, GICv2 with 4 list registers")
    started.expect_log(r"console /axi/serial@ff000000")
    both_work_and_end(started)


def test_versal_virt_starts_and_powers_off(machine, image, versal_virt):
    started = machine("--gic", 3, "--board", "versal-virt", "--kernel", image("rtos.elf"), "--cpus", 2, hyp=versal_virt, timeout=60)
    started.expect(rb"rtos> ")
    started.expect_log(r"on Versal virt \(Xilinx Versal Virtual development board\)")
    started.expect_log(r"2 cores, 2048 MiB of memory, GICv3 with 4 list registers")
    started.expect_log(r"console /uart@ff000000")
    started.send("echo through the first PL011\r")
    started.expect(rb"\nthrough the first PL011\r\n")
    started.send("off\r")
    assert started.wait() == 0, started.story()


@pytest.mark.full
def test_versal_virt_two_vms(machine, image, versal_virt):
    """On two cores: the guests share one."""
    started = machine("--gic", 3, "--board", "versal-virt", *two_vms(machine.folder, image, 2), "--console", "mux", hyp=versal_virt, timeout=150)
    both_work_and_end(started)


BOARDS = {"zcu102": ("--gic", 2, "--board", "zcu102"), "versal_virt": ("--gic", 3, "--board", "versal-virt")}


@pytest.mark.full
@pytest.mark.parametrize("board", list(BOARDS))
def test_restarts_a_vm_and_resets(machine, image, request, board):
    hyp = request.getfixturevalue(board)
    started = machine(*BOARDS[board], "--kernel", image("rtos.elf"), hyp=hyp, timeout=60)
    for _ in range(2):
        started.expect(rb"rtos> ")
        started.send("reset\r")
        started.expect(rb"Armature rtos: ")
    started.expect(rb"rtos> ")
    started.send("off\r")
    assert started.wait() == 0, started.story()
    started = machine(*BOARDS[board], "--kernel", image("rtos.elf"), "--no-reboot", hyp=hyp, timeout=60)
    started.expect(rb"rtos> ")
    started.send("reset\r")
    assert started.wait() == 3, started.story()


@pytest.mark.full
@pytest.mark.parametrize("board, cpus", [("zcu102", 1), ("zcu102", 4), ("versal_virt", 1), ("versal_virt", 2)])
def test_conformance_on_the_board(machine, image, request, board, cpus):
    started = machine(*BOARDS[board], "--kernel", image("conformance.bin"), "--append", "hyp=1", "--cpus", cpus,
                      hyp=request.getfixturevalue(board), timeout=300)
    status = started.wait()
    assert tap_check(started) and status == 0, started.story()
