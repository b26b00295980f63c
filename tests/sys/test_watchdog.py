# SPDX-License-Identifier: Apache-2.0
"""Linux's own sp805_wdt serves the virtual watchdog; when nobody does, its VM ends, and no other."""
import glob
import os
import re
import subprocess

import pytest

from descriptions import vm, vms_write
from linux import Linux
from machine import ROOT

CACHE = os.path.join(ROOT, "build", "cache")
WATCHDOG = """
        watchdog@1c0f0000 {{
            compatible = "arm,sp805", "arm,primecell";
            reg = <0x0 0x1c0f0000 0x0 0x1000>;
            interrupts = <0 16 4>;
            {options}
        }};"""


@pytest.fixture
def initrd(image, tmp_path):
    """BusyBox with the module of the kernel's package."""
    image("Image-debian")
    modules = glob.glob(os.path.join(CACHE, "kernel-debian", "lib", "modules", "*", "kernel", "drivers", "watchdog", "sp805_wdt.ko"))
    assert modules, "the kernel package has no sp805_wdt.ko"
    image("initrd.cpio.gz")
    out = tmp_path / "initrd.cpio.gz"
    subprocess.run([os.path.join(ROOT, "tools", "initramfs"), os.path.join(CACHE, "guest", "busybox"), str(out), f"sp805_wdt.ko={modules[0]}"],
                   check=True, stdout=subprocess.DEVNULL, timeout=120)
    return str(out)


@pytest.fixture
def start(machine, image, initrd):
    """A Linux VM with the watchdog and its driver, beside a second VM that shall not notice."""
    def run(options, vm_lines='armature,on-crash = "restart";', bootargs="console=ttyAMA0"):
        description = vms_write(machine.folder / "vms.dts",
                                vm("linux", "linux", "initrd", 2, (0, 1), (0x40000000, 256 << 20), bootargs, vm_lines=vm_lines,
                                   devices=WATCHDOG.format(options=options)),
                                vm("rtos", "rtos", affinity=(2,)))
        started = machine("--vms", description, "--image", f"linux={image('Image-debian')}", "--image", f"initrd={initrd}",
                          "--image", f"rtos={image('rtos.elf')}", "--console", "mux", timeout=200)
        guest = Linux(started)
        guest.login()
        guest.run("insmod /sp805_wdt.ko")
        return guest
    return run


def serve(guest):
    """Four seconds, served each second. 25 MHz, two rounds: 50 000 000 clocks each, the last of them at zero."""
    guest.run("watchdog -T 4 -t 1 /dev/watchdog0; until grep -q '^active' /sys/class/watchdog/watchdog0/state; do sleep 0.1; done")
    assert guest.run("cat /sys/class/watchdog/watchdog0/timeout").strip() == "4"


def uptime(machine):
    machine.escape("2")
    machine.send("\ruptime\r")
    match = machine.expect(rb"up (\d+)\.\d+ s", 20)
    machine.expect(rb"rtos> ", 20)
    return int(match[1])


def test_bite_restarts_its_vm_only(start):
    guest = start('armature,action = "dump", "terminate";')
    machine = guest.machine
    assert "registration successful" in guest.run("dmesg | grep sp805")
    assert guest.run("cat /sys/class/watchdog/watchdog0/identity").strip() == "sp805-wdt"
    serve(guest)
    guest.run("sleep 8", timeout=60)
    assert 1 <= int(guest.run("cat /sys/class/watchdog/watchdog0/timeleft")) <= 5
    assert "restarting" not in machine.results()
    before = uptime(machine)
    machine.escape("1")
    guest.machine.send("\n")
    guest.login(20)
    guest.run("killall -9 watchdog")
    machine.expect_result(r"^R vm linux state=restarting cause=watchdog", 60)
    guest.login(120)
    assert guest.run("nproc").strip() == "2"
    log = machine.log()
    assert re.search(r"linux/watchdog@1c0f0000: the guest did not serve it in time \(1\): the VM ends", log)
    for cpu in range(2):
        dump = log.partition(f"vm linux: dump of vcpu {cpu}")[2]
        assert re.search(r"pc  ffff[0-9a-f]{12}  lr ", dump) and "exits irq" in dump and "vbar_el1 ffff" in dump, log
    assert uptime(machine) > before
    assert "vm rtos: ended" not in machine.log()
    # The watchdog came out of the reset as it was at first, and bites again.
    machine.escape("1")
    guest.machine.send("\n")
    guest.login(20)
    guest.run("insmod /sp805_wdt.ko")
    assert guest.run("cat /sys/class/watchdog/watchdog0/state").strip() == "inactive"


def test_paused_vm_is_not_bitten(start):
    """The watchdog's clock stands still with its VM."""
    guest = start("", vm_lines='armature,on-crash = "stop";')
    machine = guest.machine
    serve(guest)
    machine.escape("0")
    machine.send("pause linux\r")
    machine.expect(rb"vm linux: paused", 20)
    machine.quiet(9)
    machine.send("resume linux\r")
    machine.expect(rb"vm linux: resumed", 20)
    machine.send("status linux\r")
    machine.wait_for(machine.said, r"linux/watchdog@1c0f0000: counting, \d+ of 49999999 at 25000000 Hz", 20)
    machine.escape("1")
    machine.send("\n")
    guest.login(20)
    assert guest.run("echo alive").strip() == "alive"
    assert "ended" not in machine.results()
