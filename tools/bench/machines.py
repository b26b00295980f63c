# SPDX-License-Identifier: Apache-2.0
"""The machine that everything is measured on, without a hypervisor and with it. A tick of its counter is an instruction."""
import os
import shlex
import subprocess

CPU = "cortex-a72,cntfrq=1000000000"
MEMORY = 512
# sleep=off: while all cores sleep the clock jumps to the next deadline instead of waiting for the host's.
ICOUNT = ["-icount", "shift=0,sleep=off"]
BARE = ["-M", "virt,gic-version={gic},dtb-randomness=off", "-cpu", CPU, "-m", str(MEMORY), "-nic", "none", "-display", "none", "-monitor", "none",
        "-no-reboot", "-rtc", "base=2024-01-01T00:00:00,clock=vm", "-serial", "stdio"]
TIMEOUT = 600


class Failed(Exception):
    """A machine that did not do what was asked of it."""


class Bench:
    """Runs guests; what they say stays in `folder`."""

    def __init__(self, folder, tool, hypervisor, symbols, plugin):
        self.folder, self.tool, self.hypervisor, self.symbols, self.plugin = folder, tool, hypervisor, symbols, plugin

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, name, argv):
        """The console's text."""
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            raise Failed(f"{name}: not over after {TIMEOUT} s: {shlex.join(argv)}") from None
        text = done.stdout.decode("utf-8", "replace").replace("\r", "")
        with open(self.path(name + ".console"), "w", encoding="utf-8") as file:
            file.write(text)
        if done.returncode:
            raise Failed(f"{name}: exit status {done.returncode}: {shlex.join(argv)}\n{done.stderr.decode('utf-8', 'replace')}{text[-2000:]}")
        return text

    def plugin_option(self, name, ranges=""):
        return ["-plugin", f"{self.plugin},out={self.path(name + '.counts')}{ranges}"]

    def bare(self, name, kernel, cores=1, initrd=None, append=None, gic=3):
        machine = [word.format(gic=gic) for word in BARE]
        argv = [os.environ.get("ARMATURE_QEMU") or "qemu-system-aarch64", *machine, *ICOUNT, "-smp", str(cores), "-kernel", kernel]
        argv += ["-initrd", initrd] if initrd else []
        argv += ["-append", append] if append else []
        return self.run(name, argv + self.plugin_option(name))

    def hosted(self, name, kernel, load, cores=1, vcpus=None, initrd=None, append=None, gic=3):
        """As the only VM. The hypervisor's log is at path(NAME.log). Timers are linked to list registers as on silicon."""
        argv = [self.tool, "run", "--gic", str(gic), "--host-args", "gic-links=on", "--hyp", self.hypervisor, "--kernel", kernel, "--load", hex(load), "--cpus", str(vcpus or cores),
                "--smp", str(cores), "--cpu", CPU, "--guest-mem", f"{MEMORY}M", "--icount", "--log", self.path(name + ".log"),
                "--timeout", str(TIMEOUT)]
        argv += ["--initrd", initrd] if initrd else []
        argv += ["--append", append] if append else []
        counted = f",base={self.symbols.base:#x},size={self.symbols.size:#x},entry={load:#x}"
        return self.run(name, argv + ["--", *ICOUNT, *self.plugin_option(name, counted)])

    def hosted_vms(self, name, description, guest, options=(), hypervisor=None, symbols=None):
        """The VMs of a description file whose image `bench` is the guest; of another hypervisor than the usual if one is given."""
        argv = [self.tool, "run", "--hyp", hypervisor or self.hypervisor, "--vms", description, "--image", f"bench={guest}", "--smp", "2", "--cpu", CPU,
                "--icount", "--console", "raw", "--log", self.path(name + ".log"), "--timeout", str(TIMEOUT), *options]
        symbols = symbols or self.symbols
        counted = f",base={symbols.base:#x},size={symbols.size:#x}"
        return self.run(name, argv + ["--", *ICOUNT, *self.plugin_option(name, counted)])

    def log(self, name):
        with open(self.path(name + ".log"), encoding="utf-8", errors="replace") as file:
            return file.read()
