# SPDX-License-Identifier: Apache-2.0
"""The boards that `run` and `sdcard` know. A board is a row: what the emulator is told, and where the firmware lies."""
import glob
import os
import secrets
import shutil
from dataclasses import dataclass
from typing import Tuple

from .base import GIB, ROOT, Refused, program_run


@dataclass(frozen=True)
class Board:
    name: str
    machine: str            # QEMU's -M, {gic} filled in
    deterministic: str      # what is added to it for runs that repeat
    gics: Tuple[int, ...]   # GIC versions it can have; the first is the default
    cpu: str
    cores: int              # default
    cores_fixed: bool
    memory: int             # default
    memory_fixed: bool
    firmware: str           # U-Boot, for --boot uboot
    firmware_option: str    # how QEMU is given it
    card_option: str        # how QEMU is given a card image, {path} filled in
    serials: Tuple[str, ...]  # the machine's UARTs in QEMU's order: console, results or null
    builds: str             # the hypervisors built for it, below build/
    tree: str = ""          # the device tree that QEMU does not make, below build/cache/
    tree_without: Tuple[str, ...] = ()  # its nodes that the emulated machine lacks
    options: Tuple[str, ...] = ()  # what else QEMU is told
    cores_spin: bool = False  # those that firmware has not started run in a loop
    other_cores: int = 0    # what -smp counts besides: the machine's real-time cores


BOARDS = {board.name: board for board in (
    Board(name="qemu-virt", machine="virt,virtualization=on,gic-version={gic}", deterministic=",dtb-randomness=off",
          gics=(3, 2), cpu="cortex-a72", cores=4, cores_fixed=False, memory=2 * GIB, memory_fixed=False,
          firmware="/usr/lib/u-boot/qemu_arm64/u-boot.bin", firmware_option="-bios",
          card_option="if=virtio,format=raw,readonly=on,file={path}", serials=("console", "results"), builds="qemu_virt*"),
    # The mini-UART is the console; without the Bluetooth chip behind it the PL011 is free for results.
    Board(name="rpi4", machine="raspi4b", deterministic="", gics=(2,), cpu="cortex-a72", cores=4, cores_fixed=True, memory=2 * GIB,
          memory_fixed=True, firmware=os.path.join(ROOT, "build", "cache", "u-boot-rpi", "usr", "lib", "u-boot", "rpi_4", "u-boot.bin"),
          firmware_option="-kernel", card_option="if=sd,format=raw,file={path}", serials=("results", "console"), builds="rpi4*",
          tree="kernel-debian/usr/lib/linux-image-*/broadcom/bcm2711-rpi-4-b.dtb", tree_without=("/soc/serial@7e201000/bluetooth",), cores_spin=True),
    Board(name="zcu102", machine="xlnx-zcu102,virtualization=on", deterministic="", gics=(2,), cpu="cortex-a53", cores=4, cores_fixed=True,
          memory=2 * GIB, memory_fixed=False, firmware="", firmware_option="", card_option="", serials=("console", "results"), builds="zcu102*",
          tree="kernel-debian/usr/lib/linux-image-*/xilinx/zynqmp-zcu102-rev1.0.dtb", options=("-audio", "none")),
    Board(name="versal-virt", machine="xlnx-versal-virt", deterministic="", gics=(3,), cpu="cortex-a72", cores=2, cores_fixed=True, memory=2 * GIB,
          memory_fixed=False, firmware="", firmware_option="", card_option="", serials=("console", "results"), builds="versal_virt*", other_cores=2),
)}


SEED_SIZE = 64


def board_tree(board, path, seeded):
    """Writes the device tree that the emulated board needs, `seeded` as firmware does it; None where QEMU makes one itself."""
    if not board.tree:
        return None
    found = sorted(glob.glob(os.path.join(glob.escape(ROOT), "build", "cache", board.tree)))
    if not found:
        raise Refused(f"{board.name}: its device tree build/cache/{board.tree} is not there: tools/fetch linux, or give one with --host-dtb")
    shutil.copyfile(found[-1], path)
    for node in board.tree_without:
        program_run(["fdtput", "-r", path, node], "device-tree-compiler", f"device tree of {board.name}")
    if seeded:
        program_run(["fdtput", "-tbx", path, "/chosen", "rng-seed", *(f"{byte:x}" for byte in secrets.token_bytes(SEED_SIZE))],
                    "device-tree-compiler", f"device tree of {board.name}")
    return path


def firmware_path(board, option):
    return option or os.environ.get("ARMATURE_UBOOT") or board.firmware
