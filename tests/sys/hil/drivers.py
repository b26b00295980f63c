# SPDX-License-Identifier: Apache-2.0
"""
What labgrid has no driver for: a card that is a file, a folder that a TFTP server serves, and the strategy that takes a board with Armature from
off to a guest's shell. Imported by the environment files.
"""
import enum
import os
import shutil
import subprocess
import sys
import time

import attr
from labgrid.driver.common import Driver
from labgrid.factory import target_factory
from labgrid.step import step
from labgrid.strategy.common import Strategy, StrategyError
from pexpect import TIMEOUT

from hil.demux import PANIC, SEVERITIES
from machine import ROOT, buffer_set

sys.path.insert(0, os.path.join(ROOT, "tools"))
from armature_lib.card import BUNDLE, HYPERVISOR, TREE_CHOICE  # noqa: E402

OFF_TIME = 2.0        # seconds between off and on, of a switch that has no `delay`
SLOWLY = 0.01         # seconds a character, once a line has lost some: U-Boot's echo can take longer than the UART's FIFO holds
ATTEMPTS = 3          # of a power cycle, until U-Boot's prompt is there, or the hypervisor's first word
TYPED = 6             # a command is typed at most
QUIET = 0.5           # after an interrupted command: U-Boot has said what it had to
INTERRUPT = b"\x03"
# The hypervisor's first word: a line of its log, or why it cannot even have one.
STARTED = rb"\[ *\d+\.\d{6}\] (?:" + "|".join(SEVERITIES).encode() + rb") |\nArmature: entered at|" + PANIC
PROMPT = rb"[~/] # "


@target_factory.reg_driver
@attr.s(eq=False)
class CardFileDriver(Driver):
    """The boot medium is an image file: an emulated card, or what a card writer takes. Written while the power is off."""
    path = attr.ib(validator=attr.validators.instance_of(str))

    @Driver.check_active
    @step(args=["filename"])
    def write_image(self, filename):
        partial = self.path + ".new"
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        shutil.copyfile(filename, partial)
        os.replace(partial, self.path)


@target_factory.reg_driver
@attr.s(eq=False)
class TftpFolderDriver(Driver):
    """
    The board fetches its files from a TFTP server of which we can write the folder: U-Boot gets an address by DHCP, and the server's by that or by
    `server`.
    """
    folder = attr.ib(validator=attr.validators.instance_of(str))
    server = attr.ib(default="", validator=attr.validators.instance_of(str))
    transfer_time = attr.ib(default=120, validator=attr.validators.instance_of(int))

    @Driver.check_active
    @step()
    def put(self, hypervisor, bundle):
        os.makedirs(self.folder, exist_ok=True)
        for source, name in ((hypervisor, HYPERVISOR), (bundle, BUNDLE)):
            shutil.copyfile(source, os.path.join(self.folder, name))

    def commands(self, bootargs):
        """What is typed at U-Boot's prompt before START: (command, seconds, what it must answer)."""
        yield f"setenv bootargs '{bootargs}'", 5, None
        yield "printenv bootargs", 5, f"bootargs={bootargs}"
        yield "setenv autoload no; dhcp", 60, None
        if self.server:
            yield f"setenv serverip {self.server}", 5, None
        yield f"tftpboot ${{kernel_addr_r}} {HYPERVISOR}", self.transfer_time, None
        yield "setenv filesize 0", 5, None  # which an empty file leaves as it was
        yield f"tftpboot ${{ramdisk_addr_r}} {BUNDLE}", self.transfer_time, None
        yield TREE_CHOICE, 5, None
        yield "setenv armature_go 'booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${armature_fdt}'", 5, None

    START = "run armature_go"  # short: what the line garbles is no command, and the prompt comes back


class Status(enum.Enum):
    unknown = 0
    off = 1
    uboot = 2
    hypervisor = 3
    shell = 4


def command_try(uboot, console, command, seconds, answer):
    """None, or why it has to be typed again."""
    try:
        output, _, code = uboot.run(command, timeout=seconds)
    except (TIMEOUT, ValueError, IndexError) as error:  # the driver's own mark did not come back whole
        return f"no answer that can be read ({error.__class__.__name__})"
    if command.encode() not in console._expect.before:
        return "its echo is another"
    said = "\n".join(output)
    return None if code == 0 and answer in (None, said) else said[-200:]


@target_factory.reg_driver
@attr.s(eq=False)
class ArmatureStrategy(Strategy):
    """
    off → uboot (its prompt) → hypervisor (its first line) → shell (a guest's prompt, on the console). From off, `hypervisor` lets the stock boot
    script of the card run. The line may lose and invent bytes: what did not come is tried again from the power switch on.
    """
    bindings = {"power": "PowerProtocol", "console": "ConsoleProtocol", "uboot": {"UBootDriver", None},
                "card": {"CardFileDriver", "USBStorageDriver", None}, "mux": {"USBSDMuxDriver", None}, "tftp": {"TftpFolderDriver", None}}
    prompt = attr.ib(default=PROMPT.decode(), validator=attr.validators.instance_of(str))
    start_time = attr.ib(default=120, validator=attr.validators.instance_of(int))
    shell_time = attr.ib(default=180, validator=attr.validators.instance_of(int))
    status = attr.ib(default=Status.unknown)
    bootargs = attr.ib(default="")
    heard = b""  # on the line since the board was told to start the hypervisor; what came behind its first word too

    def __attrs_post_init__(self):
        super().__attrs_post_init__()
        self.tap, read = None, self.console._read  # tap hears every byte, whoever reads it

        def told(*args, **kwargs):
            data, tap = read(*args, **kwargs), self.tap
            if tap:
                tap(data)
            return data
        self.console._read = told

    def transition(self, status):
        status = status if isinstance(status, Status) else Status[status]
        if status is Status.unknown:
            raise StrategyError("no board is brought into an unknown state")
        if status is self.status:
            return
        {Status.off: self.to_off, Status.uboot: self.to_uboot, Status.hypervisor: self.to_hypervisor,
         Status.shell: self.to_shell}[status]()
        self.status = status

    def force(self, status):
        self.target.activate(self.power)
        self.target.activate(self.console)
        self.status = Status[status]

    def to_off(self):
        for driver in (self.uboot, self.console):
            if driver:
                self.target.deactivate(driver)
        self.target.activate(self.power)
        self.switch(self.power.off)

    def medium_write(self, image):
        """Into the slot; the power is off."""
        self.transition(Status.off)
        if self.mux:
            self.target.activate(self.mux)
            self.mux.set_mode("host")
        self.target.activate(self.card)
        self.card.write_image(image)
        if self.mux:
            self.mux.set_mode("dut")

    def power_on(self):
        """From off; what was on the line before is dropped. The console hears the first byte."""
        self.transition(Status.off)
        time.sleep(getattr(self.power, "delay", OFF_TIME))  # until its rails have fallen; labgrid keeps it only in its own cycle()
        self.target.activate(self.console)
        buffer_set(self.console._expect, b"")
        self.switch(self.power.on)

    def switch(self, action):
        """Each kind of power switch fails in its own way."""
        try:
            action()
        except subprocess.CalledProcessError as error:
            raise StrategyError(f"the power switch: {error}: {(error.output or b'').decode('utf-8', 'replace').strip()}") from None
        except Exception as error:
            raise StrategyError(f"the power switch: {error.__class__.__name__}: {error}") from None

    def to_uboot(self):
        if not self.uboot:
            raise StrategyError("the environment names no UBootDriver")
        for _ in range(ATTEMPTS):
            self.status = Status.unknown
            self.power_on()
            try:
                self.target.activate(self.uboot)
                return
            except (TIMEOUT, ValueError) as error:
                self.uboot.on_deactivate()  # it never was active, and may think that it has seen its prompt
                last = error
        raise StrategyError(f"no prompt of U-Boot after {ATTEMPTS} power cycles: {last}")

    def to_hypervisor(self):
        for _ in range(ATTEMPTS):
            try:
                self.start()
                self.first_word()
                return
            except (TIMEOUT, StrategyError) as error:
                last = error
                self.status = Status.unknown
        raise StrategyError(f"the hypervisor did not start in {ATTEMPTS} power cycles: {last}")

    def start(self):
        """Lets it start; does not wait for a word of it."""
        if self.tftp:
            self.transition(Status.uboot)
            self.target.activate(self.tftp)
            for command, seconds, answer in self.tftp.commands(self.bootargs):
                self.command(command, seconds, answer)
            self.console.sendline(self.tftp.START)
        elif self.status is Status.uboot:
            self.uboot.boot("")
        else:
            self.power_on()
        self.status = Status.unknown

    def first_word(self):
        """Of the hypervisor. U-Boot's prompt instead: what it was told to do came garbled, and is typed again."""
        patterns = [STARTED] + ([self.uboot.prompt] if self.tftp else [])
        self.heard = b""
        for _ in range(TYPED):
            found, before, _, after = self.console.expect(patterns, timeout=self.start_time)
            self.heard += before + after
            if not found:
                self.heard += self.console._expect.buffer
                buffer_set(self.console._expect, b"")
                return
            self.prompt_again()
            self.console.sendline(self.tftp.START)
        raise StrategyError(f"U-Boot: {self.tftp.START}: its prompt came back {TYPED} times: {self.heard[-200:]!r}")

    def command(self, command, seconds, answer=None):
        """One that the line may have garbled, there or back, is typed again, slowly: what U-Boot echoes must be what was meant."""
        pace = self.console.txdelay
        try:
            for _ in range(TYPED):
                said = command_try(self.uboot, self.console, command, seconds, answer)
                if said is None:
                    return
                self.prompt_again()
                self.console.txdelay = max(pace, SLOWLY)
        finally:
            self.console.txdelay = pace
        raise StrategyError(f"U-Boot: {command}: {said}")

    def prompt_again(self):
        """What was begun is ended, and what was said of it is no answer to what comes."""
        self.console.write(INTERRUPT)
        self.console.settle(QUIET)
        buffer_set(self.console._expect, b"")

    def to_shell(self):
        self.transition(Status.hypervisor)
        self.console.expect(self.prompt.encode(), timeout=self.shell_time)
