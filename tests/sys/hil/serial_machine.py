# SPDX-License-Identifier: Apache-2.0
"""
A board on a serial line as a Machine: what `armature run` would start in an emulator is put on the board's medium, and the board is switched on. Everything
goes over one wire. The board is whatever the labgrid environment says.
"""
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

from machine import ROOT, Machine
from hil.demux import Demux
from hil.drivers import Status

sys.path.insert(0, os.path.join(ROOT, "tools"))
from armature_lib.base import Refused  # noqa: E402
from armature_lib.board import BOARDS  # noqa: E402
from armature_lib.bundle import bundle_write  # noqa: E402
from armature_lib.card import card_write  # noqa: E402
from armature_lib.cli import card_firmware, parser_make  # noqa: E402
from armature_lib.console import Gate  # noqa: E402
from armature_lib.results import Ending, Results, verdict  # noqa: E402
from armature_lib.run import content_choose, host_words, hypervisor_find  # noqa: E402

QUIET = 0.2       # the line says nothing: what may have become a log line is none
PIPE = 1 << 20
OFF_TIME = 3.0    # after the last word, until the power is cut
LINE_LOST = 10    # the reader ends so much later at most
# What the one who starts an emulator chooses, and a board has: (option, what cannot be had).
NOT_HERE = (("mem", "the size of its memory"), ("smp", "the number of its cores"), ("cpu", "its cores"), ("host_dtb", "its device tree"),
            ("icount", "counted time"), ("deterministic", "time that repeats"), ("gdb", "a debugger's stub"), ("trees", "dry runs' trees"),
            ("uboot", "its U-Boot"), ("card", "a card made elsewhere"))


class SerialMachine(Machine):
    """The arguments are those of `armature run`. What a board cannot be told skips the test, with the reason."""

    def __init__(self, folder, arguments, strategy, hypervisor=None, timeout=60, log=True, qemu=(), firmware=None):
        super().__init__(folder, timeout)
        args = parser_make().parse_args(["run", *map(str, arguments)])
        for option, what in NOT_HERE:
            if getattr(args, option):
                pytest.skip(f"a board on a serial line: {what} cannot be chosen")
        if qemu:
            pytest.skip("a board on a serial line: it is no emulator")
        self.strategy, self.ending = strategy, Ending.MACHINE
        self.files = {name: open(self.path(name + ".txt"), "wb", buffering=0) for name in ("console", "results", "log", "tool", "raw")}
        self.results_seen = Results(self.files["results"], self.files["log"] if log else None)
        self.medium_make(args, hypervisor, firmware)
        reading, self.writing = os.pipe()
        fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, PIPE)
        os.set_blocking(self.writing, False)
        self.console = fdspawn(reading, timeout=self.timeout, maxread=65536)
        self.console.logfile_read = self.files["console"]
        self.stopping = threading.Event()
        self.strategy.start()
        self.strategy.status = Status.hypervisor
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def medium_make(self, args, hypervisor, firmware):
        """What cannot be packed is refused as `armature run` would refuse it: in tool.txt, and the run is over."""
        args.extra, args.console = [], "mux"
        self.demux = Demux(lambda line: self.results_seen.line(b"L " + line), self.results_seen.line)
        marker = f"armature-starts-{secrets.token_hex(8)}"
        try:
            content = content_choose(args)
            single = content is not None and len(content.vms) == 1
            self.gate = Gate(marker.encode(), hold=single)
            board = BOARDS[args.board]
            words = host_words(args, False, marker).replace("log-to=results", "log-to=uart") + " results=log"
            with tempfile.TemporaryDirectory(prefix="armature-hil-") as folder:
                bundle = os.path.abspath(args.bundle) if args.bundle else os.path.join(folder, "vms.bundle")
                if content:
                    bundle_write(content, bundle, args.hash)
                self.strategy.bootargs = words
                self.medium_fill(args, folder, hypervisor_find(hypervisor, board), bundle, firmware)
        except Refused as refusal:
            self.files["tool"].write(f"armature: {refusal}\n".encode())
            raise

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

    # The line

    def read(self):
        """In a thread: the board's bytes to where they belong."""
        while not self.stopping.is_set():
            try:
                data = self.strategy.console.read(size=1, timeout=QUIET)
            except pexpect.TIMEOUT:
                self.pass_on(self.demux.rest())
                continue
            except Exception as error:  # the line is gone: the story says so
                self.files["tool"].write(f"the serial line: {error}\n".encode())
                break
            self.files["raw"].write(data)
            self.pass_on(self.demux.feed(data))
        os.close(self.writing)

    def pass_on(self, data):
        data = self.gate.feed(data) if data else b""
        while data:
            try:
                data = data[os.write(self.writing, data):]
            except BlockingIOError:
                time.sleep(QUIET)
                if self.stopping.is_set():
                    return

    def send(self, data):
        self.strategy.console.write(data if isinstance(data, bytes) else data.encode())

    # The end

    def over(self):
        seen = self.results_seen
        return seen.ended or seen.panicked or not self.reader.is_alive()

    def wait(self):
        limit = time.monotonic() + self.timeout
        while not self.over() and time.monotonic() < limit:
            time.sleep(QUIET)
        if not self.over():
            self.ending = Ending.TIMEOUT
        else:
            time.sleep(OFF_TIME)
        self.stop()
        self.console.expect(pexpect.EOF, timeout=LINE_LOST)
        self.status, reason = verdict(self.results_seen, self.ending)
        if self.status:
            self.files["tool"].write(f"armature: {reason}\n".encode())
        return self.status

    def stop(self):
        self.stopping.set()
        self.reader.join(LINE_LOST)
        self.strategy.transition("off")

    def end(self):
        if not self.stopping.is_set():
            self.stop()
        for file in self.files.values():
            file.close()
