# SPDX-License-Identifier: Apache-2.0
"""
An arm64 Image of a few instructions that the emulator starts in the hypervisor's place. It jumps to the real one at
another address, with another x0 if asked: for load addresses and trees that a good boot loader would never give.
"""
import struct

HEADER_SIZE = 64
LDR_X16, LDR_X0, BR_X16, NOP = 0x58000000 | 16, 0x58000000, 0xD61F0200, 0xD503201F


def literal(instruction, words):
    """A load of the literal that lies so many words further."""
    return instruction | words << 5


def stub_write(path, target, x0=None):
    code = struct.pack("<4I", literal(LDR_X16, 4), NOP if x0 is None else literal(LDR_X0, 5), BR_X16, NOP)
    body = code + struct.pack("<2Q", target, x0 or 0)
    size = HEADER_SIZE + len(body)
    head = struct.pack("<IIQQQQQQ4sI", 0x14000000 | HEADER_SIZE // 4, 0, 0, size, 0xA, 0, 0, 0, b"ARM\x64", 0)
    with open(path, "wb") as file:
        file.write(head + body)
    return str(path)


def loader(path, address):
    """The emulator's arguments that put a file into memory."""
    return ["-device", f"loader,file={path},addr={address:#x},force-raw=on"]
