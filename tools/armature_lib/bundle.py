# SPDX-License-Identifier: Apache-2.0
"""The bundle: a 4 KiB header page, then a FIT with the VM description, the guests' images and a hash of each."""
import os
import re
import struct
import tempfile
import zlib
from dataclasses import dataclass
from typing import Dict, List

from .base import Refused, program_run
from .bindings import Bindings
from .description import Description, Vm
from .image import Image, image_open
from .output import output_file
from .passthrough import expand, wants
from .placement import placement_faults
from .tree import tree_compile, tree_read

MAGIC, VERSION, HEADER_SIZE = b"ARMABNDL", 1, 4096
HEADER = struct.Struct("<8sIIQQII")  # magic, version, header size, file size, tree size, tree crc32, header crc32
HASHES = ("crc32", "sha256")
FIT_TYPES = {"kernel": ("kernel", "linux"), "ramdisk": ("ramdisk", "linux"), "dtb": ("flat_dt", None),
             "data": ("firmware", None)}


@dataclass
class Content:
    """What goes into a bundle, checked."""
    dtb: bytes
    vms: List[Vm]
    images: Dict[str, Image]

    def memory(self):
        return sum(r.size for vm in self.vms for r in vm.ram) + sum(i.size for i in self.images.values())

    def cores(self):
        """How many cores the VMs ask for."""
        return max([vm.highest_core + 1 or max([vm.cpus] + [core + 1 for core in vm.affinity]) for vm in self.vms] + [1])


def images_parse(arguments):
    """NAME=FILE arguments as a dictionary."""
    images = {}
    for argument in arguments:
        name, mark, path = argument.partition("=")
        if not mark or not path:
            raise Refused(f"--image '{argument}': NAME=FILE is expected")
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9._+-]{0,30}", name):
            raise Refused(f"--image '{argument}': '{name}' is no image name: a letter, then up to 30 of A-Z a-z 0-9 . _ + -")
        if name == "vms":
            raise Refused(f"--image '{argument}': the name 'vms' is the description's own")
        if name in images:
            raise Refused(f"--image '{argument}': the image '{name}' is given twice")
        images[name] = path
    return images


def content_make(dtb, paths, what, checks=True, bindings=()):
    """Reads the description and the images and refuses all that the hypervisor would refuse later."""
    description = Description(tree_read(dtb, what), Bindings(bindings))
    if checks:
        description.refuse(what)
    roles = {}
    for vm in description.vms:
        for name, role, path in vm.images():
            if checks and roles.setdefault(name, (role, path))[0] != role:
                raise Refused(f"{path}: image '{name}' is used as {role} here and as {roles[name][0]} by {roles[name][1]}")
            roles.setdefault(name, (role, path))
    images = {name: image_open(name, path, roles.get(name, ("data", None))[0]) for name, path in paths.items()}
    if checks:
        for vm in description.vms:
            description.faults += placement_faults(vm, images)
        description.refuse(what)
    return Content(dtb, description.vms, images)


def content_read(path, paths, checks=True, warn=None, bindings=(), host=None):
    """`bindings`: folders with the schemas of vdevs from outside the tree. `host`: what gives the machine's tree and its name, if it is asked for."""
    dtb, faults = description_read(path, warn, host)
    if faults:
        raise Refused("\n".join([f"description '{path}' is refused:"] + [f"  {line}" for line in faults]))
    return content_make(dtb, paths, f"description '{path}'", checks, bindings)


def description_read(path, warn=None, host=None):
    """The description, compiled, with the machine's devices written out; and what is wrong with these."""
    dtb, what = tree_compile(path, warn), f"description '{path}'"
    root = tree_read(dtb, what)
    if not wants(root):
        return dtb, []
    if host is None:
        raise Refused(f"{what} names devices of the machine by their path: --host-dtb FILE gives the machine's tree")
    expansion = expand(root, *host())
    for remark in expansion.remarks if warn else []:
        warn(remark)
    return expansion.tree(), expansion.faults


def bundle_write(content, output, algorithm="crc32"):
    """Packs the content. SOURCE_DATE_EPOCH makes it reproducible, as mkimage does."""
    with tempfile.TemporaryDirectory(prefix="armature-") as folder:
        nodes = []
        for index, image in enumerate(content.images.values()):
            file_place(image, os.path.join(folder, f"image{index}"))
            nodes.append(image_node(image, f"image{index}", algorithm))
        with open(os.path.join(folder, "vms"), "wb") as file:
            file.write(content.dtb)
        nodes.append(node_text("vms", "VM description", "vms", "flat_dt", None, algorithm, "data", []))
        with open(os.path.join(folder, "bundle.its"), "w", encoding="utf-8") as file:
            file.write('/dts-v1/;\n/ {\ndescription = "Armature bundle";\n#address-cells = <1>;\nimages {\n'
                       + "".join(nodes) + "};\n};\n")
        program_run(["mkimage", "-f", "bundle.its", "-E", "-B", "0x1000", "bundle.fit"], "u-boot-tools",
                    f"bundle '{output}'", cwd=folder)
        with output_file(output, "bundle") as partial:
            assemble(os.path.join(folder, "bundle.fit"), partial)


def file_place(image, path):
    """The image's bytes under a name that needs no quoting: the file itself where it is stored as it is."""
    if image.data is None:
        os.symlink(os.path.abspath(image.path), path)
    else:
        with open(path, "wb") as file:
            file.write(image.data)


def image_node(image, file, algorithm):
    kind, system = FIT_TYPES[image.role]
    extra = [f"armature,{name} = /bits/ 64 <{value:#x}>;"
             for name, value in (("load", image.load), ("entry", image.entry)) if value is not None]
    if image.format == "elf":
        extra.append(f"armature,bss = /bits/ 64 <{image.bss:#x}>;")
    return node_text(image.name, f"{image.role} {image.name}", file, kind, system, algorithm, image.format, extra)


def node_text(name, description, file, kind, system, algorithm, image_format, extra):
    lines = [f'description = "{description}";', f'data = /incbin/("{file}");', f'type = "{kind}";', 'arch = "arm64";',
             'compression = "none";', f'armature,format = "{image_format}";', *extra]
    if system:
        lines.append(f'os = "{system}";')
    return f"{name} {{\n" + "\n".join(lines) + f'\nhash-1 {{ algo = "{algorithm}"; }};\n}};\n'


def assemble(fit_path, output):
    """Header page and FIT."""
    with open(fit_path, "rb") as fit, open(output, "wb") as out:
        tree_size = struct.unpack_from(">I", fit.read(8), 4)[0]
        fit.seek(0)
        tree = fit.read(tree_size)
        size = HEADER_SIZE + os.fstat(fit.fileno()).st_size
        out.write(header_make(size, tree).ljust(HEADER_SIZE, b"\0"))
        out.write(tree)
        while block := fit.read(1 << 20):
            out.write(block)


def header_make(size, tree):
    head = HEADER.pack(MAGIC, VERSION, HEADER_SIZE, size, len(tree), zlib.crc32(tree), 0)[:-4]
    return head + struct.pack("<I", zlib.crc32(head))
