# SPDX-License-Identifier: Apache-2.0
"""Shared memory of Linux with a bare-metal VM, and of two Linux VMs: from user space, with interrupts."""
import re

import pytest
from descriptions import vm, vms_write
from linux import Linux
from test_shmem import OK, WINDOW, Client, client_vm, shmem

# The factory page's node is a gpio-keys too: its key is the interrupt, edge triggered, so that the driver need not silence it.
LINUX_SHMEM = shmem().replace('"qvm,guest_shm"', '"qvm,guest_shm", "gpio-keys"').replace(
    " };", " key { linux,code = <148>; interrupts = <0 16 1>; }; };")


def linux_vm(name, core):
    return vm(name, "linux", "initrd", 1, (core,), (0x40000000, 192 << 20), "console=ttyAMA0 quiet", devices=LINUX_SHMEM)


class LinuxClient(Client):
    """The same client as a program of the guest's."""

    def __init__(self, machine, number):
        super().__init__(machine, number)
        self.guest = Linux(machine)

    def login(self):
        self.front()
        self.machine.send("\n")
        self.guest.login(60)
        self.guest.run("insmod /evdev.ko && insmod /gpio_keys.ko")

    def say(self, command, timeout=30):
        self.front()
        return self.guest.run(f"/shm {command}", timeout)

    def begin(self, command):
        """A command that goes on while another VM is in front; end() answers what it said."""
        self.front()
        until = "until grep -q WAITING /tmp/said; do usleep 50000; done" if command == "wait" else ":"
        self.guest.run(f"rm -f /tmp/said; /shm {command} >/tmp/said 2>&1 & {until} 2>/dev/null; usleep 200000")

    def end(self):
        self.front()
        return self.guest.run("wait; cat /tmp/said")

    def waited(self):
        """Of a `wait` that was begun: events, who notified, who is attached."""
        said = re.search(r"INTERRUPTS (\d+) from (0x\w+) attached (0x\w+)", self.end())
        return int(said[1]), int(said[2], 16), int(said[3], 16)


@pytest.fixture
def boot(machine, image):
    """boot(VM nodes..., Linux's first): clients at work in them."""
    def start(*nodes):
        started = machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), "--image", f"client={image('shmem.bin')}",
                          "--image", f"linux={image('Image-debian')}", "--image", f"initrd={image('initrd-shm.cpio.gz')}",
                          timeout=240)
        started.front = 1
        clients = []
        for n, node in enumerate(nodes, 1):
            clients.append(LinuxClient(started, n) if '"linux"' in node else Client(started, n))
            if isinstance(clients[-1], LinuxClient):
                clients[-1].login()
        return clients, started
    return start


def test_linux_and_bare_metal(boot):
    (linux, bare), machine = boot(linux_vm("linux", 0), client_vm("bare", 1))
    assert "ID signature 0x4d534732474d5651 vector 48" in linux.say("id")
    assert linux.open("frames", 4) == dict(status=OK, size=4, at=WINDOW, idx=0, attached=1), machine.story()
    linux.say("fill 0 1000 512")
    # Somebody comes: the interrupt wakes the program.
    linux.begin("wait")
    assert bare.open("frames", 4)["idx"] == 1
    assert linux.waited() == (1, 0, 3), machine.story()
    assert bare.read(0, 512) == (1000, sum(range(1000, 1512)))
    bare.say("fill 8 77 1")
    linux.begin("wait")
    bare.say("notify 1")
    assert linux.waited() == (1, 2, 3) and linux.read(8, 1) == (77, 77)
    linux.say("notify 2")
    assert bare.interrupts() == (1, 1)
    # Turn by turn, and the bare-metal VM is reset in the midst of it.
    bare.send("pong 200 0")
    assert "PING 200 turns 0 lost from 0x2" in linux.say("ping 200 1", 60), machine.story()
    assert "PING 200 turns 0 lost" in bare.answer(), machine.story()
    linux.begin("wait")
    bare.send("reset")
    assert linux.waited() == (1, 0, 1), machine.story()
    machine.wait_for(machine.results, r"(?s)^R vm bare state=restarting.*^R vm bare state=running", 20)
    bare.say("")
    linux.begin("wait")
    assert bare.open("frames", 4)["attached"] == 3
    assert linux.waited() == (1, 0, 3) and linux.read(8, 1) == (77, 77), machine.story()
    linux.front()
    assert linux.guest.warnings() == []


def test_linux_and_linux(boot):
    (one, two), machine = boot(linux_vm("one", 0), linux_vm("two", 1))
    assert one.open("frames", 16)["idx"] == 0 and two.open("frames", 0) == dict(status=OK, size=16, at=WINDOW, idx=1, attached=3)
    one.status()
    one.say("fill 4096 5 1024")
    assert two.read(4096, 1024) == (5, sum(range(5, 5 + 1024)))
    for a, b in ((one, two), (two, one)):
        a.begin("wait")
        b.say(f"notify {1 << (a is two)}")
        assert a.waited() == (1, 1 << (b is two), 3), machine.story()
    two.begin("pong 100 0")
    assert "PING 100 turns 0 lost from 0x2" in one.say("ping 100 1", 120), machine.story()
    assert "PING 100 turns 0 lost" in two.end()
    # One powers off: the other is told. The last turn's notification may have come after what it was about was seen.
    one.status()
    one.begin("wait")
    two.front()
    machine.send("poweroff\n")
    machine.expect_result(r"^R vm two state=ended cause=off", 60)
    assert one.waited() == (1, 0, 1), machine.story()
    assert one.guest.warnings() == [] and one.find(0) == (OK, 16, "frames")
