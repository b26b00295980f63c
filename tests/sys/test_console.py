# SPDX-License-Identifier: Apache-2.0
"""The console: one guest's byte for byte, or shared by all VMs and the hypervisor."""
import random
import zlib

import pytest
from descriptions import rtos_vm, vms_write

PASTE = 4096
ALL_BYTES = bytes(range(256))


def bytes_random(count, without=b""):
    source = random.Random(count)
    allowed = [b for b in range(256) if b not in without]
    return bytes(source.choice(allowed) for _ in range(count))


@pytest.mark.parametrize("mode", [pytest.param("raw", marks=pytest.mark.needs("raw-console")), "mux"])
@pytest.mark.parametrize("boot", ["direct", "uboot"])
def test_paste_to_a_guest_that_does_not_read_for_a_second(machine, image, boot, mode):
    started = machine("--kernel", image("paste.bin"), "--append", f"bytes={PASTE} pause=1000", "--console", mode, "--boot", boot)
    started.expect(rb"PASTE ready for \d+ bytes")
    data = bytes_random(PASTE, b"" if mode == "raw" else b"\x1d")
    started.send(data)
    match = started.expect(rb"PASTE (short )?(\d+) crc32=([0-9a-f]{8})", 30)
    assert not match[1] and int(match[2]) == PASTE
    assert int(match[3], 16) == zlib.crc32(data)
    assert started.wait() == 0, started.story()


@pytest.mark.needs("raw-console")
def test_raw_console_is_byte_for_byte_both_ways(linux):
    guest = linux()
    machine, data = guest.machine, ALL_BYTES * 4
    machine.send(f"stty raw -echo; echo go; head -c {len(data)} >/tmp/f; echo '<'; cat /tmp/f; echo '>'; stty sane; stty size\n")
    machine.expect(rb"\ngo\n")
    machine.send(data)
    machine.expect(rb"<\n")
    machine.expect(rb">\n")
    assert machine.before == data


@pytest.fixture
def shared(machine, image):
    """Two bare-metal guests, the first in front and at its prompt."""
    def start(*arguments, **kwargs):
        description = vms_write(machine.folder / "vms.dts", rtos_vm("alpha", affinity=(0,)), rtos_vm("beta", affinity=(1,)))
        started = machine("--vms", description, "--image", f"rtos={image('rtos.elf')}", *arguments, **{"timeout": 40, **kwargs})
        started.expect(rb"\[console: alpha")
        started.expect(rb"rtos> ")
        started.expect_result(r"^R vm beta state=running", 20)
        return started
    return start


def says(machine, text):
    """Who is in front answers."""
    machine.send(f"echo {text}\r")
    machine.expect(rb"\n" + text.encode() + rb"\r\n", 10)
    machine.expect(rb"rtos> ", 10)


def test_escape_key_moves_between_vms_and_hypervisor(shared):
    machine = shared()
    says(machine, "first")
    machine.escape("2")
    machine.expect(rb"\[console: beta")
    machine.expect(rb"rtos> ")
    says(machine, "second")
    machine.escape("n")
    machine.expect(rb"\[console: hypervisor")
    machine.expect(rb"armature> ")
    machine.escape("n")
    machine.expect(rb"\[console: alpha")
    says(machine, "third")
    machine.escape("0")
    machine.expect(rb"armature> ")
    machine.send("vms\r")
    machine.expect(rb"1 alpha .*\r\n2 beta ")
    machine.expect(rb"armature> ")
    machine.send("nonsense\r")
    machine.expect(rb"nonsense: no such command")
    machine.escape("7")
    machine.expect(rb"there is no 7")
    machine.escape("?")
    machine.expect(rb"Ctrl-\] then: ")


@pytest.mark.needs("raw-console")  # status answers with lines of the log
def test_status_and_button_of_one_vm(shared):
    machine = shared()
    machine.escape("0")
    machine.expect(rb"armature> ")
    machine.send("status\r")
    machine.expect(rb"vm alpha: running")
    machine.expect(rb"vm beta: running")

    def answer(command):
        machine.expect(rb"armature> ")
        machine.send(command + "\r")
        machine.expect(command.encode() + rb"\r\n")
        machine.expect(rb"(?=armature> )")
        return machine.before.decode()
    told = answer("status beta")
    assert "vm beta: running, 1 of 1 vcpus on, 0 restarts" in told and "vcpu 0 core 1 on" in told, told
    assert "beta/pl011@9000000: received 0, lost 0, in FIFO 0; sent " in told and "alpha" not in told, told
    assert answer("status gamma") == "vm gamma: no such VM\r\n"
    assert answer("button beta") == "vm beta: no vdev of it takes the button\r\n"
    assert answer("button gamma") == "vm gamma: no such VM\r\n"
    assert answer("pause beta") == "vm beta: paused\r\n"
    assert answer("button beta") == "vm beta: refused: it is not running\r\n"
    assert "vm beta: paused, 1 of 1 vcpus on" in answer("status beta")
    assert answer("resume beta") == "vm beta: resumed\r\n"


def test_escape_key_itself_can_be_sent(shared):
    machine = shared()
    machine.send("echo a")
    machine.escape("\x1d")
    machine.send("b\r")
    machine.expect(rb"a(\x1d|\^\])?b\r\n")
    machine.expect(rb"rtos> ")
    says(machine, "still")


def test_q_powers_off(shared):
    machine = shared()
    machine.escape("q")
    assert machine.wait() == 130, machine.story()
    assert "R machine end" in machine.results()


def test_output_in_the_background_is_kept_and_named(shared):
    machine = shared()
    machine.escape("2")
    machine.expect(rb"rtos> ")
    machine.send("help\recho the end\r")
    machine.escape("1")
    machine.expect(rb"\[console: alpha")
    assert b"PSCI SYSTEM_OFF" not in machine.quiet(1)
    machine.escape("2")
    machine.expect(rb"\[beta\] [^\r\n]*the end")
    says(machine, "front")


def test_too_much_in_the_background_is_counted(machine, image):
    nodes = rtos_vm("quiet", affinity=(0,)), rtos_vm("loud", affinity=(1,), bootargs="do=fill").replace('"rtos"', '"fault"')
    started = machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), "--image", f"rtos={image('rtos.elf')}",
                      "--image", f"fault={image('fault.bin')}", timeout=40)
    started.expect(rb"rtos> ")
    says(started, "not drowned")
    started.quiet(2)
    started.escape("2")
    started.expect(rb"\[loud\] \(\d+ bytes of earlier output lost\)")
    started.expect(rb"FAULT fill 0123456789")
    started.escape("1")
    started.expect(rb"\[console: quiet")
    says(started, "still here")


@pytest.mark.needs("raw-console")
def test_log_on_the_shared_console(machine, image, target):
    """Without --log the hypervisor's lines and the guest's share the UART, each on lines of its own."""
    started = machine("--kernel", image("rtos.elf"), "--console", "mux", log=False)
    started.expect(rb"\] INFO  Armature [^\r\n]+\r\n")
    started.expect(rf"\] INFO  4 cores, {target.ram[1] >> 20} MiB of memory, GICv{target.gic}")
    started.expect(rb"vm guest: vdev pl011@9000000")
    started.expect(rb"\nArmature rtos: ")
    started.send("off\r")
    started.expect(rb"\] INFO  vm guest: ended \(off\)\r\n")
    assert started.wait() == 0
