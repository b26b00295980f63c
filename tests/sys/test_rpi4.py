# SPDX-License-Identifier: Apache-2.0
"""The Raspberry Pi 4's image on QEMU's raspi4b: GIC-400, spin tables, mini-UART, no PSCI, stock U-Boot."""
import pytest
from descriptions import linux_vm, rtos_vm, vms_write
from linux import Linux
from machine import tool_run

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


def test_two_vms_by_u_boot_from_a_card(machine, image):
    bundle = machine.folder / "two.bundle"
    done = tool_run("bundle", vms_write(machine.folder / "two.dts", linux_vm(cpus=3, affinity=(1, 2, 3)), rtos_vm(affinity=(0,))),
                    "--image", f"linux={image('Image-debian')}", "--image", f"initrd={image('initrd.cpio.gz')}",
                    "--image", f"rtos={image('rtos.elf')}", "-o", bundle)
    assert done.returncode == 0, done.stdout
    started = machine("--boot", "uboot", "--bundle", bundle, "--console", "mux", timeout=150)
    guest = Linux(started)
    guest.login()
    assert guest.run("nproc").strip() == "3"
    assert guest.run("cat /proc/interrupts | grep -c GIC-0").strip() != "0"
    started.escape("2")
    started.send("\r")
    started.expect(rb"rtos> ")
    started.send("ticks\r")
    assert int(started.expect(rb"(\d+) ticks at 100 Hz")[1]) > 100
    started.send("off\r")
    started.expect_result(r"R vm rtos state=ended cause=off")
    started.escape("1")
    started.send("poweroff\n")
    assert started.wait() == 0, started.story()


def test_reset_of_the_vm_ends_the_run(machine, image):
    """With --no-reboot the hypervisor powers the machine off instead of starting the VM again."""
    started = machine("--kernel", image("rtos.elf"), "--no-reboot", timeout=60)
    started.expect(rb"rtos> ")
    started.send("reset\r")
    assert started.wait() == 3, started.story()
