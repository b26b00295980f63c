# SPDX-License-Identifier: Apache-2.0
"""
A board on a serial line as a Machine: what `armature run` would start in an emulator is put on the board's medium, and the board is switched on. Everything
goes over one wire. The board is whatever the labgrid environment says.
"""
import contextlib
import fcntl
import os
import secrets
import sys
import tempfile
import threading
import time

import pexpect
import pytest
from pexpect.fdpexpect import fdspawn

from machine import CHUNK, ROOT, Machine
from hil.demux import Demux
from hil.drivers import StrategyError

sys.path.insert(0, os.path.join(ROOT, "tools"))
from armature_lib.base import EXIT_REFUSED, Refused  # noqa: E402
from armature_lib.board import BOARDS  # noqa: E402
from armature_lib.bundle import bundle_write  # noqa: E402
from armature_lib.card import card_write  # noqa: E402
from armature_lib.cli import card_firmware, parser_make  # noqa: E402
from armature_lib.configured import content_check  # noqa: E402
from armature_lib.console import Gate  # noqa: E402
from armature_lib.results import Ending, Results, verdict  # noqa: E402
from armature_lib.run import content_choose, host_words, hypervisor_find  # noqa: E402

QUIET = 0.2       # seconds without a byte, until somebody asks what that means
PIPE = 1 << 20
OFF_TIME = 3.0    # after the last word, until the power is cut
LINE_LOST = 10    # the reader ends so much later at most
# What the one who starts an emulator chooses, and a board has: (option, what cannot be had).
NOT_HERE = (("mem", "the size of its memory"), ("host_dtb", "its device tree"), ("icount", "counted time"), ("deterministic", "time that repeats"),
            ("gdb", "a debugger's stub"), ("trees", "dry runs' trees"), ("uboot", "its U-Boot"), ("card", "a card made elsewhere"),
            ("stub", "what its firmware starts first"))


def board_lacks(args, target, log, qemu):
    """Why a board on a serial line cannot be what `armature run` was asked for; None: it is that, or can be."""
    for option, what in NOT_HERE:
        if getattr(args, option):
            return f"{what} cannot be chosen"
    for option, own in (("board", target.board), ("gic", target.gic), ("cpu", target.model), ("smp", target.cores)):
        if getattr(args, option) not in (None, own):
            return f"it has --{option} {own}, not {getattr(args, option)}"
    if args.boot == "direct":
        return "U-Boot starts it, never an emulator: that is --boot uboot"
    if args.console == "raw" or not log:
        return "one wire carries console, log and results"
    return "it is no emulator" if qemu else None


class SerialMachine(Machine):
    """The arguments are those of `armature run`. What a board cannot be told skips the test, with the reason."""

    SHOWN = (*Machine.SHOWN, "raw.txt")

    def __init__(self, folder, arguments, strategy, target, hypervisor=None, timeout=60, patience=1, log=True, qemu=(), firmware=None):
        super().__init__(folder, timeout, patience)
        args = parser_make().parse_args(["run", *map(str, arguments)])
        lacks = board_lacks(args, target, log, qemu)
        if lacks:
            pytest.skip(f"a board on a serial line: {lacks}")
        self.strategy, self.ending, self.reader = strategy, Ending.MACHINE, None
        self.gate = Gate(b"nothing was started", hold=True)
        self.stopping, self.typing = threading.Event(), threading.Lock()
        self.unread, self.unsent = bytearray(), bytearray()  # what the pipe has no room for; what was typed before a guest was there
        with contextlib.ExitStack() as begun:
            names = ("console", "results", "log", "tool", "raw")
            self.files = {name: begun.enter_context(open(self.path(name + ".txt"), "wb", buffering=0)) for name in names}
            self.results_seen = Results(self.files["results"], self.files["log"])
            self.demux = Demux(lambda line: self.results_seen.line(b"L " + line), self.results_seen.line)
            self.pipe_make(begun)
            begun.callback(self.stop)
            self.begin(args, hypervisor, firmware)
            self.closing = begun.pop_all()

    def pipe_make(self, begun):
        reading, self.writing = os.pipe()
        fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, PIPE)
        os.set_blocking(self.writing, False)
        self.console = fdspawn(reading, timeout=self.timeout, maxread=CHUNK)
        self.console.logfile_read = self.files["console"]
        begun.callback(self.console.close)

    def begin(self, args, hypervisor, firmware):
        """What cannot be packed is refused as `armature run` refuses it: tool.txt says it, and the run is over."""
        self.strategy.tap = self.files["raw"].write
        try:
            self.medium_make(args, hypervisor, firmware)
            self.strategy.transition("hypervisor")
        except Refused as refusal:
            self.said_of_it(str(refusal))
            self.status = EXIT_REFUSED
            return
        except StrategyError as error:
            raise AssertionError(f"{error.msg}\n{self.story()}") from None
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def said_of_it(self, text):
        self.files["tool"].write(f"armature: {text}\n".encode())

    def medium_make(self, args, hypervisor, firmware):
        args.extra, args.console = [], "mux"
        marker = f"armature-starts-{secrets.token_hex(8)}"
        content = content_choose(args)
        self.gate = Gate(marker.encode(), hold=content is not None and len(content.vms) == 1)
        image = hypervisor_find(hypervisor, BOARDS[args.board])
        if not args.no_check:
            content_check(content, image, args.gic)
        self.strategy.bootargs = host_words(args, False, marker).replace("log-to=results", "log-to=uart") + " results=log"
        with tempfile.TemporaryDirectory(prefix="armature-hil-") as folder:
            bundle = os.path.abspath(args.bundle) if args.bundle else os.path.join(folder, "vms.bundle")
            if content:
                bundle_write(content, bundle, args.hash)
            self.medium_fill(args, folder, image, bundle, firmware)

    def medium_fill(self, args, folder, hypervisor, bundle, firmware):
        if self.strategy.tftp:
            self.strategy.transition("off")
            self.strategy.target.activate(self.strategy.tftp)
            self.strategy.tftp.put(hypervisor, bundle)
            return
        extra, card = [], os.path.join(folder, "card.img")
        if firmware:
            args.firmware, args.stub, args.overlay, args.sign, args.control_dtb = firmware, None, None, None, None
            extra = card_firmware(args, folder)
        card_write(card, hypervisor, bundle, self.strategy.bootargs, extra=extra)
        self.strategy.medium_write(card)

    # The line. labgrid's read() and write() keep a stack of steps that is no thread's own: with two threads only what is below them is used.

    def read(self):
        """In a thread: the board's bytes to where they belong."""
        silent, data = 0.0, self.strategy.heard
        while True:
            self.pass_on(self.demux.feed(data) if data else self.demux.silent(silent))
            if self.stopping.is_set():
                break
            try:
                data = self.strategy.console._read(size=1, timeout=QUIET)
                silent = 0.0
            except pexpect.TIMEOUT:
                data = b""
                silent += QUIET
            except Exception as error:  # the line is gone: the story says so
                self.said_of_it(f"the serial line: {error!r}")
                break
        self.pass_on(self.demux.end())
        self.unread += self.gate.rest()
        self.pipe_close()

    def pass_on(self, data):
        self.unread += self.gate.feed(data) if data else b""
        try:
            if self.unread:
                del self.unread[:os.write(self.writing, self.unread)]
        except BlockingIOError:
            pass  # its reader has other things to do
        if self.gate.open and self.unsent:
            self.send(b"")

    def pipe_close(self):
        limit = time.monotonic() + LINE_LOST
        while self.unread and time.monotonic() < limit:
            self.pass_on(b"")
            time.sleep(QUIET if self.unread else 0)
        os.close(self.writing)

    def send(self, data):
        """What comes before a guest is there waits for it: U-Boot would take it."""
        with self.typing:
            self.unsent += data if isinstance(data, bytes) else data.encode()
            if self.gate.open and self.unsent:
                text, self.unsent = bytes(self.unsent), bytearray()
                self.type(text)

    def type(self, text):
        """As labgrid's write() does it: slowly, where the board would lose what comes faster."""
        delay = self.strategy.console.txdelay
        for piece in [text[i:i + 1] for i in range(len(text))] if delay else [text]:
            time.sleep(delay)
            self.strategy.console._write(piece)

    # The end

    def over(self):
        seen = self.results_seen
        return seen.ended or seen.panicked or self.reader is None or not self.reader.is_alive()

    def wait(self):
        limit = time.monotonic() + self.timeout
        while not self.over() and time.monotonic() < limit:
            self.drain()
            time.sleep(QUIET)
        if not self.over():
            self.ending = Ending.TIMEOUT
        elif self.reader:
            time.sleep(OFF_TIME)
        self.stop()
        self.console.expect(pexpect.EOF, timeout=LINE_LOST)
        return self.status

    def stop(self):
        """Off, and what it said is whole. Once is enough."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        try:
            self.reader_end()
        finally:
            self.strategy.tap = None
            self.strategy.transition("off")
        if self.status is None:
            self.status, reason = verdict(self.results_seen, self.ending)
            if self.status:
                self.said_of_it(reason)

    def reader_end(self):
        if self.reader is None:
            os.close(self.writing)
            return
        limit = time.monotonic() + 2 * LINE_LOST
        while self.reader.is_alive() and time.monotonic() < limit:
            self.drain()
            self.reader.join(QUIET)
        self.drain()

    def end(self):
        """Ends the run if it still goes; all is closed whatever happens on the way."""
        if not self.stopping.is_set():
            self.ending = Ending.USER
        self.closing.close()
