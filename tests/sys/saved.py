# SPDX-License-Identifier: Apache-2.0
"""
A state of an emulated machine that several tests begin with: it is reached once, QEMU saves it (its migration, into a file), and each of them starts QEMU
with that. Half a second instead of a boot; nothing that a test does is seen by the next.
"""
import contextlib
import hashlib
import json
import os
import shutil
import socket
import tempfile
import time

SAVE_TIME = 120
POLL = 0.05
KEPT = ("results.txt", "log.txt")  # what the machine said until then, of the channels that are looked at as a whole


class Saved:
    def __init__(self, folder):
        self.path = os.path.join(folder, "state")
        with open(os.path.join(folder, "texts"), encoding="utf-8") as file:
            self.texts = json.load(file)


def arguments_key(arguments):
    """The same for the same machine: of a file what is in it counts, not its name."""
    key = hashlib.sha256()
    for argument in map(str, arguments):
        name, _, path = argument.rpartition("=")
        with contextlib.ExitStack() as opened:
            data = opened.enter_context(open(path, "rb")).read() if os.path.isfile(path) else path.encode()
        key.update(f"{name}={hashlib.sha256(data).hexdigest()} ".encode())
    return key.hexdigest()[:16]


class Monitor:
    """A machine's QMP, in a place whose name is short enough for a socket."""

    def __init__(self, machine_start):
        self.folder = tempfile.mkdtemp(prefix="armature-qmp-")
        self.machine, self.socket = None, socket.socket(socket.AF_UNIX)
        path = os.path.join(self.folder, "qmp")
        try:
            self.machine = machine_start(["-qmp", f"unix:{path},server=on,wait=off"])
            self.connect(path)
        except BaseException:
            self.close()
            raise

    def connect(self, path):
        self.socket.settimeout(SAVE_TIME)
        while self.socket.connect_ex(path):
            assert not self.machine.over(), f"QEMU is gone\n{self.machine.story()}"
            time.sleep(POLL)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.lines.readline()  # the greeting
        self.execute("qmp_capabilities")

    def execute(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            answer = json.loads(self.lines.readline())
            if "error" in answer:
                raise AssertionError(f"QEMU: {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def until(self, command, wanted, others=()):
        """Until the answer's status is `wanted`."""
        limit = time.monotonic() + SAVE_TIME
        status = None
        while status != wanted and status not in others and time.monotonic() < limit:
            time.sleep(POLL)
            status = self.execute(command).get("status")
        assert status == wanted, f"QEMU: {command}: {status}\n{self.machine.story()}"

    def close(self):
        self.socket.close()
        shutil.rmtree(self.folder)


def save(start, reach, folder):
    """start(qemu=...) makes the machine, reach(machine) brings it there; into `folder`."""
    with contextlib.closing(Monitor(lambda qemu: start(qemu=qemu))) as monitor:
        machine = monitor.machine
        reach(machine)
        monitor.execute("migrate", uri=f"file:{os.path.join(folder, 'state')}")
        monitor.until("query-migrate", "completed", ("failed", "cancelled"))
    machine.end()
    with open(os.path.join(folder, "texts"), "w", encoding="utf-8") as file:
        json.dump({name: machine.text(name) for name in KEPT}, file)


def restore(start, folder):
    """Another machine in the state that is in `folder`. What was typed before QEMU has read it would be lost."""
    with contextlib.closing(Monitor(lambda qemu: start(saved=Saved(folder), qemu=qemu))) as monitor:
        monitor.until("query-status", "running")
        return monitor.machine
