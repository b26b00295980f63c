# SPDX-License-Identifier: Apache-2.0
"""A Linux guest at its BusyBox shell."""
import re

PROMPT = rb"[~/] # "
MIB_RESERVED = 64  # what the kernel keeps of a guest's memory for itself, at most

# What Debian's kernels say at warning level and above on a machine in which nothing is wrong: (pattern, why it is no fault).
NOT_A_FAULT = (
    (r"hrtimer: interrupt took \d+ ns", "the emulator's thread for that core was not run by a loaded host in the meantime"),
    (r"cacheinfo: Unable to detect cache hierarchy for CPU 0", "6.12 says so on QEMU's own virt machine: no cache nodes in either tree"),
)


# The same on the console, wherever it falls into what a command says; dmesg -r has the level before it.
SAID_BETWEEN = re.compile(r"(?<!>)\[ *\d+\.\d{6}\] (?:" + "|".join(pattern for pattern, _ in NOT_A_FAULT) + r")\n")


def not_allowed(lines, allowed=NOT_A_FAULT):
    return [line for line in lines if not any(re.search(pattern, line) for pattern, _ in allowed)]


class Linux:
    """Runs commands in the guest's shell. `machine` is the machine; the guest's console is in front."""

    def __init__(self, machine):
        self.machine = machine

    def login(self, timeout=None):
        self.machine.expect(PROMPT, timeout)

    def run(self, command, timeout=30, check=True):
        """The command's output. The marks are written so that the echo of the command line does not match them."""
        self.machine.send(f'echo "<"@; {command}; echo @"$?"">"\n')
        match = self.machine.expect(rb"<@\r?\n(.*?)@(\d+)>\r?\n", timeout)
        self.machine.expect(PROMPT, timeout)
        output = SAID_BETWEEN.sub("", match[1].decode("utf-8", "replace").replace("\r\n", "\n"))
        if check:
            assert match[2] == b"0", f"{command}: status {match[2].decode()}\n{output}"
        return output

    def warnings(self, allowed=NOT_A_FAULT):
        """Kernel messages of level warning and worse that are not in the list."""
        lines = self.run("dmesg -r").splitlines()
        return not_allowed([line for line in lines if re.match(r"<[0-4]>", line)], allowed)

    def ticks(self):
        """Timer interrupts by CPU."""
        line = re.search(r"^ *\d+:((?: +\d+)+).*arch_timer", self.run("cat /proc/interrupts"), re.M)
        return [int(n) for n in line[1].split()]
