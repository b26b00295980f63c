# SPDX-License-Identifier: Apache-2.0
"""Whether a VM's images fit its memory. Where they go is the hypervisor's decision; this says early what it would refuse."""
from .base import MIB, align_up, size_text

RAW_OFFSET = 0x80000
TREE_ROOM = 64 * 1024


def kernel_address(vm, kernel):
    """The address of the kernel's first byte, as docs/DESCRIPTION.md states it."""
    if vm.kernel_load is not None:
        return vm.kernel_load
    if kernel.format == "elf":
        return kernel.load
    ram = next(r for r in vm.ram if not r.read_only)
    if kernel.format == "image":
        return align_up(ram.base, 2 * MIB) + kernel.text_offset
    return ram.base + RAW_OFFSET


def placement_faults(vm, images):
    """'path: reason' for every image of the VM that is missing or does not fit; `images` maps names to Image."""
    faults = [f"{path}: {'armature,image' if role == 'data' else 'armature,' + role}: no image '{name}' was given"
              for name, role, path in vm.images() if name not in images]
    for ram in vm.ram:
        if ram.image in images and images[ram.image].size > ram.size:
            faults.append(f"{ram.path}: image '{ram.image}' has {images[ram.image].size:#x} bytes, the memory {ram.size:#x}")
    if not faults and vm.kernel in images and any(not r.read_only for r in vm.ram):
        faults += kernel_faults(vm, images)
    return faults


def kernel_faults(vm, images):
    kernel, path, faults = images[vm.kernel], f"{vm.path}/chosen", []
    if kernel.format == "elf" and vm.kernel_load not in (None, kernel.load):
        return [f"{path}: armature,kernel-load {vm.kernel_load:#x}: kernel '{kernel.name}' is an ELF file linked for"
                f" {kernel.load:#x}"]
    base = kernel_address(vm, kernel)
    end = base + kernel.size + kernel.bss
    ram = next((r for r in vm.ram if r.base <= base and end <= r.end), None)
    if ram is None:
        return [f"{path}: kernel '{kernel.name}' takes {base:#x} to {end:#x}, which is not inside the VM's memory ("
                + ", ".join(f"{r.base:#x} to {r.end:#x}" for r in vm.ram) + ")"]
    if vm.entry is not None and not any(r.base <= vm.entry < r.end for r in vm.ram):
        faults.append(f"{path}: armature,entry {vm.entry:#x} lies in no memory of the VM")
    others = sum(images[name].size for name in (vm.ramdisk, vm.dtb) if name in images)
    free = sum(r.size for r in vm.ram if not r.read_only) - (end - base)
    if others + (0 if vm.dtb else TREE_ROOM) > free:
        faults.append(f"{path}: ramdisk and tree need {size_text(others + TREE_ROOM)}, the kernel leaves {size_text(free)}")
    if vm.dtb_address is not None:
        if not any(r.base <= vm.dtb_address < r.end for r in vm.ram):
            faults.append(f"{path}: armature,dtb-address {vm.dtb_address:#x} lies in no memory of the VM")
        elif base <= vm.dtb_address < end:
            faults.append(f"{path}: armature,dtb-address {vm.dtb_address:#x} lies inside the kernel ({base:#x} to {end:#x})")
    return faults
