#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
A board on a serial line, rehearsed: QEMU behind a pseudo-terminal, with a power switch from outside, a card that can be swapped, and a line that
can be slow, noisy and lossy. What drives it knows nothing of QEMU: it opens DIR/serial, calls `rehearsal.py on DIR` and `off DIR`, and writes
DIR/card.img while the power is off; without that file its slot is empty.

    rehearsal.py serve DIR --board rpi4        until it is ended; files of DIR: serial (the line), card.img (the medium), tftp/ (with --net),
                                               qemu.txt (what QEMU itself said)
    rehearsal.py on|off|state DIR
"""
import argparse
import contextlib
import os
import pty
import random
import selectors
import signal
import socket
import subprocess
import sys
import time
import tty

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tools"))

from armature_lib.base import Refused  # noqa: E402
from armature_lib.board import BOARDS, board_tree, firmware_path  # noqa: E402
from armature_lib.machine import Machine, Process  # noqa: E402

CHUNK = 4096
KEPT = 1 << 20        # of what the board said and nobody took
BITS_A_BYTE = 10      # start, eight, stop
NOISE_BYTES = 24      # at most, when the power goes on or off
TURN = 0.01
ANSWER_TIME = 10
REFUSAL_TIME = 0.5    # QEMU refuses what it cannot do within that
WORDS_SHOWN = 400     # of what it says then
POWER = "power"       # the switch, a socket


class Line:
    """One direction: bytes wait until the line's speed lets them through; some are lost, and some come out of nothing."""

    def __init__(self, baud, loss, dice):
        self.rate = baud / BITS_A_BYTE if baud else 0
        self.loss, self.dice = loss, dice
        self.waiting = bytearray()
        self.credit, self.since = 0.0, time.monotonic()

    def put(self, data):
        self.waiting += data if not self.loss else bytes(byte for byte in data if self.dice.random() >= self.loss)
        del self.waiting[:-KEPT]

    def take(self):
        """What has come through until now."""
        now = time.monotonic()
        if not self.rate:
            count = len(self.waiting)
        else:
            self.credit = min(self.credit + (now - self.since) * self.rate, self.rate * 4 * TURN)
            count = min(len(self.waiting), int(self.credit))
            self.credit -= count
        self.since = now
        data = bytes(self.waiting[:count])
        del self.waiting[:count]
        return data


class Board:
    """The machine, the switch and the line."""

    def __init__(self, args):
        self.folder, self.args = os.path.abspath(args.folder), args
        self.board = BOARDS[args.board]
        dice = {what: random.Random(f"{args.seed} {what}") for what in ("out", "into", "noise")}  # none takes another's turn: a seed repeats
        self.out, self.into = (Line(args.baud, args.loss, dice[way]) for way in ("out", "into"))
        self.dice = dice["noise"]
        self.process = None
        os.makedirs(os.path.join(self.folder, "tftp"), exist_ok=True)
        self.master, self.slave = pty.openpty()  # the slave stays open: the line is there whoever comes and goes
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.control = socket.socket(socket.AF_UNIX)
        for name in ("serial", POWER):
            if os.path.lexists(self.path(name)):
                os.unlink(self.path(name))
        os.symlink(os.ttyname(self.slave), self.path("serial"))
        with inside(self.folder):
            self.control.bind(POWER)
        self.control.listen(4)
        self.words = open(self.path("qemu.txt"), "wb", buffering=0)

    def path(self, name):
        return os.path.join(self.folder, name)

    def on(self):
        if self.process:
            return "on already"
        board = self.board
        tree = board_tree(board, self.path("machine.dtb"), True)
        extra = ["-netdev", f"user,id=net,tftp={self.path('tftp')}", "-device", "virtio-net-device,netdev=net"] if self.args.net else []
        card = self.path("card.img")
        machine = Machine(board, self.args.gic or board.gics[0], board.cpu, self.args.smp or board.cores, board.memory,
                          firmware=firmware_path(board, None), card=card if os.path.exists(card) else None, tree=tree, extra=extra, reboots=True)
        self.process = Process(machine)
        try:
            self.process.child.wait(REFUSAL_TIME)
        except subprocess.TimeoutExpired:
            os.set_blocking(self.process.child.stdout.fileno(), False)
            self.noise()
            return "on"
        words = self.words_keep()
        self.close()
        raise Refused(f"QEMU: {words.decode('utf-8', 'replace').strip()[-WORDS_SHOWN:]}")

    def off(self):
        """By the switch: the line falls silent at once."""
        if self.process:
            self.close()
            self.out.waiting.clear()
            self.noise()
        return "off"

    def gone(self):
        """It has switched itself off: what it said before is still on its way."""
        while data := self.drain(self.process.channels["console"]):
            self.out.put(data)
        self.close()
        self.noise()

    def close(self):
        self.words_keep()
        self.process.close()
        self.process = None
        self.into.waiting.clear()

    def words_keep(self):
        """QEMU's own words."""
        words = self.process.child.stdout.read() or b""
        self.words.write(words)
        return words

    def noise(self):
        """The line's level jumps with the power."""
        if self.args.noise:
            self.out.put(bytes(self.dice.randrange(256) for _ in range(self.dice.randrange(NOISE_BYTES + 1))))

    def answer(self):
        client, _ = self.control.accept()
        with client:
            client.settimeout(ANSWER_TIME)
            try:
                word = client.recv(16).decode("ascii", "replace").strip()
                calls = {"on": self.on, "off": self.off, "state": lambda: "on" if self.process else "off"}
                client.sendall((calls[word]() if word in calls else f"'{word}' is none of {', '.join(calls)}").encode())
            except (OSError, Refused) as error:
                client.sendall(f"failed: {error}".encode())

    def turn(self):
        """Moves what can be moved."""
        try:
            typed = os.read(self.master, CHUNK)
        except BlockingIOError:
            typed = b""
        if self.process:
            console = self.process.channels["console"]
            self.into.put(typed)
            self.exchange(console)
            self.drain(self.process.channels["results"])  # one wire: nobody hears the other
            self.words_keep()
            if self.process.child.poll() is not None:
                self.gone()
        data = self.out.take()
        try:
            sent = os.write(self.master, data) if data else 0
        except BlockingIOError:
            sent = 0
        self.out.waiting[:0] = data[sent:]

    def exchange(self, console):
        data = self.into.take()
        console.setblocking(False)
        try:
            sent = console.send(data) if data else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            sent = len(data)  # nobody is there
        self.into.waiting[:0] = data[sent:]
        data = self.drain(console)
        self.process.console_said(data)
        self.out.put(data)

    @staticmethod
    def drain(channel):
        channel.setblocking(False)
        try:
            return channel.recv(CHUNK)
        except OSError:
            return b""

    def serve(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.control, selectors.EVENT_READ)
            while True:
                for _ in selector.select(TURN):
                    self.answer()
                self.turn()


@contextlib.contextmanager
def inside(folder):
    """A socket's name has 107 bytes at most: short ones from within its folder."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def ask(folder, word):
    """The switch: 0 if the board did as it was told."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(ANSWER_TIME)
        try:
            with inside(folder):
                client.connect(POWER)
            client.sendall(word.encode())
            answer = client.recv(CHUNK).decode("utf-8", "replace")
        except OSError as error:
            answer = f"no board is rehearsed in '{folder}': {error.strerror or error}"
    print(answer)
    return 0 if answer.startswith(word) or word == "state" else 1


def probability(text):
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text}: from 0 to less than 1")
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("word", choices=("serve", "on", "off", "state"))
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("--board", choices=BOARDS, default="rpi4")
    parser.add_argument("--gic", type=int)
    parser.add_argument("--smp", type=int)
    parser.add_argument("--net", action="store_true", help="a network with DHCP and TFTP from DIR/tftp (qemu-virt)")
    parser.add_argument("--baud", type=int, default=115200, help="speed of the line; 0: as fast as can be")
    parser.add_argument("--loss", type=probability, default=0.0, help="probability that a byte is lost")
    parser.add_argument("--noise", action="store_true", help="garbage on the line when the power goes on and off")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.word != "serve":
        return ask(args.folder, args.word)
    board = Board(args)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        board.serve()
    finally:
        board.off()


if __name__ == "__main__":
    sys.exit(main())
