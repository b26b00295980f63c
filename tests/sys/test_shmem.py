# SPDX-License-Identifier: Apache-2.0
"""Shared memory between VMs: what a guest sees of it, by our own client."""
import os
import re

import pytest
from descriptions import vm, vms_write
from machine import ROOT

FACTORY, WINDOW, INTID = 0x0A000000, 0x10000000, 48
WINDOW_SIZE = 0x400000
SIGNATURE = 0x4D534732474D5651
OK, UNKNOWN_FAILURE, NOMEM, CLIENT_MAX, ILLEGAL_NAME, NO_PERMISSION, DOES_NOT_EXIST = range(7)
NOTHING_THERE = 0x96000010  # a synchronous external abort


def shmem(n=0, options=""):
    return (f'shmem@{FACTORY + n * 0x1000:x} {{ compatible = "qvm,guest_shm"; reg = <0x0 {FACTORY + n * 0x1000:#x} 0x0 0x1000>,'
            f' <0x0 {WINDOW + n * WINDOW_SIZE:#x} 0x0 {WINDOW_SIZE:#x}>; interrupts = <0 {16 + n} 4>; {options} }};')


def client_vm(name, core, devices=None, **kwargs):
    return vm(name, "client", affinity=(core,), devices=shmem() if devices is None else devices,
              bootargs=f"shmem={FACTORY:#x} intid={INTID}", **kwargs)


class Client:
    """The client in one VM, by its console."""

    def __init__(self, machine, number):
        self.machine, self.number = machine, number

    def front(self):
        """A single VM has the console for itself."""
        if self.machine.front not in (None, self.number):
            self.machine.escape(str(self.number))
            self.machine.front = self.number

    def send(self, command):
        self.front()
        self.machine.send(command + "\r")

    def say(self, command, timeout=None):
        """What it answers to a command."""
        self.send(command)
        return self.answer(timeout)

    def answer(self, timeout=None):
        """To a command that was only sent."""
        self.front()
        return self.machine.expect(rb"(?s)(.*?)\bok\r\n", timeout)[1].decode().replace("\r", "").lstrip("\n")

    def open(self, name, pages, use=None):
        if use is not None:
            self.say(f"use {use}")
        said = re.search(r"OPEN (\S+) status (\d+) size (\d+) shmem (0x\w+)(?: idx (\d+) attached (0x\w+))?",
                         self.say(f"open {name} {pages}"))
        assert said, self.machine.story()
        return dict(status=int(said[2]), size=int(said[3]), at=int(said[4], 16), idx=said[5] and int(said[5]),
                    attached=said[6] and int(said[6], 16))

    def find(self, n):
        said = re.search(r"FIND status (\d+) size (\d+) shmem (0x\w+) name (\S*)", self.say(f"find {n}"))
        return int(said[1]), int(said[2]), said[4]

    def status(self):
        return int(re.search(r"STATUS (0x\w+)", self.say("status"))[1], 16)

    def interrupts(self, want=1):
        said = re.search(r"INTERRUPTS (\d+) from (0x\w+)", self.say(f"wait {want}"))
        return int(said[1]), int(said[2], 16)

    def read(self, offset=0, count=1):
        said = re.search(r"READ first (0x\w+) sum (0x\w+)", self.say(f"read {offset} {count}"))
        return int(said[1], 16), int(said[2], 16)


def clients_wait(machine, count):
    machine.front = 1 if count > 1 else None
    machine.expect(rb"SHMEM ready")
    for n in range(2, count + 1):
        machine.escape(str(n))
        machine.front = n
        machine.expect(rb"SHMEM ready")
    return [Client(machine, n) for n in range(1, count + 1)], machine


@pytest.fixture
def clients(machine, image):
    """clients(VM nodes...): a client for each, ready, and the machine."""
    def start(*nodes, timeout=60):
        return clients_wait(machine("--vms", vms_write(machine.folder / "vms.dts", *nodes), "--image", f"client={image('shmem.bin')}",
                                    timeout=timeout), len(nodes))
    return start


@pytest.mark.needs("pl031")
def test_the_description_in_dts(machine, image):
    """dts/qemu-virt/shmem.dts as it is."""
    (one, two), started = clients_wait(machine("--vms", os.path.join(ROOT, "dts", "qemu-virt", "shmem.dts"),
                                               "--image", f"client={image('shmem.bin')}"), 2)
    assert one.open("log", 0)["size"] == 16 and two.open("log", 0)["status"] == NO_PERMISSION
    assert two.open("frames", 1)["status"] == NOMEM and one.open("frames", 1)["status"] == OK and two.open("frames", 1)["status"] == OK
    clock = re.search(r"TOUCH value (0x\w+)", one.say("touch 0x09010000"))
    assert int(clock[1], 16) & 0xFFFFFFFF > 1_700_000_000 and "TOUCH value 0x0" in two.say("touch 0x09010000"), started.story()


def test_factory_page(clients):
    (one,), machine = clients(client_vm("one", 0))
    assert one.say("id") == (f"ID signature {SIGNATURE:#x} halves 0x{SIGNATURE >> 32:x}{SIGNATURE & 0xffffffff:x} vector {INTID}"
                             f" byte 0x56 behind 0x0\n"), machine.story()


def test_two_clients_notify_each_other(clients):
    (one, two), machine = clients(client_vm("one", 0), client_vm("two", 1))
    first = one.open("frames", 4)
    assert first == dict(status=OK, size=4, at=WINDOW, idx=0, attached=1), machine.story()
    assert one.read(0, 2048) == (0, 0)
    one.say("fill 0 100 2048")
    # The other asks for less, and gets what there is; the first is told that somebody came.
    assert two.open("frames", 1) == dict(status=OK, size=4, at=WINDOW, idx=1, attached=3)
    assert one.interrupts() == (1, 0)
    assert two.read(0, 2048) == (100, sum(range(100, 100 + 2048)))
    two.say("fill 16376 7 1")
    assert one.read(16376) == (7, 7)
    two.say("notify 1")
    assert one.interrupts() == (1, 1 << 1) and one.status() == 3 << 16
    one.say("notify 2")
    assert two.interrupts() == (1, 1 << 0)
    one.say("notify 0xfffc")  # nobody is there
    assert two.interrupts(0) == (0, 0)
    # Turn by turn.
    two.send("pong 200 0")
    said = one.say("ping 200 1", 30)
    assert "PING 200 turns 0 lost from 0x2" in said, machine.story()
    assert "PING 200 turns 0 lost from 0x1" in two.answer(), machine.story()


def test_a_client_that_ends_is_detached(clients):
    """One resets in the midst of it: its peer is told, goes on, and it comes back to the region as it is."""
    (one, two), machine = clients(client_vm("one", 0), client_vm("two", 1))
    one.open("frames", 2)
    two.open("frames", 2)
    assert one.interrupts() == (1, 0) and one.status() >> 16 == 3
    two.say("fill 0 5 1")
    two.send("reset")
    machine.expect_result(r"^R vm two state=restarting cause=reset", 20)
    assert one.interrupts() == (1, 0) and one.status() >> 16 == 1
    assert one.read() == (5, 5)
    machine.wait_for(machine.results, r"(?s)^R vm two state=restarting.*^R vm two state=running", 20)
    two.say("")
    assert two.open("frames", 2) == dict(status=OK, size=2, at=WINDOW, idx=1, attached=3), machine.story()
    assert two.read() == (5, 5) and one.interrupts() == (1, 0)
    # Both gone: nothing of it remains.
    one.say("detach")
    two.say("detach")
    assert one.find(0)[0] == DOES_NOT_EXIST
    assert one.open("frames", 2)["status"] == OK and one.read() == (0, 0)


def test_a_client_that_crashes_is_detached(clients):
    crash = 'armature,unsupported-reference = "abort";'
    (one, two), machine = clients(client_vm("one", 0), client_vm("two", 1, vm_lines=crash))
    one.open("frames", 2)
    two.open("frames", 2)
    assert one.interrupts() == (1, 0)
    two.send(f"touch {WINDOW + 0x8000:#x}")
    machine.expect_result(r"^R vm two state=ended cause=crash", 20)
    assert one.interrupts() == (1, 0) and one.status() >> 16 == 1


def test_detached_is_not_there_any_more(clients):
    (one,), machine = clients(client_vm("one", 0))
    for at in (WINDOW, WINDOW + 0x1000):
        assert f"TOUCH ESR {NOTHING_THERE:#x}" in one.say(f"touch {at:#x}")
    assert one.open("x", 1)["at"] == WINDOW
    assert "TOUCH value 0x0" in one.say(f"touch {WINDOW + 0x1000:#x}")
    assert f"TOUCH ESR {NOTHING_THERE:#x}" in one.say(f"touch {WINDOW + 0x2000:#x}")
    one.say("detach")
    for at in (WINDOW, WINDOW + 0x1000):
        assert f"TOUCH ESR {NOTHING_THERE:#x}" in one.say(f"touch {at:#x}"), machine.story()


def test_status_codes(clients):
    """Each of them, for its reason."""
    node = shmem(0, 'armature,memory = <0x4000>; armature,access = "deny no*";')
    (one,), machine = clients(client_vm("one", 0, devices=node))
    assert one.open("a", 2)["status"] == OK
    assert one.open("b", 3)["status"] == NOMEM and one.open("b", 2)["status"] == OK
    assert one.open("c", 1)["status"] == NOMEM
    assert one.open("x" * 32, 1)["status"] == ILLEGAL_NAME and one.open("x" * 31, 0)["status"] == DOES_NOT_EXIST
    assert one.open("nobody", 1)["status"] == NO_PERMISSION
    assert one.find(0) == (OK, 2, "a") and one.find(1) == (OK, 2, "b") and one.find(2)[0] == DOES_NOT_EXIST, machine.story()


def test_more_than_a_vdev_or_its_window_holds(clients):
    window = shmem(0).replace(f"<0x0 {WINDOW:#x} 0x0 {WINDOW_SIZE:#x}>", f"<0x0 {WINDOW:#x} 0x0 0x5000>")
    (one,), machine = clients(client_vm("one", 0, devices=window))
    assert one.open("a", 2)["at"] == WINDOW and one.open("b", 2)["status"] == UNKNOWN_FAILURE
    assert one.open("b", 1)["at"] == WINDOW + 0x3000 and one.find(2)[0] == DOES_NOT_EXIST, machine.story()


def test_more_attachments_than_one_may_have(clients):
    (one,), machine = clients(client_vm("one", 0, devices=shmem(0, "armature,attachments = <2>;")))
    assert [one.open(name, 1)["status"] for name in "abca"] == [OK, OK, UNKNOWN_FAILURE, OK], machine.story()
    assert [one.find(n)[2] for n in (0, 1)] == ["a", "b"] and one.find(2)[0] == DOES_NOT_EXIST


def test_sixteen_clients(clients):
    """Two VMs with nine vdevs each: the seventeenth is refused until one goes."""
    nine = "".join(shmem(n) for n in range(9))
    (one, two), machine = clients(client_vm("one", 0, devices=nine), client_vm("two", 1, devices=nine), timeout=120)
    for n in range(16):
        got = (one if n < 8 else two).open("all", 1, use=n % 8)
        assert got["status"] == OK and got["idx"] == n and got["attached"] == (2 << n) - 1, (n, got)
    assert one.open("all", 1, use=8)["status"] == CLIENT_MAX
    one.say("use 0")
    one.interrupts()
    two.say("use 7")
    two.say("notify 0xffff")
    assert one.interrupts()[1] == 1 << 15 and two.interrupts()[1] == 1 << 15
    two.say("use 2")
    assert two.interrupts()[1] == 1 << 15, machine.story()
    two.say("use 3")
    two.say("detach")
    got = one.open("all", 1, use=8)
    assert got["status"] == OK and got["idx"] == 11 and got["attached"] == 0xFFFF, got


def test_access_and_names(clients):
    """The first rule that matches decides; a name of one guest is another for the machine."""
    nodes = [client_vm("one", 0, devices=shmem(0, 'armature,access = "deny pluto", "allow pluto*", "allow one-*";')),
             client_vm("two", 1, devices=shmem(0, 'armature,subst = "my-,one-"; armature,create = "pluto-log,64K";'))]
    (one, two), machine = clients(*nodes)
    assert one.open("pluto", 1)["status"] == NO_PERMISSION and one.open("mars", 1)["status"] == NO_PERMISSION
    assert one.open("plutoplanet", 1)["status"] == OK
    assert two.open("pluto", 1)["status"] == OK
    assert one.open("pluto-log", 0)["size"] == 16
    assert two.open("my-own", 1)["status"] == OK
    assert one.open("one-own", 0) == dict(status=OK, size=1, at=one_next(1, 16), idx=1, attached=3), machine.story()
    assert [one.find(n)[2] for n in range(3)] == ["pluto-log", "plutoplanet", "one-own"] and one.find(3)[0] == DOES_NOT_EXIST
    assert [two.find(n)[2] for n in range(4)] == ["pluto-log", "plutoplanet", "pluto", "my-own"] and two.find(4)[0] == DOES_NOT_EXIST


def one_next(*pages):
    """Where the next region goes behind some of so many pages."""
    return WINDOW + sum((n + 1) * 0x1000 for n in pages)


def test_large_regions_are_blocks(clients):
    node = shmem(0, "armature,memory = <0x600000>;").replace(f"0x0 {WINDOW_SIZE:#x}", "0x0 0x1000000")
    (one,), machine = clients(client_vm("one", 0, devices=node))
    got = one.open("large", 1024)
    assert got["status"] == OK and got["at"] == WINDOW + 0x1FF000
    one.say("fill 4194296 9 1")
    assert one.read(4194296) == (9, 9), machine.story()


@pytest.mark.parametrize("cycles", [2000, pytest.param(100000, marks=pytest.mark.full)])
def test_no_leak_in_many_cycles(clients, cycles):
    """Attached, zero, written, detached, with memory for just one; then it can still be had."""
    node = shmem(0, "armature,memory = <0x4000>;")
    (one,), machine = clients(client_vm("one", 0, devices=node), timeout=600)
    assert f"CYCLES {cycles} good" in one.say(f"cycles {cycles} 4", 500), machine.story()
    assert one.open("last", 4)["status"] == OK and one.find(0) == (OK, 4, "last") and one.find(1)[0] == DOES_NOT_EXIST


@pytest.mark.parametrize("rounds", [3000, pytest.param(50000, marks=pytest.mark.full)])
def test_three_that_come_and_go_at_once(clients, rounds):
    """On a core each: no deadlock, each finds itself, and nothing remains. Half an hour where the host has fewer cores."""
    three, machine = clients(*(client_vm(name, core) for core, name in enumerate(("one", "two", "three"))), timeout=2400)
    for client in three:
        client.send(f"churn {rounds}")
    for client in three:
        assert f"CHURN {rounds} good" in client.answer(2000), machine.story()
    assert three[0].find(0)[0] == DOES_NOT_EXIST and three[0].open("last", 256)["status"] == OK


def test_what_is_assigned_without_reg(machine, image):
    """Factory page, window and interrupt are found free; the guest's tree has them."""
    node = vm("one", "client", affinity=(0,), devices='shmem { compatible = "qvm,guest_shm"; };', bootargs="shmem=0xc000000 intid=32")
    started = machine("--vms", vms_write(machine.folder / "vms.dts", node), "--image", f"client={image('shmem.bin')}")
    started.expect(rb"SHMEM ready")
    assert re.search(r"vdev shmem@c000000 \(shmem\)", started.log()), started.story()
    started.send("open x 1\r")
    started.expect(rb"OPEN x status 0 size 1 shmem 0xc200000 idx 0 attached 0x1")


@pytest.mark.parametrize("options, reason", [
    ('armature,access = "permit x";', r'armature,access: "permit x": not "allow PATTERN" or "deny PATTERN"'),
    ('armature,access = "allow [ab";', r'armature,access: "allow \[ab": no pattern'),
    ('armature,subst = "x";', r'armature,subst: "x": not "MATCH,PREFIX"'),
    ('armature,create = "x,5000";', r'armature,create: "x,5000": the size is no whole number of pages'),
    ('armature,create = "x,4K", "x,8K";', r"shared memory x has 0x2000 bytes here and 0x1000 in /bad/shmem@a000000"),
    ('armature,create = "x,4096M";', r"shared memory wanted, the largest free piece is"),
    ("armature,attachments = <17>;", r"armature,attachments is 17: 1 to 16 is possible"),
    ("armature,memory = <4097>;", r"armature,memory: 0x1001 is no whole number of pages"),
])
def test_options_that_are_refused(machine, image, options, reason):
    node = vm("bad", "client", devices=shmem(0, options))
    started = machine("--vms", vms_write(machine.folder / "vms.dts", node), "--no-check", "--image", f"client={image('shmem.bin')}",
                      timeout=20)
    assert started.wait() == 4 and re.search(reason, started.log()), started.story()
