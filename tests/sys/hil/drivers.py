# SPDX-License-Identifier: Apache-2.0
"""
What labgrid has no driver for: a card that is a file, a folder that a TFTP server serves, and the strategy that takes a board with Armature from
off to a guest's shell. Imported by the environment files.
"""
import enum
import os
import shutil
import time

import attr
from labgrid.driver.common import Driver
from labgrid.factory import target_factory
from labgrid.step import step
from labgrid.strategy.common import Strategy, StrategyError
from pexpect import TIMEOUT

HYPERVISOR, BUNDLE = "armature.bin", "armature.bundle"
ATTEMPTS = 3          # of a power cycle, until U-Boot's prompt is there
STARTED = rb"Armature \S+.*\r?\n"
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
        """What is typed at U-Boot's prompt: (command, seconds). The last one starts the hypervisor and does not come back."""
        yield f"setenv bootargs '{bootargs}'", 5
        yield "setenv autoload no; dhcp", 60
        if self.server:
            yield f"setenv serverip {self.server}", 5
        yield f"tftpboot ${{kernel_addr_r}} {HYPERVISOR}", self.transfer_time
        yield f"tftpboot ${{ramdisk_addr_r}} {BUNDLE}", self.transfer_time
        tree = "if test -n \"${fdt_addr_r}\"; then setenv armature_fdt ${fdt_addr}; else setenv armature_fdt ${fdtcontroladdr}; fi"
        yield tree, 5
        yield "booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${armature_fdt}", 0


class Status(enum.Enum):
    unknown = 0
    off = 1
    uboot = 2
    hypervisor = 3
    shell = 4


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
    start_time = attr.ib(default=60, validator=attr.validators.instance_of(int))
    shell_time = attr.ib(default=180, validator=attr.validators.instance_of(int))
    status = attr.ib(default=Status.unknown)
    bootargs = attr.ib(default="")

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
        self.power.off()

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
        self.target.activate(self.console)
        self.power.on()

    def to_uboot(self):
        if not self.uboot:
            raise StrategyError("the environment names no UBootDriver")
        for _ in range(ATTEMPTS):
            self.status = Status.unknown
            self.power_on()
            try:
                self.target.activate(self.uboot)
                return
            except (TIMEOUT, ValueError, UnicodeDecodeError) as error:
                self.target.deactivate(self.uboot)
                last = error
        raise StrategyError(f"no prompt of U-Boot after {ATTEMPTS} power cycles: {last}")

    def to_hypervisor(self):
        for _ in range(ATTEMPTS):
            try:
                self.start()
                self.console.expect(STARTED, timeout=self.start_time)
                return
            except (TIMEOUT, StrategyError) as error:
                last = error
                self.status = Status.unknown
        raise StrategyError(f"the hypervisor did not start in {ATTEMPTS} power cycles: {last}")

    def start(self):
        """Lets it start; does not wait for a word of it."""
        if not self.tftp:
            if self.status is Status.uboot:
                self.uboot.boot("")
            else:
                self.power_on()
            return
        self.transition(Status.uboot)
        self.target.activate(self.tftp)
        for command, seconds in self.tftp.commands(self.bootargs):
            if not seconds:
                self.console.sendline(command)
                return
            self.command(command, seconds)

    def command(self, command, seconds):
        """One that the line may have garbled is typed again."""
        for _ in range(ATTEMPTS):
            try:
                output, _, code = self.uboot.run(command, timeout=seconds)
                if code == 0:
                    return
                said = " ".join(output)[-200:]
            except (TIMEOUT, ValueError) as error:  # the driver's own mark did not come back whole
                said = f"no answer that can be read ({error.__class__.__name__})"
            time.sleep(1)
        raise StrategyError(f"U-Boot: {command}: {said}")

    def to_shell(self):
        self.transition(Status.hypervisor)
        self.console.expect(self.prompt.encode(), timeout=self.shell_time)
