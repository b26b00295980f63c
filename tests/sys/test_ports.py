# SPDX-License-Identifier: Apache-2.0
"""Boards that were ported by docs/PORTING.md alone, each on QEMU's machine of it: their own images, to a Linux guest's prompt."""
import os
import subprocess

import pytest
from conftest import make
from descriptions import linux_vm, rtos_vm, vms_write
from linux import Linux
from machine import ROOT
from test_conformance import tap_check

pytestmark = pytest.mark.one_gic


def image_built(config):
    make(f"CONFIG={config}", f"build/{config}/armature.bin")
    subprocess.run([os.path.join(ROOT, "tools", "fetch"), "linux"], check=True, timeout=600)  # the boards' trees
    return os.path.join(ROOT, "build", config, "armature.bin")


@pytest.fixture(scope="session")
def zcu102():
    return image_built("zcu102")


def two_vms(folder, image, cores):
    """Linux on all cores but the first, where the bare-metal guest is: --vms and the images."""
    description = vms_write(folder / "two.dts", linux_vm(cpus=cores - 1, affinity=range(1, cores)), rtos_vm(affinity=(0,)))
    images = {"linux": "Image-debian", "initrd": "initrd.cpio.gz", "rtos": "rtos.elf"}
    return ("--vms", description, *(part for name, file in images.items() for part in ("--image", f"{name}={image(file)}")))


def both_work_and_end(started, cores):
    """The console takes input by its interrupt, the guests have their interrupts and cores, and the last end powers off."""
    guest = Linux(started)
    guest.login()
    assert guest.run("nproc").strip() == str(cores - 1)
    assert all(n > 0 for n in guest.ticks())
    assert not guest.warnings()
    assert guest.run("echo 0123456789abcdefghijklmnopqrstuvwxyz | md5sum").startswith("e9b1713db620f1e3a14b6812de523f4b")
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
    both_work_and_end(started, 4)


@pytest.mark.full
def test_zcu102_restarts_a_vm_and_resets(machine, image, zcu102):
    started = machine("--gic", 2, "--board", "zcu102", "--kernel", image("rtos.elf"), hyp=zcu102, timeout=60)
    for _ in range(2):
        started.expect(rb"rtos> ")
        started.send("reset\r")
        started.expect(rb"Armature rtos: ")
    started.expect(rb"rtos> ")
    started.send("off\r")
    assert started.wait() == 0, started.story()
    started = machine("--gic", 2, "--board", "zcu102", "--kernel", image("rtos.elf"), "--no-reboot", hyp=zcu102, timeout=60)
    started.expect(rb"rtos> ")
    started.send("reset\r")
    assert started.wait() == 3, started.story()


@pytest.mark.full
@pytest.mark.parametrize("cpus", [1, 4])
def test_zcu102_conformance(machine, image, zcu102, cpus):
    started = machine("--gic", 2, "--board", "zcu102", "--kernel", image("conformance.bin"), "--append", "hyp=1", "--cpus", cpus, hyp=zcu102,
                      timeout=300)
    status = started.wait()
    assert tap_check(started) and status == 0, started.story()
