# SPDX-License-Identifier: Apache-2.0
"""
A Raspberry Pi 4 with TF-A under QEMU: all cores start at EL3 in bl31.bin at address 0. What the board's firmware does before is done here:
U-Boot and the tree are in memory, bl31's header says where, the pins of the serial line are the mini-UART's (as enable_uart=1 makes them).
"""
import os
import struct

from .base import Refused, program_run
from .machine import option_path

STUB_AT, UBOOT_AT, TREE_AT = 0, 0x80000, 0x2600000
MEMORY = 0x3C000000  # what the VideoCore leaves of the first GiB
# What QEMU's machine lacks, and takes out of a tree that it loads itself.
ABSENT = ("/scb/ethernet@7d580000", "/scb/pcie@7d500000", "/soc/rng@7e104000", "/soc/avs-monitor@7d5d2000/thermal")
# TF-A makes serial0 the console; the firmware's own trees, other than the kernel package's, call the mini-UART so.
ALIASES = (("serial0", "/soc/serial@7e215040"), ("serial1", "/soc/serial@7e201000"))

MAGIC, MAGIC_AT, TREE_WORD, KERNEL_WORD = 0x5AFE570B, 0xF0, 0xF8, 0xFC  # of an armstub's header
BRANCH, BRANCH_MASK, OFFSET_MASK = 0x14000000, 0xFC000000, 0x03FFFFFF
PINS_AT = 0x20  # free space of the header
GPFSEL1, UART_PINS = 0xFE200004, 2 << 12 | 2 << 15  # GPIO 14 and 15: function 5


def branch(offset):
    return BRANCH | offset >> 2 & OFFSET_MASK


def stub_write(source, path):
    """bl31.bin as firmware leaves it in memory, with a few instructions before its own first one."""
    with open(source, "rb") as file:
        data = bytearray(file.read())
    if len(data) < 0x1000 or struct.unpack_from("<I", data, MAGIC_AT)[0] != MAGIC:
        raise Refused(f"TF-A '{source}': no armstub: 0x{MAGIC:x} is expected at 0x{MAGIC_AT:x}")
    first = struct.unpack_from("<I", data)[0]
    if first & BRANCH_MASK != BRANCH or any(data[PINS_AT:PINS_AT + 24]):
        raise Refused(f"TF-A '{source}': its header is not laid out as was expected")
    entry = (first & OFFSET_MASK) << 2
    struct.pack_into("<4I", data, PINS_AT, 0x18000000 | 16 >> 2 << 5,  # ldr w0, GPFSEL1
                     0x18000000 | 16 >> 2 << 5 | 1,                    # ldr w1, UART_PINS
                     0xB9000001, branch(entry - PINS_AT - 12))         # str w1, [x0]
    struct.pack_into("<2I", data, PINS_AT + 16, GPFSEL1, UART_PINS)
    struct.pack_into("<I", data, 0, branch(PINS_AT))
    struct.pack_into("<I", data, MAGIC_AT, 0)
    struct.pack_into("<2I", data, TREE_WORD, TREE_AT, UBOOT_AT)
    with open(path, "wb") as file:
        file.write(data)
    return path


def stub_tree(path):
    """Completes a tree that QEMU does not."""
    changes = [["-tx", path, "/memory@0", "reg", "0", "0", f"{MEMORY:x}"]] + [["-ts", path, node, "status", "disabled"] for node in ABSENT]
    changes += [["-ts", path, "/aliases", name, node] for name, node in ALIASES]
    for change in changes:
        program_run(["fdtput", *change], "device-tree-compiler", f"device tree '{path}'")


def stub_arguments(bl31, uboot, tree, folder):
    """QEMU's, in place of -kernel and -dtb."""
    files = ((stub_write(bl31, os.path.join(folder, "stub.bin")), STUB_AT), (uboot, UBOOT_AT), (tree, TREE_AT))
    return [word for path, at in files for word in ("-device", f"loader,file={option_path(path)},addr={at:#x},force-raw=on")]
