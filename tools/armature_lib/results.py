# SPDX-License-Identifier: Apache-2.0
"""The results channel: what the machine says of itself, and the exit status that follows from it alone."""
import os
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import Dict, Set

from .base import note

EXIT_OFF, EXIT_RESET, EXIT_FAILED, EXIT_TIMEOUT, EXIT_USER = 0, 3, 4, 124, 130
LINE_LIMIT = 4096
LOG_KEPT = 200


class Ending(Enum):
    """Why the run is over, as the tool saw it."""
    MACHINE = "QEMU ended, or the machine said that it ends"
    TIMEOUT = "the time given ran out"
    USER = "the user ended it"


@dataclass
class VmState:
    state: str = "?"
    cause: str = ""
    code: str = ""
    causes: Set[str] = field(default_factory=set)  # of all its ends: a VM that was restarted had more than one


class Results:
    """
    Takes the channel's bytes as they come. Log lines ('L ...') and results ('R ...') go to the files given, trees of dry runs ('T ...')
    to files NAME.dtb in the folder `trees`.
    """

    def __init__(self, results_file=None, log_file=None, trees=None):
        self.vms: Dict[str, VmState] = {}
        self.ended = self.panicked = self.stopped = False
        self.log = deque(maxlen=LOG_KEPT)
        self.results_file, self.log_file, self.trees = results_file, log_file, trees
        self.partial = b""
        self.say = note
        self.lost: Dict[str, str] = {}  # what could not be written, and why

    def feed(self, data):
        lines = (self.partial + data).split(b"\n")
        self.partial = lines.pop()[-LINE_LIMIT:]
        for line in lines:
            self.line(line.rstrip(b"\r"))

    def line(self, line):
        if line.startswith(b"L "):
            self.log.append(line[2:].decode("utf-8", "replace"))
            self.write(self.log_file, line[2:])
            return
        if line.startswith(b"T "):
            self.tree_line(line.decode("ascii", "replace").split(" "))
            return
        self.write(self.results_file, line)
        words = line.decode("utf-8", "replace").split(" ")
        if words[:2] == ["R", "machine"]:
            self.ended |= words[2:3] == ["end"]
            self.stopped |= words[2:3] == ["stopped"]
            self.panicked |= words[2:3] in (["panic"], ["stopped"])
        elif words[:2] == ["R", "vm"] and len(words) > 3:
            self.vm_line(words[2], dict(word.split("=", 1) for word in words[3:] if "=" in word))

    def vm_line(self, name, fields):
        vm = self.vms.setdefault(name, VmState())
        if "state" in fields:
            vm.state, vm.cause, vm.code = fields["state"], fields.get("cause", ""), fields.get("code", "")
            if vm.cause:
                vm.causes.add(vm.cause)

    def tree_line(self, words):
        """T VM OFFSET BYTES, in order; offset 0 begins anew."""
        try:
            name, offset, data = words[1], int(words[2], 16), bytes.fromhex(words[3])
        except (IndexError, ValueError):
            return
        if self.trees and os.path.basename(name) == name:
            path = os.path.join(self.trees, f"{name}.dtb")
            try:
                with open(path, "r+b" if offset else "wb") as file:
                    file.seek(offset)
                    file.write(data)
            except OSError as error:
                self.lose(path, error)

    def write(self, file, line):
        if file and file.name not in self.lost:
            try:
                file.write(line + b"\n")
                file.flush()
            except OSError as error:
                self.lose(file.name, error)

    def lose(self, path, error):
        """The run goes on without the file."""
        if path not in self.lost:
            self.lost[path] = error.strerror
            self.say(f"'{path}': {error.strerror}")

    def close(self):
        for file in (self.results_file, self.log_file):
            try:
                if file:
                    file.close()
            except OSError as error:  # what it still held
                self.lose(file.name, error)


def verdict(results, ending):
    """(exit status, reason) of a run. Never from QEMU's own status: that is 0 for power-off and reset alike."""
    status, reason = verdict_machine(results, ending)
    if status == EXIT_OFF and results.lost:
        return EXIT_FAILED, "not written whole: " + ", ".join(f"'{path}'" for path in results.lost)
    return status, reason


def verdict_machine(results, ending):
    if results.stopped:
        return EXIT_FAILED, "the hypervisor could not start anything: see its log"
    if results.panicked:
        return EXIT_FAILED, "the hypervisor panicked"
    if results.ended:
        return verdict_ended(results)
    if ending is Ending.TIMEOUT:
        return EXIT_TIMEOUT, "time ran out"
    if ending is Ending.USER:
        return EXIT_USER, "ended by the user"
    return EXIT_FAILED, "the machine ended unexpectedly: nothing on its results channel says why"


def verdict_ended(results):
    bad = [f"VM {name}: {cause}" for name, vm in results.vms.items()
           for cause in sorted(vm.causes - {"off", "reset", "dry-run"})]
    if bad:
        return EXIT_FAILED, ", ".join(bad)
    if not results.vms:
        return EXIT_FAILED, "the machine ended and no VM ever ran"
    reset = [name for name, vm in results.vms.items() if vm.state == "ended" and vm.cause == "reset"]
    if reset:
        return EXIT_RESET, f"VM {', '.join(reset)} asked for a reset"
    if any(vm.state == "running" for vm in results.vms.values()):
        return EXIT_USER, "ended from the console"
    return EXIT_OFF, "every VM powered off, or was a dry run"
