# SPDX-License-Identifier: Apache-2.0
"""The boards that `run` and `sdcard` know. A board is a row: what the emulator is told, and where the firmware lies."""
import os
from dataclasses import dataclass
from typing import Tuple

from .base import GIB


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


BOARDS = {board.name: board for board in (
    Board(name="qemu-virt", machine="virt,virtualization=on,gic-version={gic}", deterministic=",dtb-randomness=off",
          gics=(3, 2), cpu="cortex-a72", cores=4, cores_fixed=False, memory=2 * GIB, memory_fixed=False,
          firmware="/usr/lib/u-boot/qemu_arm64/u-boot.bin", firmware_option="-bios",
          card_option="if=virtio,format=raw,readonly=on,file={path}", serials=("console", "results")),
)}


def firmware_path(board, option):
    return option or os.environ.get("ARMATURE_UBOOT") or board.firmware
