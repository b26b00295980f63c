# SPDX-License-Identifier: Apache-2.0
"""The terminal: raw while the run lasts, as it was before afterwards, however the run ends."""
import os
import pty
import select
import signal
import subprocess
import termios
import time

import pytest
from conftest import ENDED, TOOL, arm64_image, vm_source, vms_source


class Run:
    """The tool on a terminal of its own, as a shell's foreground job has it."""

    def __init__(self, folder, steps, arguments=None):
        self.main, self.side = pty.openpty()
        self.before = termios.tcgetattr(self.side)
        self.seen = b""
        env = {**os.environ, **folder.fake_env(steps), "TMPDIR": folder.path}
        self.tool = subprocess.Popen(["setsid", "-c", TOOL, *(arguments or folder.run_arguments())], stdin=self.side, stdout=self.side,
                                     stderr=self.side, env=env)

    def wait_for(self, text, seconds=10):
        end = time.time() + seconds
        while text not in self.seen and time.time() < end:
            if select.select([self.main], [], [], 0.1)[0]:
                self.seen += os.read(self.main, 4096)
        assert text in self.seen, self.seen

    def type(self, data):
        os.write(self.main, data)

    def raw(self):
        return not termios.tcgetattr(self.side)[3] & (termios.ICANON | termios.ECHO | termios.ISIG)

    def end(self):
        status = self.tool.wait(15)
        assert termios.tcgetattr(self.side) == self.before
        return status

    def close(self):
        if self.tool.poll() is None:
            self.tool.kill()
            self.tool.wait()
        os.close(self.main)
        os.close(self.side)


@pytest.fixture
def start(folder):
    runs = []

    def go(steps, arguments=None):
        runs.append(Run(folder, steps, arguments))
        return runs[-1]

    yield go
    for run in runs:
        run.close()


UP = ["console", "boot\r\n{marker}\r\nup\r\n"]


def test_raw_while_it_runs_and_control_c_is_the_guests(start):
    run = start([UP, ["echo", "\r"], ["results", ENDED.format(cause="off")]])
    run.wait_for(b"up\r\n")
    assert run.raw()
    run.type(b"a\x03\x1a\x1cb")
    run.wait_for(b"a\x03\x1a\x1cb")
    run.type(b"\r")
    assert run.end() == 0


def test_escape_key_leaves(start, folder):
    run = start([UP, ["sleep", 60]])
    run.wait_for(b"up")
    run.type(b"\x1dq")
    assert run.end() == 130 and not os.path.exists(f"/proc/{folder.qemu()['pid']}")


def test_control_c_before_the_guests_leaves(start):
    run = start([["console", "boot\r\n"], ["sleep", 60]])
    end = time.time() + 10
    while not run.raw() and time.time() < end:
        time.sleep(0.05)
    run.type(b"\x03")
    assert run.end() == 130


def test_shared_console_the_hypervisor_gets_the_escape_key(start, folder):
    arguments = ["run", "--hyp", folder.file("h", arm64_image()), "--vms", folder.file("v.dts", vms_source(vm_source("a"), vm_source("b"))),
                 "--image", "k=" + folder.file("k", b"raw")]
    run = start([UP, ["echo", "q"], ["results", "R vm a state=running\nR machine end\n"]], arguments)
    run.wait_for(b"up")
    run.type(b"\x1dq")
    assert run.end() == 130
    run = start([UP, ["sleep", 60]], arguments)  # one that does not listen
    run.wait_for(b"up")
    run.type(b"\x1dq")
    assert run.end() == 130


@pytest.mark.parametrize("steps, status", [([UP, ["exit", 0]], 4), ([UP, ["results", ENDED.format(cause="crash")]], 4)])
def test_restored_when_the_machine_ends(start, steps, status):
    assert start(steps).end() == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_restored_on_signals(start, folder, number):
    run = start([UP, ["sleep", 60]])
    run.wait_for(b"up")
    assert run.raw()
    os.kill(run.tool.pid, number)
    assert run.end() == 128 + number
