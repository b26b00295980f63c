# SPDX-License-Identifier: Apache-2.0
"""Guest images: what they are taken for, and hostile ones."""
import gzip
import struct

import pytest
from conftest import arm64_image, elf

from armature_lib.base import Refused
from armature_lib.guest import tree_place
from armature_lib.image import image_open


def test_arm64_image_is_stored_as_it_is(folder):
    image = image_open("k", folder.file("k", arm64_image(8192, 0x80000, 0x10000)), "kernel")
    assert (image.format, image.size, image.data, image.text_offset, image.bss) == ("image", 8192, None, 0x80000, 0x10000 - 8192)


def test_old_arm64_image_without_size_has_the_old_offset(folder):
    assert image_open("k", folder.file("k", arm64_image(4096, 0, 0)), "kernel").text_offset == 0x80000


def test_gzip_kernel_is_unpacked(folder):
    image = image_open("k", folder.file("k", gzip.compress(arm64_image())), "kernel")
    assert (image.format, image.data) == ("image", arm64_image())


@pytest.mark.parametrize("behind", [b"", bytes(100)])
def test_gzip_kernel_of_two_members_is_unpacked_whole(folder, behind):
    data = arm64_image()
    packed = gzip.compress(data[:100]) + gzip.compress(data[100:]) + behind
    assert image_open("k", folder.file("k", packed), "kernel").data == data


def test_gzip_ramdisk_is_not(folder):
    packed = gzip.compress(b"cpio")
    image = image_open("i", folder.file("i", packed), "ramdisk")
    assert (image.format, image.data, image.size) == ("data", None, len(packed))


def test_zboot_kernel_is_unpacked(folder):
    packed = gzip.compress(arm64_image())
    head = struct.pack("<4s4sII8s32s", b"MZ\0\0", b"zimg", 64, len(packed), b"", b"gzip").ljust(64, b"\0")
    assert image_open("k", folder.file("k", head + packed), "kernel").data == arm64_image()


def test_anything_else_is_raw(folder):
    assert image_open("k", folder.file("k", b"\x01\x02"), "kernel").format == "raw"


def test_elf_is_laid_out_flat(folder):
    path = folder.file("k", elf([(0x40081000, 0x81000, b"data", 0x100), (0x40080000, 0x80000, b"text", 4)], 0x80000))
    image = image_open("k", path, "kernel")
    assert (image.format, image.load, image.entry, image.bss) == ("elf", 0x40080000, 0x40080000, 0x100 - 4)
    assert image.data == b"text" + bytes(0x1000 - 4) + b"data"


def test_elf_of_bss_alone(folder):
    image = image_open("k", folder.file("k", elf([(0x1000, 0x1000, b"", 0x20)], 0x1000)), "kernel")
    assert (image.load, image.size + image.bss) == (0x1000, 0x20)


GOOD = [(0x40080000, 0x40080000, b"text", 4)]
HOSTILE = {
    "bytes behind its data are no gzip": gzip.compress(b"kernel") + b"junk",
    "nothing is packed in it": gzip.compress(b""),
    "gzip: the file ends before its data does": gzip.compress(b"a") + gzip.compress(b"kernel")[:-1],
    "an EFI zboot image that ends in its header": b"MZ\0\0zimg\0\0",
    "empty": b"",
    "elf: truncated": elf(GOOD, 0x40080000)[:40],
    "elf: not 64-bit": elf(GOOD, 0x40080000, bits=1),
    "elf: for machine 62": elf(GOOD, 0x40080000, machine=62),
    "elf: of type 1": elf(GOOD, 0x40080000, kind=1),
    "headers lie outside": elf(GOOD, 0x40080000, phoff=1 << 40),
    "headers lie outside the file": elf(GOOD, 0x40080000, phnum=2000),
    "no loadable": elf([], 0),
    "lies outside the file": elf(GOOD, 0x40080000, offset=1 << 50),
    "segment 0 lies outside": elf(GOOD, 0x40080000, filesz=1 << 40),
    "wraps": elf([((1 << 64) - 2, 0, b"text", 4)], 0),
    "spread over": elf([(0, 0, b"text", 4), (1 << 40, 1 << 40, b"text", 4)], 0),
    "overlap": elf([(0x1000, 0x1000, b"text", 4), (0x1002, 0x9000, b"text", 4)], 0x1000),
    "lies in no segment": elf(GOOD, 0x50000000),
    "ends before": gzip.compress(bytes(100000))[:-20],
    "gzip": b"\x1f\x8b\x08\x00" + b"\xff" * 60,
    "not believable": arm64_image(4096, 1 << 60),
    "big-endian": arm64_image()[:24] + b"\x0b" + arm64_image()[25:],
    "bzip2-packed": b"BZh9" + bytes(60),
    "legacy u-boot": b"\x27\x05\x19\x56" + bytes(60),
    "device tree": b"\xd0\x0d\xfe\xed" + bytes(60),
    "zboot": struct.pack("<4s4sII8s32s", b"MZ\0\0", b"zimg", 64, 1 << 30, b"", b"gzip").ljust(64, b"\0"),
    "packed with 'lzma'": struct.pack("<4s4sII8s32s", b"MZ\0\0", b"zimg", 64, 0, b"", b"lzma").ljust(64, b"\0"),
}


@pytest.mark.parametrize("reason", HOSTILE)
def test_hostile_kernel_is_refused_by_name(folder, reason):
    with pytest.raises(Refused) as refusal:
        image_open("evil", folder.file("k", HOSTILE[reason]), "kernel")
    assert "'evil'" in str(refusal.value) and reason.lower() in str(refusal.value).lower()


def test_gzip_bomb_is_refused(folder, monkeypatch):
    monkeypatch.setattr("armature_lib.image.IMAGE_LIMIT", 1 << 16)
    with pytest.raises(Refused, match="unpacks to more"):
        image_open("k", folder.file("k", gzip.compress(bytes(1 << 20))), "kernel")


@pytest.mark.parametrize("data, reason", [(b"hello", "not a flattened"), (struct.pack(">10I", 0xD00DFEED, 999, *[0] * 8), "truncated")])
def test_hostile_tree_is_refused(folder, data, reason):
    with pytest.raises(Refused, match=reason):
        image_open("t", folder.file("t", data), "dtb")


def test_missing_file_and_folder(folder):
    with pytest.raises(Refused, match="no such file"):
        image_open("k", "/nowhere/k", "kernel")
    with pytest.raises(Refused, match="is a directory"):
        image_open("k", folder.path, "kernel")


@pytest.mark.parametrize("data, place", [
    (elf([(0x40100000, 0xFFFF000000100000, b"text", 4)], 0xFFFF000000100000), 0x40000000),
    (elf([(0x400FFFF0, 0x400FFFF0, b"text", 4)], 0x400FFFF0), None),
    (arm64_image(), None),
    (b"raw " * 16, None),
])
def test_an_elf_kernel_with_room_below_it_has_its_tree_where_qemu_puts_it(folder, data, place):
    assert tree_place(image_open("k", folder.file("k", data), "kernel")) == place
