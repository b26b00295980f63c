# SPDX-License-Identifier: Apache-2.0
"""Guest images: what a file is, and what the hypervisor must know of it. Files are untrusted input."""
import os
import struct
import zlib
from dataclasses import dataclass
from typing import Optional

from .base import GIB, Refused, file_required, size_text

IMAGE_LIMIT = 1 * GIB  # of one image, unpacked or laid out
ROLES = ("kernel", "ramdisk", "dtb", "data")
ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
ELF_SEGMENT = struct.Struct("<IIQQQQQQ")
GZIP, ZBOOT_HEADER = b"\x1f\x8b", 64
PT_LOAD, EM_AARCH64, ET_EXEC, ET_DYN = 1, 183, 2, 3


@dataclass
class Image:
    """One image of a bundle. `data` is None where the file is stored as it is."""
    name: str
    path: str
    role: str
    format: str  # image, elf, raw or data: the value of armature,format
    size: int    # bytes stored
    data: Optional[bytes] = None
    load: Optional[int] = None   # ELF: lowest physical address
    entry: Optional[int] = None  # ELF: physical address of the first instruction
    bss: int = 0                 # bytes that must be zero behind what is stored
    text_offset: int = 0         # arm64 Image: from a 2 MiB boundary


def image_open(name, path, role):
    """Reads what the file is. Kernels are unpacked and laid out; anything else is stored byte for byte."""
    what = f"image '{name}'"
    file_required(path, what)
    size = os.path.getsize(path)
    if size == 0:
        raise Refused(f"{what} '{path}': the file is empty")
    if role == "dtb":
        return dtb_image(name, path, size)
    if role != "kernel":
        return Image(name, path, role, "data", size)
    with open(path, "rb") as file:
        head = file.read(64)
        if head.startswith(GZIP):
            return kernel_image(name, path, gzip_unpack(head + file.read(), f"{what} '{path}'"), True)
        if head[:8] == b"MZ\0\0zimg":
            return kernel_image(name, path, zboot_unpack(head + file.read(), f"{what} '{path}'"), True)
        if head[:4] == b"\x7fELF":
            return kernel_image(name, path, head + file.read(), True)
    return kernel_image(name, path, head, False, size)


def kernel_image(name, path, data, whole, size=None):
    """`data` is the whole image, or its first 64 bytes with the size of the file that holds the rest."""
    what = f"image '{name}' '{path}'"
    size = len(data) if size is None else size
    if data[:4] == b"\x7fELF":
        return elf_image(name, path, data, what)
    if len(data) >= 64 and data[0x38:0x3C] == b"ARM\x64":
        text_offset, image_size, flags = struct.unpack_from("<QQQ", data, 8)
        if flags & 1:
            raise Refused(f"{what}: a big-endian kernel: virtual devices are little endian")
        if image_size == 0:
            text_offset = 0x80000  # before Linux 3.17, as its boot protocol says
        if text_offset > IMAGE_LIMIT or image_size > IMAGE_LIMIT:
            raise Refused(f"{what}: the arm64 Image header's text_offset {text_offset:#x} or image_size {image_size:#x}"
                          " is not believable")
        return Image(name, path, "kernel", "image", size, data if whole else None,
                     bss=max(0, image_size - size), text_offset=text_offset)
    for magic, kind in ((b"\x27\x05\x19\x56", "a legacy U-Boot image"), (b"\xd0\x0d\xfe\xed", "a flattened device tree"),
                        (b"\xfd7zXZ\0", "xz-packed: unpack it first"), (b"\x28\xb5\x2f\xfd", "zstd-packed: unpack it first"),
                        (b"BZh", "bzip2-packed: unpack it first"), (b"\x02\x21\x4c\x18", "lz4-packed: unpack it first"),
                        (b"ARMABNDL", "an Armature bundle: give it with --bundle")):
        if data.startswith(magic):
            raise Refused(f"{what}: not a kernel for an arm64 VM but {kind}")
    if data[0x202:0x206] == b"HdrS" or data[0x24:0x28] == b"\x18\x28\x6f\x01":
        raise Refused(f"{what}: a kernel for another architecture")
    return Image(name, path, "kernel", "raw", size, data if whole else None)


def dtb_image(name, path, size):
    with open(path, "rb") as file:
        head = file.read(40)
    what = f"image '{name}' '{path}'"
    if len(head) < 40 or head[:4] != b"\xd0\x0d\xfe\xed":
        raise Refused(f"{what}: not a flattened device tree (compile it with dtc)")
    total = struct.unpack_from(">I", head, 4)[0]
    if total > size:
        raise Refused(f"{what}: truncated: its header says {total} bytes, the file has {size}")
    return Image(name, path, "dtb", "data", size)


def gzip_unpack(data, what):
    """All members, one behind the other, as gzip unpacks them. Zeros that pad the last one are not looked at."""
    out = b""
    while data:
        unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            out += unpacker.decompress(data, IMAGE_LIMIT + 1 - len(out))
        except zlib.error as error:
            raise Refused(f"{what}: gzip: {error}") from None
        if unpacker.unconsumed_tail or len(out) > IMAGE_LIMIT:
            raise Refused(f"{what}: unpacks to more than {size_text(IMAGE_LIMIT)}")
        if not unpacker.eof:
            raise Refused(f"{what}: gzip: the file ends before its data does")
        data = unpacker.unused_data.lstrip(b"\0")
        if data and not data.startswith(GZIP):
            raise Refused(f"{what}: gzip: {len(data)} bytes behind its data are no gzip")
    if not out:
        raise Refused(f"{what}: gzip: nothing is packed in it")
    return out


def zboot_unpack(data, what):
    """Linux' self-unpacking EFI image: the packed Image lies inside, at an offset that the header names."""
    if len(data) < ZBOOT_HEADER:
        raise Refused(f"{what}: an EFI zboot image that ends in its header")
    offset, size = struct.unpack_from("<II", data, 8)
    kind = data[24:56].split(b"\0")[0]
    if kind != b"gzip":
        raise Refused(f"{what}: an EFI zboot image packed with {kind.decode('latin-1')!r}: unpack it first")
    if offset + size > len(data):
        raise Refused(f"{what}: an EFI zboot image whose data ends behind the file")
    return gzip_unpack(data[offset:offset + size], what)


def elf_segments(data, what):
    """The loadable segments as (physical, virtual, file offset, file size, memory size), and the entry point."""
    if len(data) < ELF_HEADER.size:
        raise Refused(f"{what}: ELF: truncated header")
    ident, kind, machine, _, entry, phoff, _, _, _, phentsize, phnum, _, _, _ = ELF_HEADER.unpack_from(data)
    if ident[4] != 2 or ident[5] != 1:
        raise Refused(f"{what}: ELF: not 64-bit little-endian")
    if machine != EM_AARCH64:
        raise Refused(f"{what}: ELF: for machine {machine}, not AArch64 ({EM_AARCH64})")
    if kind not in (ET_EXEC, ET_DYN):
        raise Refused(f"{what}: ELF: of type {kind}, not an executable")
    if phentsize != ELF_SEGMENT.size or phoff + phnum * phentsize > len(data):
        raise Refused(f"{what}: ELF: its program headers lie outside the file")
    segments = []
    for index in range(phnum):
        kind, _, offset, vaddr, paddr, filesz, memsz, _ = ELF_SEGMENT.unpack_from(data, phoff + index * phentsize)
        if kind != PT_LOAD or memsz == 0:
            continue
        if filesz > memsz or offset + filesz > len(data):
            raise Refused(f"{what}: ELF: segment {index} lies outside the file")
        if paddr + memsz > 1 << 64:
            raise Refused(f"{what}: ELF: segment {index} at {paddr:#x} wraps around")
        segments.append((paddr, vaddr, offset, filesz, memsz))
    if not segments:
        raise Refused(f"{what}: ELF: no loadable segment")
    return sorted(segments), entry


def elf_image(name, path, data, what):
    """The flat memory image: segments at their physical addresses, holes zero, the last one's bss left out."""
    segments, entry = elf_segments(data, what)
    load = segments[0][0]
    end = max(paddr + filesz for paddr, _, _, filesz, _ in segments)
    memory_end = max(paddr + memsz for paddr, _, _, _, memsz in segments)
    end = max(end, load + 1)
    if memory_end - load > IMAGE_LIMIT:
        raise Refused(f"{what}: ELF: its segments are spread over {memory_end - load:#x} bytes from {load:#x}")
    flat, covered = bytearray(end - load), load
    for index, (paddr, _, offset, filesz, memsz) in enumerate(segments):
        if paddr < covered and index:
            raise Refused(f"{what}: ELF: two segments overlap at {paddr:#x}")
        flat[paddr - load:paddr - load + filesz] = data[offset:offset + filesz]
        covered = paddr + memsz
    return Image(name, path, "kernel", "elf", len(flat), bytes(flat), load=load,
                 entry=elf_entry_physical(segments, entry, what), bss=memory_end - end)


def elf_entry_physical(segments, entry, what):
    """Entry points are virtual addresses; a guest starts with its MMU off."""
    for paddr, vaddr, _, _, memsz in segments:
        if vaddr <= entry < vaddr + memsz:
            return entry - vaddr + paddr
    if any(paddr <= entry < paddr + memsz for paddr, _, _, _, memsz in segments):
        return entry
    raise Refused(f"{what}: ELF: its entry point {entry:#x} lies in no segment")
