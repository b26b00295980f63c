# SPDX-License-Identifier: Apache-2.0
"""What the tool's tests share: the tool, small images, and a QEMU that plays a script."""
import json
import os
import struct
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TOOL = os.path.join(ROOT, "tools", "armature")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tools"))

ENDED = "R vm guest state=running\nR vm guest state=ended cause={cause} code=1\nR machine end\n"


def arm64_image(size=4096, text_offset=0, image_size=None):
    head = struct.pack("<IIQQQQQQ4sI", 0x14000010, 0, text_offset, size if image_size is None else image_size, 0xA, 0, 0, 0,
                       b"ARM\x64", 0)
    return head.ljust(size, b"\0")


def elf(segments, entry, machine=183, kind=2, **fields):
    """An ELF64 file of (paddr, vaddr, data, memsz) segments."""
    offset = 64 + 56 * len(segments)
    headers, body = b"", b""
    for paddr, vaddr, data, memsz in segments:
        headers += struct.pack("<IIQQQQQQ", 1, 7, fields.get("offset", offset + len(body)), vaddr, paddr,
                               fields.get("filesz", len(data)), memsz, 8)
        body += data
    ident = b"\x7fELF" + bytes([fields.get("bits", 2), 1, 1]) + bytes(9)
    head = struct.pack("<16sHHIQQQIHHHHHH", ident, kind, machine, 1, entry, fields.get("phoff", 64), 0, 0, 64, 56,
                       fields.get("phnum", len(segments)), 0, 0, 0)
    return head + headers + body


def tree_bytes(source="/dts-v1/; / { a { b; }; };"):
    return subprocess.run(["dtc", "-q", "-O", "dtb"], input=source.encode(), capture_output=True, check=True).stdout


def vm_source(name="a", body="", memory="<0x0 0x40000000 0x0 0x01000000>", kernel="k"):
    return f"""{name} {{ compatible = "armature,vm"; #address-cells = <2>; #size-cells = <2>;
        {body}
        memory@40000000 {{ device_type = "memory"; reg = {memory}; }};
        chosen {{ armature,kernel = "{kernel}"; }};
        }};"""


def vms_source(*vms):
    return '/dts-v1/; / { compatible = "armature,vms"; #address-cells = <2>; #size-cells = <2>;\n' + "\n".join(vms) + " };"


class Folder:
    """A temporary folder with files made by name, and the tool run in it."""

    def __init__(self, path):
        self.path = str(path)

    def file(self, name, data):
        path = os.path.join(self.path, name)
        with open(path, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
        return path

    def tool(self, *args, env=None, stdin=b"", timeout=30):
        clean = {key: value for key, value in os.environ.items() if not key.startswith("ARMATURE_")}
        return subprocess.run([TOOL, *args], input=stdin, capture_output=True, timeout=timeout, check=False, cwd=self.path,
                              env={**clean, "TMPDIR": self.path, **(env or {})})

    def fake_env(self, steps):
        return {"ARMATURE_QEMU": os.path.join(HERE, "fake_qemu.py"), "FAKE_QEMU_PLAY": json.dumps(steps),
                "FAKE_QEMU_ARGS": os.path.join(self.path, "qemu.json")}

    def run_arguments(self):
        return ["run", "--hyp", self.file("hyp.bin", arm64_image()), "--kernel", self.file("kernel.bin", b"raw " * 16)]

    def run(self, steps, *args, **kwargs):
        """`armature run` of a raw kernel with a QEMU that plays the steps."""
        return self.tool(*self.run_arguments(), *args, env=self.fake_env(steps), **kwargs)

    def qemu(self):
        with open(os.path.join(self.path, "qemu.json"), encoding="utf-8") as file:
            return json.load(file)

    def leftovers(self):
        return [name for name in os.listdir(self.path) if name.startswith("armature-")]


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)
