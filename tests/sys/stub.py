# SPDX-License-Identifier: Apache-2.0
"""
An arm64 Image of a few instructions that the emulator starts in the hypervisor's place. It jumps to the real one at
another address, with another x0 if asked: for load addresses and trees that a good boot loader would never give.
"""
import glob
import os
import shutil
import struct
import subprocess
import sys

from machine import ROOT

sys.path.insert(0, os.path.join(ROOT, "tools"))
from armature_lib.board import BOARDS  # noqa: E402
from armature_lib.machine import Machine as Qemu  # noqa: E402
from armature_lib.machine import machine_tree  # noqa: E402

HEADER_SIZE = 64
ENTER = "ldr x16, =HYPERVISOR\nbr x16\n"


def stub_write(path, target, x0=None, before=""):
    """`before`: what it executes first; x1 and x2 are free for that."""
    firmware_write(path, before + ("" if x0 is None else "ldr x0, =TREE\n") + ENTER, target, x0 or 0)
    with open(path, "rb") as file:
        body = file.read()
    size = HEADER_SIZE + len(body)
    head = struct.pack("<IIQQQQQQ4sI", 0x14000000 | HEADER_SIZE // 4, 0, 0, size, 0xA, 0, 0, 0, b"ARM\x64", 0)
    with open(path, "wb") as file:
        file.write(head + body)
    return str(path)


def loader(path, address):
    """The emulator's arguments that put a file into memory."""
    return ["-device", f"loader,file={path},addr={address:#x},force-raw=on"]


def tree_of_the_machine(machine, edit=(), gic=None):
    """The tree that the emulator makes or is given, changed by fdtput's arguments, in which names of target.tree stand for their nodes."""
    path, target = machine.folder / "host.dtb", machine.target
    if target.tree_file:
        shutil.copy(glob.glob(os.path.join(ROOT, "build", "cache", target.tree_file))[-1], path)
        edit = [["-tx", target.tree["memory"], "reg", "0", f"{target.ram[0]:x}", f"{target.ram[1]:x}"], *edit]
    else:
        board = BOARDS[target.board]
        machine_tree(Qemu(board, gic or target.gic, board.cpu, board.cores, board.memory), str(path))
    for arguments in edit:
        subprocess.run(["fdtput", *arguments[:1], path, *(target.tree.get(word, word) for word in arguments[1:])], check=True, timeout=20)
    return path


def start_with_tree(machine, hypervisor, data, x0=None):
    """The hypervisor at another address, x0 pointing at these bytes."""
    target = machine.target
    tree, nothing = machine.folder / "given.dtb", machine.folder / "nothing"
    tree.write_bytes(data)
    nothing.write_bytes(b"")
    stub = stub_write(machine.folder / "stub.img", target.image_at, target.tree_at if x0 is None else x0)
    return machine("--bundle", nothing, "--console", "mux", hyp=stub, timeout=40, log=False,
                   qemu=loader(hypervisor, target.image_at) + loader(tree, target.tree_at))


# All cores start at address 0; the first goes on.
ONE_CORE = """
    mrs     x0, mpidr_el1
    and     x0, x0, #0xff
1:  cbz     x0, 2f
    wfi
    b       1b
2:
"""
# As firmware at EL3 that does its work badly: enters the hypervisor at EL2 with CNTFRQ_EL0 = 0. At address 0, where a machine with -bios starts.
# The second one leaves all interrupts Secure too, as they are out of reset.
ONE_SECURITY_STATE = """
    ldr     x1, =0x08000000         // GICD_CTLR.DS
    mov     w0, #0x40
    str     w0, [x1]
"""
FIRMWARE_SECURE = ONE_CORE + """
    msr     cntfrq_el0, xzr
    mov     x0, #0xf
    msr     S3_6_C12_C12_5, x0      // ICC_SRE_EL3
    isb
    mov     x0, #0x531              // SCR_EL3: RW, HCE, RES1, NS
    msr     scr_el3, x0
    mov     x0, #0x3c9              // EL2h, DAIF masked
    msr     spsr_el3, x0
    ldr     x0, =HYPERVISOR
    msr     elr_el3, x0
    ldr     x0, =TREE
    isb
    eret
"""
FIRMWARE = ONE_SECURITY_STATE + FIRMWARE_SECURE
JUMP = ONE_CORE + ENTER
# For a stub, which is entered at EL2: goes on at EL1.
DROP_TO_EL1 = """
    mov     x1, #1 << 31            // HCR_EL2.RW
    msr     hcr_el2, x1
    mov     x1, #0x3c5              // EL1h, DAIF masked
    msr     spsr_el2, x1
    adr     x1, 1f
    msr     elr_el2, x1
    eret
1:
"""


def firmware_write(path, source, target, tree=0):
    """Assembles what stands in for firmware, flat."""
    subprocess.run(["aarch64-linux-gnu-gcc", "-x", "assembler", "-c", "-o", f"{path}.o", f"-Wa,--defsym,HYPERVISOR={target:#x}",
                    f"-Wa,--defsym,TREE={tree:#x}", "-"], input=source.encode(), check=True, timeout=20)
    subprocess.run(["aarch64-linux-gnu-objcopy", "-O", "binary", f"{path}.o", str(path)], check=True, timeout=20)
    return str(path)
