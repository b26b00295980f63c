# SPDX-License-Identifier: Apache-2.0
"""Two VMs on one machine: what ends one leaves the other running."""
import pytest
from descriptions import linux_vm, rtos_vm, vms_write
from linux import Linux


@pytest.fixture
def both(machine, image):
    """Linux on cores 0 and 1, at its shell and in front; the bare-metal guest on core 2."""
    def start(*arguments, **kwargs):
        description = vms_write(machine.folder / "vms.dts", linux_vm(), rtos_vm())
        started = machine("--vms", description, "--image", f"linux={image('Image-debian')}",
                          "--image", f"initrd={image('initrd.cpio.gz')}", "--image", f"rtos={image('rtos.elf')}",
                          *arguments, reach=login, **{"timeout": 120, **kwargs})
        return Linux(started)
    return start


def login(machine):
    Linux(machine).login()


def rtos_answers(machine):
    machine.escape("2")
    machine.send("\rticks\r")
    match = machine.expect(rb"(\d+) ticks at", 20)
    machine.expect(rb"rtos> ", 20)
    return int(match[1])


def linux_to_front(machine):
    machine.escape("1")
    machine.send("\n")
    machine.expect(rb"# ")


def test_poweroff_of_one_leaves_the_other(both):
    guest = both()
    machine = guest.machine
    machine.send("poweroff\n")
    machine.expect_result(r"^R vm linux state=ended cause=off", 60)
    assert machine.vm_state("rtos") == "running"
    first = rtos_answers(machine)
    machine.quiet(0.3)
    assert rtos_answers(machine) > first
    machine.send("off\r")
    assert machine.wait() == 0, machine.story()


def test_reboot_of_one_leaves_the_other(both):
    guest = both("--no-reboot")
    machine = guest.machine
    machine.send("reboot\n")
    machine.expect_result(r"^R vm linux state=ended cause=reset", 60)
    assert machine.vm_state("rtos") == "running"
    first = rtos_answers(machine)
    machine.quiet(0.3)
    assert rtos_answers(machine) > first
    machine.send("off\r")
    assert machine.wait() == 3, machine.story()


def test_reboot_starts_the_vm_again(both):
    guest = both()
    machine = guest.machine
    rtos_answers(machine)
    linux_to_front(machine)
    guest.run("echo gone >/tmp/mark")
    machine.send("reboot\n")
    machine.expect_result(r"^R vm linux state=restarting cause=reset", 60)
    machine.expect(rb"BusyBox v")
    guest.login()
    assert guest.run("cat /tmp/mark 2>/dev/null || echo fresh").strip() == "fresh"
    assert guest.warnings() == []
    assert rtos_answers(machine) > 0
    machine.send("off\r")
    machine.expect_result(r"^R vm rtos state=ended cause=off", 20)
    linux_to_front(machine)
    assert guest.run("nproc").strip() == "2"
    machine.send("poweroff\n")
    assert machine.wait() == 0, machine.story()


def test_both_run_while_one_is_loaded(both):
    guest = both()
    machine = guest.machine
    rtos_answers(machine)
    machine.send("jitter reset\r")
    machine.expect(rb"rtos> ")
    linux_to_front(machine)
    guest.run("for i in 1 2 3 4; do timeout 4 md5sum /dev/zero & done; wait; true", timeout=60)
    guest.run("dmesg | tail -n 200 | md5sum")
    machine.escape("2")
    machine.send("\rjitter\r")
    ticks = machine.expect(rb"jitter over (\d+) ticks", 20)
    assert int(ticks[1]) > 200
    machine.send("off\r")
    machine.expect_result(r"^R vm rtos state=ended cause=off", 20)
    linux_to_front(machine)
    assert guest.warnings() == []
    machine.send("poweroff\n")
    assert machine.wait() == 0, machine.story()


def test_stage2_of_the_default_vms_is_2_mib_blocks(both, gic):
    """Memory is whole 2 MiB blocks; 4 KiB pages are only what devices need: a GICv2's CPU interface."""
    guest = both()
    log = guest.machine.log()
    for name, blocks in (("linux", 128), ("rtos", 8)):
        line = guest.machine.expect_log(rf"{name}: stage 2: (\d+) x 1 GiB, (\d+) x 2 MiB, (\d+) x 4 KiB")
        assert int(line[2]) == blocks and int(line[3]) == (gic == 2), log
    guest.machine.end()
