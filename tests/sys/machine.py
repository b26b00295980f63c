# SPDX-License-Identifier: Apache-2.0
"""
A running machine as the tests see it: a console to type on and expect from, results, the hypervisor's log, an exit status. Only
EmulatedMachine knows that it is QEMU under `tools/armature run`; hil/serial_machine.py is a board on a serial line.
"""
import os
import re
import signal
import subprocess
import time

import pexpect
from pexpect.fdpexpect import fdspawn

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
TOOL = os.path.join(ROOT, "tools", "armature")
ESCAPE = b"\x1d"  # Ctrl-]
POLL = 0.05
END_WAIT = 10     # the tool ends by itself at its --timeout; this much later it is killed
CHUNK = 65536
TAIL = 25         # lines of each file in a failure's message


def tool_run(*arguments, timeout=120, **kwargs):
    """Another subcommand of the tool, to its end."""
    return subprocess.run([TOOL, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout, check=False, text=True, errors="replace", **kwargs)


def buffer_set(console, data):
    """What the next expect() finds there. pexpect keeps it twice, and takes the longer one."""
    console.buffer = data
    console._before = console.buffer_type()
    console._before.write(data)


class Machine:
    """
    One run. Everything the machine said stays in `folder`: console.txt, results.txt, log.txt, tool.txt (other words about it). A run ends by
    itself, by end(), or after `timeout` seconds. All limits are times of QEMU's virt: `patience` is how much longer this machine may take.
    A kind of machine opens `console` (pexpect) and says how to send, and when and how it is over.
    """

    SHOWN = ("console.txt", "results.txt", "log.txt", "tool.txt")

    def __init__(self, folder, timeout, patience=1):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.timeout, self.patience = str(folder), timeout * patience, patience
        self.started = time.monotonic()
        self.console = self.status = None

    def limit(self, timeout):
        return self.timeout if timeout is None else timeout * self.patience

    def path(self, name):
        return os.path.join(self.folder, name)

    def send(self, data):
        """Types it."""
        raise NotImplementedError

    def over(self):
        """Has the run ended, all that it said being here?"""
        raise NotImplementedError

    def wait(self):
        """Until the run ended by itself; its exit status. What the console said since the last match is in `before`."""
        raise NotImplementedError

    def end(self):
        """Ends the run if it still goes."""
        raise NotImplementedError

    # The console: the bytes of the machine's UART

    def expect(self, pattern, timeout=None):
        """Waits for a regular expression (str or bytes; a dot matches line ends too) on the console; answers the match."""
        pattern = pattern if isinstance(pattern, bytes) else pattern.encode()
        try:
            self.console.expect(pattern, timeout=self.limit(timeout))
        except (pexpect.EOF, pexpect.TIMEOUT) as error:
            raise AssertionError(f"{type(error).__name__} instead of {pattern!r}\n{self.story()}") from None
        return self.console.match

    @property
    def before(self):
        """What the console said before the last match."""
        return self.console.before

    def quiet(self, seconds):
        """What comes on the console within the time."""
        self.console.expect(pexpect.TIMEOUT, timeout=seconds)
        text = self.console.before
        buffer_set(self.console, b"")
        return text

    def drain(self):
        """What came and nobody waited for: into console.txt, and to where the next expect() finds it. `before` and the match stay."""
        try:
            while self.console is not None and not self.console.closed:
                data = self.console.read_nonblocking(CHUNK, timeout=0)
                self.console._buffer.write(data)
                self.console._before.write(data)
        except (pexpect.TIMEOUT, pexpect.EOF, OSError):
            pass

    def escape(self, key):
        """The escape sequence of the shared console: 1-9 a VM, 0 the hypervisor, n the next, q power off."""
        self.send(ESCAPE + key.encode())

    # The other channels

    def text(self, name):
        try:
            with open(self.path(name), encoding="utf-8", errors="replace", newline="") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def results(self):
        return self.text("results.txt")

    def log(self):
        return self.text("log.txt")

    def wait_for(self, read, pattern, timeout=None, what="text"):
        """Waits until what read() answers has the pattern; answers the match."""
        limit = time.monotonic() + self.limit(timeout)
        while True:
            self.drain()  # a pipe that is full holds the machine up
            over = time.monotonic() >= limit or self.over()
            match = re.search(pattern, read(), re.M)
            if match:
                return match
            if over:
                raise AssertionError(f"no {what} {pattern!r}\n{self.story()}")
            time.sleep(POLL)

    def expect_result(self, pattern, timeout=None):
        return self.wait_for(self.results, pattern, timeout, "result")

    def expect_log(self, pattern, timeout=None):
        return self.wait_for(self.log, pattern, timeout, "log line")

    def vm_state(self, name):
        """'running', 'ended off', ... as the results channel last said; '' before it did."""
        found = re.findall(rf"^R vm {re.escape(name)} state=(\w+)(?: cause=(\w+))?", self.results(), re.M)
        return " ".join(filter(None, found[-1])) if found else ""

    def said(self):
        """All that the machine has said by any way until now, for tests that ask only whether a reason was named."""
        return "\n".join(self.text(name) for name in ("console.txt", "log.txt", "results.txt", "tool.txt")).replace("\r\n", "\n")

    def story(self):
        """For a failure's message: the end of each channel."""
        self.drain()
        lines = [f"machine after {time.monotonic() - self.started:.1f} s, in {self.folder}:"]
        for name in self.SHOWN:
            tail = self.text(name).replace("\r\n", "\n").rstrip("\n").split("\n")[-TAIL:]
            lines += [f"--- {name}"] + tail
        return "\n".join(lines)


class EmulatedMachine(Machine):
    """QEMU under `tools/armature run`. With `saved` it goes on where save() left another with the same arguments."""

    def __init__(self, folder, arguments, hypervisor=None, timeout=60, patience=1, log=True, qemu=(), saved=None):
        super().__init__(folder, timeout, patience)
        self.earlier = saved.texts if saved else {}
        qemu = [*qemu, "-incoming", f"file:{saved.path}"] if saved else qemu
        argv = [TOOL, "run", "--timeout", str(self.timeout), "--results", self.path("results.txt")]
        argv += ["--hyp", str(hypervisor)] if hypervisor else []
        argv += ["--log", self.path("log.txt")] if log else []
        argv += [str(a) for a in arguments] + (["--", *map(str, qemu)] if qemu else [])
        self.tool_file = open(self.path("tool.txt"), "wb", buffering=0)
        self.console_file = open(self.path("console.txt"), "wb", buffering=0)
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.tool_file)
        self.console = fdspawn(self.process.stdout.fileno(), timeout=self.timeout, maxread=CHUNK)
        self.console.logfile_read = self.console_file

    def text(self, name):
        return self.earlier.get(name, "") + super().text(name)

    def send(self, data):
        self.process.stdin.write(data if isinstance(data, bytes) else data.encode())
        self.process.stdin.flush()

    def over(self):
        return self.process.poll() is not None

    def wait(self):
        """Until the run ended by itself; its exit status. What the console said since the last match is in `before`."""
        try:
            self.console.expect(pexpect.EOF, timeout=self.timeout + END_WAIT)
        except pexpect.TIMEOUT:
            self.end()
            raise AssertionError(f"the run did not end within its own time\n{self.story()}") from None
        self.close()
        return self.status

    def end(self):
        """Ends the run if it still goes."""
        self.drain()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(END_WAIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.close()

    def close(self):
        self.status = self.process.wait()
        self.drain()
        self.console.closed = True
        for file in (self.process.stdin, self.process.stdout, self.tool_file, self.console_file):
            try:
                file.close()
            except OSError:
                pass
