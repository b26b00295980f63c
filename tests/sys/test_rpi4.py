# SPDX-License-Identifier: Apache-2.0
"""The Raspberry Pi 4's image on QEMU's raspi4b: GIC-400, spin tables, mini-UART, no PSCI, stock U-Boot."""
import os

import pexpect
import pytest
from cards import card_make
from descriptions import rtos_vm, vms_write
from linux import Linux
from machine import ROOT, tool_run
from test_conformance import CHECKS_AT_LEAST, tap_check

pytestmark = pytest.mark.targets("rpi4")


def test_starts_and_powers_off(machine, image):
    started = machine("--kernel", image("rtos.elf"), timeout=60)
    started.expect(rb"rtos> ")
    started.expect_log(r"on Raspberry Pi 4 \(Raspberry Pi 4 Model B\)")
    started.expect_log(r"4 cores, \d+ MiB of memory, GICv2 with 4 list registers")
    started.expect_log(r"console /soc/serial@7e215040")
    started.send("echo through the mini-UART\r")
    started.expect(rb"echo through the mini-UART\r\nthrough the mini-UART")
    started.send("off\r")
    assert started.wait() == 0, started.story()


class User:
    """A terminal on which somebody typed a command; `Linux` runs in it as in a Machine."""

    def __init__(self, argv, timeout):
        environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "ARMATURE_HYP")}
        self.child = pexpect.spawn(argv[0], argv[1:], cwd=ROOT, env=environment, timeout=timeout, dimensions=(50, 200))
        self.send = self.child.send

    def expect(self, pattern, timeout=-1):
        self.child.expect(pattern, -1 if timeout is None else timeout)
        return self.child.match


@pytest.mark.needs("own-tool")
def test_make_run(target, hypervisor, image):
    """`make run BOARD=rpi4`: power on, stock U-Boot, card, hypervisor, two VMs, the console in the user's hands."""
    for needed in ("Image-debian", "initrd.cpio.gz", "rtos.elf"):
        image(needed)
    user = User(["make", "run", "BOARD=rpi4"], timeout=180)
    try:
        user.expect(rb"Hit any key to stop autoboot")
        user.expect(rb"Armature: starting from mmc 0:1")
        user.expect(rb"on Raspberry Pi 4 \(Raspberry Pi 4 Model B\)")
        user.expect(rb"4 cores, 960 MiB of memory, GICv2 with 4 list registers")
        guest = Linux(user)
        guest.login()
        assert guest.run("nproc").strip() == "2" and guest.run("cat /proc/interrupts | grep -c GIC-0").strip() != "0"
        assert guest.warnings() == []
        user.send("\x1d2\r")
        user.expect(rb"rtos> ")
        user.send("ticks\r")
        assert int(user.expect(rb"(\d+) ticks at 100 Hz")[1]) > 100
        user.send("off\r")
        user.expect(rb"vm rtos: ended \(off\)")
        user.send("\x1d1")
        user.send("poweroff\n")
        user.expect(rb"vm linux: ended \(off\)")
        user.expect(pexpect.EOF, 30)
        user.child.close()
        assert user.child.exitstatus == 0
    finally:
        user.child.close(force=True)


# What the user has: for the emulator, which does not read it, stand-ins do.
FIRMWARE = ("start4.elf", "fixup4.dat", "bcm2711-rpi-4-b.dtb")


def rtos_bundle(folder, image):
    path = folder / "rtos.bundle"
    done = tool_run("bundle", vms_write(folder / "rtos.dts", rtos_vm(affinity=(3,))), "--image", f"rtos={image('rtos.elf')}", "-o", path)
    assert done.returncode == 0, done.stdout
    return path


def rtos_ends(started):
    started.expect(rb"rtos> ")
    started.send("off\r")
    assert started.wait() == 0, started.story()


@pytest.mark.parametrize("stub", ["firmware", "tf-a"])
def test_the_very_card_for_the_board(machine, image, hypervisor, stub):
    place, card = machine.folder / "firmware", machine.folder / "card.img"
    place.mkdir()
    for name in (*FIRMWARE, "bl31.bin"):
        (place / name).write_bytes(b"a stand-in")
    done = tool_run("sdcard", "--board", "rpi4", "--firmware", place, "--stub", stub, "--hyp", hypervisor, "--bundle",
                    rtos_bundle(machine.folder, image), "--host-args", "log=info", "-o", card)
    assert done.returncode == 0, done.stdout
    started = machine("--card", card, "--stub", stub, timeout=90)
    if stub == "tf-a":
        started.expect(rb"BL31: Preparing for EL3 exit to normal world")
    started.expect(rb"Armature: starting from mmc 0:1")
    started.expect(rb"timer at %b Hz" % {"firmware": b"62500000", "tf-a": b"54000000"}[stub])
    rtos_ends(started)
    if stub == "tf-a":
        assert "PSCI_SYSTEM_OFF" in started.text("console.txt"), started.story()


# Cores, power and SMCCC by TF-A, which Debian's package has for the board; its ticks are the board's 54 MHz.

@pytest.mark.full
def test_linux_with_tf_a(linux):
    guest = linux("--stub", "tf-a", cpus=4, timeout=180)
    assert guest.run("nproc").strip() == "4" and guest.warnings() == []
    before = guest.ticks()
    guest.run("sleep 1; for c in 0 1 2 3; do taskset -p $((1 << c)) $$ >/dev/null; sleep 0.1; done")
    assert all(b > a for a, b in zip(before, guest.ticks())), guest.ticks()
    guest.machine.expect_log(r"timer at 54000000 Hz")
    guest.machine.send("poweroff\n")
    assert guest.machine.wait() == 0, guest.machine.story()


@pytest.mark.full
def test_conformance_with_tf_a(machine, image):
    started = machine("--stub", "tf-a", "--kernel", image("conformance.bin"), "--append", "hyp=1", "--cpus", 4, timeout=400)
    status = started.wait()
    assert tap_check(started) >= CHECKS_AT_LEAST and status == 0, started.story()


@pytest.mark.parametrize("address", [0x4000000, pytest.param(0x20200000, marks=pytest.mark.full)])
def test_go(machine, image, hypervisor, address):
    """The stock U-Boot's `go ADDRESS TREE BUNDLE`: argc in x0, argv in x1, MMU and caches on, HCR_EL2 and DAIF as they are."""
    load = "load ${devtype} ${devnum}:${distro_bootpart}"
    script = (f"{load} {address:#x} armature.bin && {load} 0x10000000 armature.bundle\n"
              "fdt addr ${fdt_addr} && fdt resize 4096 && fdt set /chosen bootargs 'console=mux log=info'\n"
              f"go {address:#x} ${{fdt_addr}} 10000000\n")
    started = machine("--card", card_make(machine.folder, rtos_bundle(machine.folder, image), hypervisor, script), timeout=60)
    started.expect(rf"loaded at {address:#x} .* by go")
    rtos_ends(started)


def test_reset_of_the_vm_ends_the_run(machine, image):
    """With --no-reboot the hypervisor powers the machine off instead of starting the VM again."""
    started = machine("--kernel", image("rtos.elf"), "--no-reboot", timeout=60)
    started.expect(rb"rtos> ")
    started.send("reset\r")
    assert started.wait() == 3, started.story()


@pytest.mark.parametrize("pins, console", [(0x12000, "serial@7e215040"), (0x24000, "serial@7e201000")], ids=["mini-uart", "pl011"])
def test_console_is_where_the_pins_lead(machine, image, hypervisor, pins, console):
    """GPIO 14 and 15 switched to one UART while the tree names the mini-UART: what is said has to come out of the header all the same."""
    load = "load ${devtype} ${devnum}:${distro_bootpart}"
    script = (f"{load} ${{kernel_addr_r}} armature.bin && {load} ${{ramdisk_addr_r}} armature.bundle\n"
              "setenv bootargs 'console=mux log=info'\n"
              f"mw.l 0xfe200004 {pins:#x}\n"
              "booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdt_addr}\n")
    started = machine("--card", card_make(machine.folder, rtos_bundle(machine.folder, image), hypervisor, script), timeout=60)
    if console == "serial@7e215040":
        started.expect(rf"console /soc/{console}")
        rtos_ends(started)
        return
    started.expect(rb"Starting kernel")
    started.wait_for(lambda: started.text("results.txt"), rf"{console} is taken as the console: the pins lead to it", 30)
    started.wait_for(lambda: started.text("results.txt"), r"Armature rtos: counter", 30)
