# SPDX-License-Identifier: Apache-2.0
"""The power button: what the console's `button VM` comes to in a guest with a PL061 and gpio-keys, as Debian's kernel has drivers for."""
import glob
import os
import re
import subprocess

import pytest
from descriptions import linux_vm, vm, vms_write
from linux import Linux
from machine import ROOT

KEY_POWER = 116
MODULES = ("gpio_keys", "evdev")
GPIO = """gpio: pl061@9030000 {
    compatible = "arm,pl061", "arm,primecell"; reg = <0x0 0x09030000 0x0 0x1000>; interrupts = <0 7 4>;
    gpio-controller; #gpio-cells = <2>; armature,button = <3>;
};"""
KEYS = f'gpio-keys {{ compatible = "gpio-keys"; poweroff {{ linux,code = <{KEY_POWER}>; gpios = <&gpio 3 0>; }}; }};'


@pytest.fixture(scope="session")
def initrd(image, tmp_path_factory):
    """The tests' file system with the modules of the very kernel that Debian has for what it has no built-in driver for."""
    image("Image-debian")
    image("initrd.cpio.gz")
    found = [glob.glob(os.path.join(ROOT, "build", "cache", "kernel-debian", "lib", "modules", "*", "kernel", "drivers", "input", "**", f"{m}.ko"),
                       recursive=True) for m in MODULES]
    path = str(tmp_path_factory.mktemp("initrd") / "initrd.cpio.gz")
    subprocess.run([os.path.join(ROOT, "tools", "initramfs"), os.path.join(ROOT, "build", "cache", "guest", "busybox"), path,
                    *(f"{m}.ko={paths[0]}" for m, paths in zip(MODULES, found))], check=True, timeout=60, stdout=subprocess.DEVNULL)
    return path


@pytest.fixture
def linux_with_button(machine, image, initrd):
    node = linux_vm(cpus=1, affinity=(0,)).replace("clk_linux:", GPIO + KEYS + "\n        clk_linux:")
    started = machine("--vms", vms_write(machine.folder / "vms.dts", node), "--console", "mux",
                      "--image", f"linux={image('Image-debian')}", "--image", f"initrd={initrd}", timeout=90)
    guest = Linux(started)
    guest.login()
    return guest


def console_command(machine, command):
    machine.escape("0")
    machine.expect(rb"armature> ")
    machine.send(command + "\r")
    machine.expect(rb"\nvm linux: ([^\r\n]*)\r\n")
    answer = machine.console.match[1].decode()
    machine.escape("1")
    machine.expect(rb"\[console: linux")
    return answer


def test_button_powers_linux_off(linux_with_button):
    """As logind does it: a program waits for the key's event and then shuts down."""
    guest, machine = linux_with_button, linux_with_button.machine
    assert "gpiochip0" in guest.run("ls /sys/bus/gpio/devices")
    assert console_command(machine, "button linux") == "no vdev of it takes the button"  # no driver listens yet
    for module in MODULES:
        guest.run(f"insmod /{module}.ko")
    guest.run("(dd if=/dev/input/event0 bs=24 count=4 2>/dev/null | hexdump -v -e '12/2 \"%u,\" \"\\n\"' >/tmp/events) & sleep 1")
    assert console_command(machine, "button linux") == "asked to shut down"
    guest.run("wait; true")
    # Pressed, and let go once the driver had seen it: type, code, value; the time is before them, all in halfwords.
    events = [line.split(",")[8:11] for line in guest.run("cat /tmp/events").splitlines()]
    assert events == [["1", str(KEY_POWER), "1"], ["0", "0", "0"], ["1", str(KEY_POWER), "0"], ["0", "0", "0"]], events
    guest.run("(dd if=/dev/input/event0 bs=24 count=1 >/dev/null 2>&1; poweroff -f) & sleep 1")
    assert console_command(machine, "button linux") == "asked to shut down"
    assert machine.wait() == 0, machine.story()
    assert machine.vm_state("linux") == "ended off", machine.story()


def test_button_pin_that_does_not_exist(machine, image):
    node = vm("bad", "word", devices=GPIO.replace("<3>", "<8>"))
    started = machine("--vms", vms_write(machine.folder / "vms.dts", node), "--no-check", "--image", f"word={image('word.bin')}", timeout=20)
    assert started.wait() == 4, started.story()
    assert re.search(r"/bad/pl061@9030000: armature,button: there is no pin 8, they are 0 to 7", started.log()), started.story()
