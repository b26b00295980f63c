# SPDX-License-Identifier: Apache-2.0
"""
Cores that wait for their start in a loop, as a Raspberry Pi's do (its spin table). Each keeps one of QEMU's threads busy, and the one core that works,
U-Boot's, gets what is left of the host: its card is read at a quarter of the speed. Until U-Boot starts something they share one of the host's cores.
"""
import os

THREADS_NAMED = "armature,debug-threads=on"  # QEMU's -name
THREAD, FIRST = "CPU ", "CPU 0/"             # of a virtual core, of the one that works
STARTS = (b"Starting kernel", b"## Starting application")  # U-Boot's last words: booti, go
LONGEST = max(map(len, STARTS))


class SpinningCores:
    """Of the QEMU with this process id."""

    def __init__(self, pid):
        self.pid = pid
        self.all = os.sched_getaffinity(0)
        self.bound = self.over = False
        self.last = b""

    def console_said(self, data):
        """The machine's console says what U-Boot does; with its first word all of QEMU's threads are there."""
        if self.over or not data:
            return
        self.last = self.last[-LONGEST:] + data
        if any(words in self.last for words in STARTS):
            self.over = True
            self.bind(self.all)
        elif not self.bound:
            self.bound = True
            self.bind({max(self.all)})

    def bind(self, cores):
        for thread in self.threads():
            try:
                os.sched_setaffinity(thread, cores)
            except OSError:
                pass  # it has ended, or the host does not let us: slower, that is all

    def threads(self):
        try:
            threads = os.listdir(f"/proc/{self.pid}/task")
        except OSError:
            return []  # QEMU has ended
        return [int(thread) for thread in threads if self.name(thread).startswith(THREAD) and not self.name(thread).startswith(FIRST)]

    def name(self, thread):
        try:
            with open(f"/proc/{self.pid}/task/{thread}/comm", encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""  # a worker of QEMU's that has ended meanwhile, and no core
