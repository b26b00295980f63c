# SPDX-License-Identifier: Apache-2.0
"""QEMU's command line for a board, and the QEMU process."""
import ctypes
import os
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from typing import List, Optional

from .base import MIB, Refused
from .board import Board
from .spinning import THREADS_NAMED, SpinningCores

PR_SET_PDEATHSIG = 1
DETERMINISTIC_CLOCK = "base=2024-01-01T00:00:00,clock=vm"


@dataclass
class Machine:
    """What QEMU is to be. Exactly one of image and firmware starts it."""
    board: Board
    gic: int
    cpu: str
    cores: int
    memory: int
    image: Optional[str] = None      # direct: the hypervisor
    bundle: Optional[str] = None
    bootargs: str = ""
    firmware: Optional[str] = None   # through U-Boot
    card: Optional[str] = None
    tree: Optional[str] = None       # a device tree instead of the machine's own
    stub: List[str] = field(default_factory=list)  # what starts firmware and tree at EL3, as QEMU's arguments
    deterministic: bool = False
    icount: bool = False
    gdb_port: Optional[int] = None
    reboots: bool = False            # a reset starts it anew instead of ending QEMU
    extra: List[str] = field(default_factory=list)


def qemu_program():
    name = os.environ.get("ARMATURE_QEMU") or "qemu-system-aarch64"
    found = shutil.which(name)
    if not found:
        raise Refused(f"QEMU '{name}' is not there: install qemu-system-arm (10 or later) or set ARMATURE_QEMU")
    return found


def option_path(path):
    """A file name inside a QEMU option, where commas separate."""
    return path.replace(",", ",,")


def machine_options(machine):
    board = machine.board
    model = board.machine.format(gic=machine.gic)
    if machine.deterministic or machine.icount:
        model += board.deterministic
    argv = ["-M", model, "-cpu", machine.cpu, "-smp", str(machine.cores + board.other_cores), "-m", f"{machine.memory // MIB}M",
            "-nic", "none", "-display", "none", "-monitor", "none", *board.options]
    argv += ["-name", THREADS_NAMED] if board.cores_spin else []
    argv += [] if machine.reboots else ["-no-reboot"]
    if machine.deterministic or machine.icount:
        argv += ["-rtc", DETERMINISTIC_CLOCK]
    if machine.icount:
        argv += ["-icount", "shift=0,sleep=off"]  # idle time is skipped, real time never leaks in
    return argv


def machine_command(machine, channels):
    """The whole command line; `channels` maps 'console' and 'results' to the descriptors that QEMU inherits."""
    argv = [qemu_program(), *machine_options(machine)]
    for name, descriptor in channels.items():
        argv += ["-chardev", f"socket,id={name},fd={descriptor}"]
    for serial in machine.board.serials:
        argv += ["-serial", f"chardev:{serial}" if serial in channels else "null"]
    if machine.firmware:
        argv += machine.stub or [machine.board.firmware_option, machine.firmware]
        if machine.card:
            argv += ["-drive", machine.board.card_option.format(path=option_path(machine.card))]
    else:
        argv += ["-kernel", machine.image, "-append", machine.bootargs]
        if machine.bundle:
            argv += ["-initrd", machine.bundle]
    if machine.tree and not machine.stub:
        argv += ["-dtb", machine.tree]
    if machine.gdb_port:
        argv += ["-gdb", f"tcp:127.0.0.1:{machine.gdb_port}", "-S"]
    return argv + machine.extra


def machine_tree(machine, path):
    """Writes the device tree that QEMU makes for this machine."""
    options = machine_options(machine)
    options[1] += f",dumpdtb={option_path(path)}"
    argv = [qemu_program(), *options]
    for _ in machine.board.serials:
        argv += ["-serial", "null"]
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    except OSError as error:
        raise Refused(f"QEMU '{argv[0]}': {error.strerror}") from None
    if done.returncode or not os.path.exists(path):
        raise Refused(f"device tree of {machine.board.name}: {done.stderr.decode('utf-8', 'replace').strip()}")


def dies_with_us():
    """What a child does before its program (preexec_fn), so that it ends with us, whatever ends us."""
    libc, parent = ctypes.CDLL(None, use_errno=True), os.getpid()

    def child_setup():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    return child_setup


class Process:
    """A running QEMU and our ends of its channels. It dies with us, whatever ends us."""

    def __init__(self, machine):
        pairs = {name: socket.socketpair() for name in ("console", "results")}
        self.channels = {name: ours for name, (ours, _) in pairs.items()}
        theirs = {name: end.fileno() for name, (_, end) in pairs.items()}
        self.command = machine_command(machine, theirs)
        try:
            self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                          stderr=subprocess.STDOUT, pass_fds=tuple(theirs.values()),
                                          start_new_session=True, preexec_fn=dies_with_us())
        except OSError as error:
            raise Refused(f"QEMU '{self.command[0]}': {error.strerror}") from None
        finally:
            for _, end in pairs.values():
                end.close()
        self.exited = os.pidfd_open(self.child.pid)
        self.spinning = SpinningCores(self.child.pid) if machine.firmware and machine.board.cores_spin else None

    def console_said(self, data):
        """Whoever reads the console passes on what came."""
        if self.spinning:
            self.spinning.console_said(data)

    def end(self):
        """Ends QEMU if it still runs, and waits for it."""
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(1)
            except subprocess.TimeoutExpired:
                self.child.kill()
        self.child.wait()

    def close(self):
        self.end()
        for channel in self.channels.values():
            channel.close()
        self.child.stdout.close()
        os.close(self.exited)


def port_free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
