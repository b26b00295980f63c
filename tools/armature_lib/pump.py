# SPDX-License-Identifier: Apache-2.0
"""Moves bytes between the terminal and a running machine until the run is over. One loop, nothing in it blocks."""
import os
import selectors
import signal
import time

from .base import say
from .console import INTERRUPT, Keys, Terminal
from .results import Ending

CHUNK = 65536
WRITE_CHUNK = 4096        # a pipe that select() calls writable takes so much without blocking
OUT_LIMIT, IN_LIMIT = 4 << 20, 64 << 10
END_GRACE = 3.0           # after "R machine end", or the escape key, before QEMU is ended
PANIC_GRACE = 0.5         # a panic's words come before it is told; the machine may stay parked
SIGNAL_LATENCY = 0.2      # select() goes on after a signal's handler ran
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Pump:
    """
    stdin → console, console → gate → stdout, results channel → results, QEMU's own words → stderr. What cannot be written yet waits; only
    the console waits for stdout (up to OUT_LIMIT), the results channel never does. The end of stdin does not end the run.
    """

    def __init__(self, process, results, gate, raw, timeout=None):
        self.process, self.results, self.gate = process, results, gate
        self.terminal = Terminal(0)
        self.results.say = self.say
        self.keys = Keys(own=raw)  # None: every byte is the guest's
        self.deadline = time.monotonic() + timeout if timeout else None
        self.grace = None  # when QEMU is ended although it runs
        self.ending = None
        self.signal = None
        self.heard = False  # a byte on the console or the results channel
        self.output, self.input, self.remarks = bytearray(), bytearray(), bytearray()
        self.stdin_open, self.stdout_open = True, True
        self.selector = selectors.PollSelector()
        self.watched, self.closed = {}, set()

    def run(self):
        """Until QEMU ended and everything it said was passed on. Answers the Ending; a signal is in self.signal."""
        self.terminal.raw()
        if self.keys.own and not self.terminal.is_raw:
            self.keys = None
        old = {number: signal.signal(number, self.on_signal) for number in SIGNALS}
        old[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, self.on_stop)
        try:
            while self.step():
                pass
            self.process.end()
            self.drain()
        finally:
            self.process.end()
            for number, handler in old.items():
                signal.signal(number, handler)
            self.terminal.restore()
        return self.ending or Ending.MACHINE

    # Signals

    def on_signal(self, number, _frame):
        self.signal = self.signal or number
        self.ending = Ending.USER

    def on_stop(self, _number, _frame):
        raw = self.terminal.is_raw
        self.terminal.restore()
        signal.raise_signal(signal.SIGSTOP)
        if raw:
            self.terminal.raw()

    # One turn

    def step(self):
        """False: the run is over."""
        now = time.monotonic()
        if self.deadline is not None and now >= self.deadline and self.ending is None:
            self.ending = Ending.TIMEOUT
        if self.signal or self.ending is Ending.TIMEOUT or (self.grace is not None and now >= self.grace):
            return False
        self.watch()
        limits = [limit - now for limit in (self.deadline, self.grace) if limit is not None]
        for key, events in self.selector.select(max(0.0, min([SIGNAL_LATENCY] + limits))):
            if key.data(events) is False:
                return False
        if (self.results.ended or self.results.panicked) and self.grace is None:
            self.grace = time.monotonic() + (PANIC_GRACE if self.results.panicked else END_GRACE)
        return self.process.child.poll() is None

    def watch(self):
        """Registers what there is something to do for."""
        console, read, write = self.process.channels["console"], selectors.EVENT_READ, selectors.EVENT_WRITE
        wanted = {self.process.exited: (read, lambda _: False),
                  self.process.channels["results"].fileno(): (read, self.on_results),
                  self.process.child.stdout.fileno(): (read, self.on_remark)}
        events = (read if len(self.output) < OUT_LIMIT else 0) | (write if self.input and self.gate.open else 0)
        if events:
            wanted[console.fileno()] = (events, self.on_console)
        if self.output and self.stdout_open:
            wanted[1] = (write, self.on_stdout)
        if self.stdin_open and len(self.input) < IN_LIMIT:
            wanted[0] = (read, self.on_stdin)
        for descriptor in list(self.watched):
            if self.watched[descriptor] != wanted.get(descriptor, (None, None))[0]:
                self.selector.unregister(descriptor)
                del self.watched[descriptor]
        for descriptor, (events, call) in wanted.items():
            if descriptor not in self.watched and descriptor not in self.closed:
                self.selector.register(descriptor, events, call)
                self.watched[descriptor] = events

    def on_results(self, _events):
        self.results.feed(self.receive(self.process.channels["results"]))
        return True

    def on_console(self, events):
        console = self.process.channels["console"]
        if events & selectors.EVENT_READ:
            data = self.receive(console)
            self.process.console_said(data)
            self.output += self.gate.feed(data)
        if events & selectors.EVENT_WRITE and self.input and console.fileno() not in self.closed:
            try:
                del self.input[:os.write(console.fileno(), self.input[:WRITE_CHUNK])]
            except OSError:
                self.forget(console.fileno())

    def receive(self, channel):
        try:
            data = channel.recv(CHUNK)
        except OSError:
            data = b""
        self.heard |= bool(data)
        if not data:
            self.forget(channel.fileno())
        return data

    def forget(self, descriptor):
        self.closed.add(descriptor)
        if descriptor in self.watched:
            self.selector.unregister(descriptor)
            del self.watched[descriptor]

    def on_remark(self, _events):
        data = os.read(self.process.child.stdout.fileno(), CHUNK)
        if not data:
            self.forget(self.process.child.stdout.fileno())
        self.remarks += data
        while b"\n" in self.remarks:
            line, _, self.remarks = self.remarks.partition(b"\n")
            self.say("qemu: " + line.decode("utf-8", "replace"))

    def on_stdin(self, _events):
        try:
            data = os.read(0, WRITE_CHUNK)
        except OSError:
            data = b""
        if not data:
            self.stdin_open = False
            return True
        self.input += self.keys.feed(data) if self.keys else data
        leave = self.keys is not None and self.keys.quit
        early = self.terminal.is_raw and not self.gate.open  # nobody else hears the keys yet
        if (early and (leave or INTERRUPT in data)) or (leave and self.keys.own):
            self.ending = Ending.USER
            return False
        if leave and self.grace is None:
            self.grace = time.monotonic() + END_GRACE
            self.ending = Ending.USER
        return True

    def on_stdout(self, _events):
        try:
            del self.output[:os.write(1, self.output[:WRITE_CHUNK])]
        except OSError:
            self.stdout_open = False
            self.output.clear()
            self.ending = Ending.USER
            return False
        return True

    # The end

    def drain(self):
        """QEMU is gone: what it had said still lies in the channels, and what came before the marker is for stderr."""
        for name, take in (("results", self.results.feed), ("console", lambda data: self.output.extend(self.gate.feed(data)))):
            channel = self.process.channels[name]
            channel.setblocking(False)
            while data := self.receive(channel):
                take(data)
        os.set_blocking(self.process.child.stdout.fileno(), False)
        while (data := self.process.child.stdout.read()):
            self.remarks += data
        for line in self.remarks.decode("utf-8", "replace").splitlines():
            if "terminating on signal 15 from pid" not in line:  # ours
                self.say("qemu: " + line)
        self.output_finish()
        held = self.gate.rest()
        if held:
            self.say("the guests never started; the console said:")
            say(held.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n") + "\n")

    def output_finish(self):
        """Writes what is left; a reader that stopped reading holds us up for END_GRACE at most."""
        limit = time.monotonic() + END_GRACE
        with selectors.PollSelector() as selector:
            selector.register(1, selectors.EVENT_WRITE)
            while self.output and self.stdout_open and time.monotonic() < limit and not self.signal:
                if selector.select(0.2):
                    self.on_stdout(selectors.EVENT_WRITE)

    def say(self, text):
        end = "\r\n" if self.terminal.is_raw else "\n"
        say(f"armature: {text}{end}")
